// The box beside the pointer: a title and one value per component.

import { element } from "./dom";
import { number } from "./format";

export interface TipRow {
  readonly label: string;
  readonly colour: string;
  readonly value: number;
  readonly bright: boolean;
}

/** Return the left and top end of a box beside a point, so that it stays inside the view. */
export function boxPosition(
  [x, y]: readonly [number, number],
  [width, height]: readonly [number, number],
  view: readonly [number, number],
): readonly [number, number] {
  const left = x + 24 + width > view[0] ? Math.max(x - 14 - width, 0) : x + 18;
  return [left, Math.min(y + 14, Math.max(view[1] - height - 4, 0))];
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
    );
    this.root.style.transform = `translate(${left}px, ${top}px)`;
  }

  hide(view: HTMLElement): void {
    this.root.classList.remove("mffnb-shown");
    view.classList.remove("mffnb-hovering");
  }
}
