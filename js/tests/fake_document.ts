// A document without a page: elements with attributes, children and listeners, for tests of controls in Node.
// Import it before an element is made. It has no layout and no styles: those are tested in the browser.

type Listener = (event: FakeEvent) => void;

/** What a listener receives. */
export interface FakeEvent {
  readonly type: string;
  readonly target: FakeElement;
}

export class FakeElement {
  readonly attributes = new Map<string, string>();
  readonly properties = new Map<string, string>();
  readonly style = {
    setProperty: (name: string, value: string) => {
      this.properties.set(name, value);
    },
  };
  children: (FakeElement | string)[] = [];
  className = "";
  hidden = false;
  value = "";
  private readonly listeners: [string, Listener][] = [];
  readonly tagName: string;

  constructor(tagName: string) {
    this.tagName = tagName;
  }

  readonly classList = {
    contains: (name: string) => this.className.split(" ").includes(name),
    toggle: (name: string, on: boolean) => {
      const others = this.className.split(" ").filter((other) => other && other !== name);
      this.className = [...others, ...(on ? [name] : [])].join(" ");
    },
    add: (name: string) => this.classList.toggle(name, true),
    remove: (name: string) => this.classList.toggle(name, false),
  };

  getAttribute(name: string): string | null {
    return this.attributes.get(name) ?? null;
  }

  setAttribute(name: string, value: string): void {
    this.attributes.set(name, String(value));
  }

  append(...children: (FakeElement | string)[]): void {
    this.children.push(...children);
  }

  replaceChildren(...children: (FakeElement | string)[]): void {
    this.children = children;
  }

  addEventListener(type: string, listener: Listener): void {
    this.listeners.push([type, listener]);
  }

  /** Call the listeners, as the browser does for an event of this type. */
  fire(type: string): void {
    for (const [name, listener] of this.listeners) if (name === type) listener({ type, target: this });
  }

  set textContent(text: string) {
    this.children = [text];
  }

  get textContent(): string {
    return this.children.map((child) => (typeof child === "string" ? child : child.textContent)).join("");
  }

  /** All elements below this one that have a class. */
  all(className: string): FakeElement[] {
    const below = this.children.filter((child) => child instanceof FakeElement);
    return below.flatMap((child) => [...(child.classList.contains(className) ? [child] : []), ...child.all(className)]);
  }
}

class FakeOption extends FakeElement {
  constructor(text: string, value: string) {
    super("option");
    this.append(text);
    this.value = value;
  }
}

Object.assign(globalThis, {
  document: {
    createElement: (tag: string) => new FakeElement(tag),
    createElementNS: (_: string, tag: string) => new FakeElement(tag),
  },
  Option: FakeOption,
});

/** The fake behind an element that the code under test has made. */
export function fake(element: unknown): FakeElement {
  if (!(element instanceof FakeElement)) throw new Error("not an element of the fake document");
  return element;
}
