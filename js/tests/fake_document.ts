// A document without a page: elements with attributes, children and listeners, for tests of controls in Node.
// Import it before an element is made. It has no layout and no styles: those are tested in the browser.

type Listener = (event: FakeEvent) => void;

/** What a listener receives. */
export interface FakeEvent {
  readonly type: string;
  readonly target: FakeElement;
  preventDefault(): void;
  stopPropagation(): void;
}

export class FakeElement {
  readonly attributes = new Map<string, string>();
  readonly style = { setProperty: (name: string, value: string) => this.attributes.set(name, value) };
  readonly dataset: Record<string, string> = {};
  /** Left, top, width and height. */
  box: readonly [number, number, number, number] = [0, 0, 0, 0];
  children: (FakeElement | string)[] = [];
  className = "";
  hidden = false;
  value = "";
  private listeners: [string, Listener][] = [];
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
    remove: (...names: string[]) => {
      for (const name of names) this.classList.toggle(name, false);
    },
  };

  getBoundingClientRect() {
    const [left, top, width, height] = this.box;
    return { left, top, width, height };
  }

  setPointerCapture(): void {}
  focus(): void {}

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

  removeEventListener(type: string, listener: Listener): void {
    this.listeners = this.listeners.filter(([name, one]) => name !== type || one !== listener);
  }

  /** Call the listeners, as the browser does for an event of this type. */
  fire(type: string, parts: object = {}): void {
    const event = { type, target: this, preventDefault() {}, stopPropagation() {}, ...parts };
    for (const [name, listener] of this.listeners) if (name === type) listener(event);
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

/** The document: an element that makes others. */
export const fakeDocument = Object.assign(new FakeElement("document"), {
  createElement: (tag: string) => new FakeElement(tag),
  createElementNS: (_: string, tag: string) => new FakeElement(tag),
});

Object.assign(globalThis, {
  document: fakeDocument,
  Element: FakeElement,
  Node: FakeElement,
  Option: FakeOption,
});

/** The fake behind an element that the code under test has made. */
export function fake(element: unknown): FakeElement {
  if (!(element instanceof FakeElement)) throw new Error("not an element of the fake document");
  return element;
}
