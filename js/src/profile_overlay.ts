// The line of a profile on one map: the line, the area over which it is averaged, and handles for its ends and its width.

import { element, svg } from "./dom";
import { type Corner, pathOf } from "./polygon";
import { areaOfLine, type Extent, type ProfileLine, pointOn } from "./profile_line";

/** What a handle moves. */
export type Part = "start" | "end" | "width";

export interface Handling {
  /** A handle is dragged to a position. */
  move(part: Part, to: Corner): void;
  /** It is released. */
  end(): void;
  /** A key moves it by pixels of the image. */
  nudge(part: Part, right: number, down: number): void;
}

const TITLES: Readonly<Record<Part, string>> = {
  start: "Start of the line: drag it, or press arrow keys",
  end: "End of the line: drag it, or press arrow keys",
  width: "Width of the line: drag it, or press arrow keys",
};
const ARROWS: Readonly<Record<string, readonly [right: number, down: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export class ProfileOverlay {
  private readonly root: HTMLElement;
  private readonly area = svg("path", { class: "mffnb-line-area" });
  private readonly dark = svg("path", { class: "mffnb-line mffnb-line-dark" });
  private readonly light = svg("path", { class: "mffnb-line" });
  private readonly dot = element("div", "mffnb-line-dot", { hidden: "" });
  private readonly handles: Readonly<Record<Part, HTMLElement>>;

  /** `first`: whether its handles are reached by the Tab key; those of the other maps repeat them. */
  constructor(picture: HTMLElement, first: boolean, handling: Handling) {
    const handle = (part: Part) => handleElement(picture, part, first, handling);
    this.handles = { start: handle("start"), end: handle("end"), width: handle("width") };
    const lines = svg("svg", { class: "mffnb-lines", viewBox: "0 0 100 100", preserveAspectRatio: "none" }, [
      this.area,
      this.dark,
      this.light,
    ]);
    this.root = element("div", "mffnb-line-layer", { hidden: "" }, [lines, this.dot, ...Object.values(this.handles)]);
    picture.append(this.root);
  }

  /** Draw a line; null for none. */
  show(line: ProfileLine | null, extent: Extent): void {
    this.root.hidden = line === null;
    if (!line) return;
    const path = pathOf([line.start, line.end]);
    this.dark.setAttribute("d", path);
    this.light.setAttribute("d", path);
    this.area.setAttribute("d", line.width > 0 ? pathOf(areaOfLine(line, extent)) : "");
    place(this.handles.start, line.start);
    place(this.handles.end, line.end);
    place(this.handles.width, pointOn(line, extent, 0.5, line.width / 2));
  }

  /** Mark a position on the line. */
  mark(at: Corner | null): void {
    this.dot.hidden = at === null;
    if (at) place(this.dot, at);
  }
}

function place(node: HTMLElement, [y, x]: Corner): void {
  node.style.left = `${100 * x}%`;
  node.style.top = `${100 * y}%`;
}

/** A handle; what happens on it is none of the map. */
function handleElement(picture: HTMLElement, part: Part, first: boolean, handling: Handling): HTMLElement {
  const node = element("button", `mffnb-line-handle mffnb-line-${part}`, {
    type: "button",
    title: TITLES[part],
    "aria-label": TITLES[part],
    tabindex: first ? 0 : -1,
  });
  let held = false;
  node.addEventListener("pointerdown", (event) => {
    event.stopPropagation();
    if (event.button !== 0) return;
    held = true;
    node.setPointerCapture(event.pointerId);
  });
  node.addEventListener("pointermove", (event) => {
    event.stopPropagation();
    if (!held) return;
    const box = picture.getBoundingClientRect();
    handling.move(part, [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width]);
  });
  for (const name of ["pointerup", "pointercancel"] as const)
    node.addEventListener(name, (event) => {
      event.stopPropagation();
      if (held) handling.end();
      held = false;
    });
  node.addEventListener("click", (event) => event.stopPropagation());
  node.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    if (!arrow) return;
    event.preventDefault();
    const steps = event.shiftKey ? 10 : 1;
    handling.nudge(part, steps * arrow[0], steps * arrow[1]);
  });
  return node;
}
