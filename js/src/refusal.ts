// A message beside the last click where its line in the status is out of sight, for example above a long notebook page.

import { element } from "./dom";

/** Pixels between the message and the click below it. */
const OFFSET = 16;

export class Refusal {
  readonly root = element("div", "mffnb-refusal", { role: "note", hidden: "" });
  private readonly view: HTMLElement;
  private point: readonly [number, number] | null = null;
  private shown = "";

  constructor(view: HTMLElement) {
    this.view = view;
    this.root.hidden = true;
    view.addEventListener("pointerdown", ({ clientX, clientY }) => this.pressed(clientX, clientY), true);
  }

  /** Show the message of a call that was refused; `line` is its place in the status. An empty text removes it. */
  show(text: string, line: Element): void {
    if (text === this.shown) return;
    this.shown = text;
    this.root.hidden = text === "" || this.point === null || isVisible(line);
    if (this.root.hidden || !this.point) return;
    this.root.textContent = text;
    const box = this.view.getBoundingClientRect();
    const left = Math.min(this.point[0] - box.left, Math.max(box.width - this.root.offsetWidth - 8, 0));
    const top = Math.max(this.point[1] - box.top - this.root.offsetHeight - OFFSET, 0); // the box of values is below
    this.root.style.transform = `translate(${left}px, ${top}px)`;
  }

  /** Remember where the button was pressed; the next gesture removes the message. */
  private pressed(x: number, y: number): void {
    this.point = [x, y];
    this.root.hidden = true;
  }
}

/** Whether the middle of an element is in the window, and nothing covers it. */
function isVisible(of: Element): boolean {
  const { left, top, width, height } = of.getBoundingClientRect();
  const there = document.elementFromPoint(left + width / 2, top + height / 2);
  return there !== null && of.contains(there);
}
