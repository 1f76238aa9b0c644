// The box beside the pointer: a title and one value per component.

import { element } from "./dom";
import { number } from "./format";

export interface TipRow {
  readonly label: string;
  readonly colour: string;
  readonly value: number;
  readonly bright: boolean;
}

/** Return the left and top end of a box beside a point, so that it stays inside the view and above the end of the window. */
export function boxPosition(
  [x, y]: readonly [number, number],
  [width, height]: readonly [number, number],
  view: readonly [number, number],
  end = view[1],
): readonly [number, number] {
  const left = x + 24 + width > view[0] ? Math.max(x - 14 - width, 0) : x + 18;
  const lowest = Math.min(view[1], end) - height - 4;
  // Above the pointer where there is no room below it, so that the box does not cover what is pointed at.
  const above = end < view[1] && y + 14 > lowest ? Math.min(lowest, y - 14 - height) : lowest;
  return [left, Math.max(Math.min(y + 14, above), 0)];
}

/** Height of JupyterLab's status bar at the lower end of the window. */
const STATUS_BAR = 28;

/** Lower end of what the window shows of the view. */
function endOfWindow(view: HTMLElement): number {
  return (view.ownerDocument?.defaultView?.innerHeight ?? Number.POSITIVE_INFINITY) - STATUS_BAR;
}

function rowElement({ label, colour, value, bright }: TipRow): HTMLElement {
  const swatch = element("i", "");
  swatch.style.background = colour;
  const text = element("span", "", {}, [label]);
  const row = element("div", "mffnb-tip-row", {}, [swatch, text, element("b", "", {}, [number(value)])]);
  row.classList.toggle("mffnb-faded", !bright);
  return row;
}

export class Tip {
  readonly root = element("div", "mffnb-tip");

  /** Show the box in `view` beside the pointer. */
  show(
    view: HTMLElement,
    event: Pick<MouseEvent, "clientX" | "clientY">,
    title: string,
    note: string,
    rows: readonly TipRow[],
  ): void {
    const head = element("div", "mffnb-tip-title", {}, [
      element("b", "", {}, [title]),
      element("span", "", {}, [note]),
    ]);
    view.classList.add("mffnb-hovering");
    this.root.replaceChildren(head, ...rows.map(rowElement));
    this.root.classList.add("mffnb-shown");
    const box = view.getBoundingClientRect();
    const [left, top] = boxPosition(
      [event.clientX - box.left, event.clientY - box.top],
      [this.root.offsetWidth, this.root.offsetHeight],
      [box.width, box.height],
      endOfWindow(view) - box.top,
    );
    this.root.style.transform = `translate(${left}px, ${top}px)`;
  }

  hide(view: HTMLElement): void {
    this.root.classList.remove("mffnb-shown");
    view.classList.remove("mffnb-hovering");
  }
}
