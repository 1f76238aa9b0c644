// Chips: one for each region and each kept pixel, with buttons for what can be done with it.

import { element } from "./dom";
import { editName } from "./name_field";
import type { Header } from "./protocol";
import type { Stage } from "./tool";

/** A button of a chip. */
export interface ChipAction {
  /** Tool in Python without which there is no such button; omitted for a button of the tool of the chip. */
  readonly tool?: string;
  readonly text: string;
  readonly title: string;
  /** Whether what it switches is on; omitted for a button that only does something. */
  readonly on?: boolean;
  /** What the button opens, for assistive technology; omitted for a button that opens nothing. */
  readonly opens?: "dialog";
  /** Colour of the component that the button belongs to. */
  readonly colour?: string;
  readonly clicked: (button: HTMLElement) => void;
}

/** What a chip shows. */
export interface Chip {
  readonly name: string;
  readonly note: string;
  readonly colour: string;
  readonly actions: readonly ChipAction[];
  /** Called with a new name, for a chip whose name can be changed. */
  readonly renamed?: (name: string) => void;
}

/** The buttons whose tools can be called: the view of a search offers none that starts a run. */
export function callable(actions: readonly ChipAction[], stage: Pick<Stage, "values">): readonly ChipAction[] {
  return actions.filter(({ tool }) => tool === undefined || stage.values(tool) !== null);
}

/** Number of the held component of this name. */
export function heldAs(name: string, header: Header | undefined): number | undefined {
  return header?.held.find((number) => header.labels[header.numbers.indexOf(number)] === name);
}

function actionButton({ text, title, on, opens, colour, clicked }: ChipAction): HTMLElement {
  const state: Record<string, string> = on === undefined ? {} : { "aria-pressed": String(on) };
  if (opens) Object.assign(state, { "aria-haspopup": opens, "aria-expanded": "false" });
  const root = element("button", "mffnb-place-button", { type: "button", title, ...state }, [text]);
  if (colour) {
    root.classList.add("mffnb-chip");
    root.style.setProperty("--mffnb-color", colour);
  }
  root.addEventListener("click", () => clicked(root));
  return root;
}

/** The name of a chip: a double click, or Enter or F2 while it has the focus, turns it into a field. */
function nameElement({ name, renamed }: Chip): HTMLElement {
  if (!renamed) return element("b", "", {}, [name]);
  const title = "Double click, or Enter: another name";
  const root = element(
    "b",
    "mffnb-place-name",
    { tabindex: 0, role: "button", title, "aria-label": `Rename ${name}` },
    [name],
  );
  const edit = () => editName(root, name, renamed);
  root.addEventListener("dblclick", edit);
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== "F2") return;
    event.preventDefault(); // else the field gets the Enter
    edit();
  });
  return root;
}

function chipElement(chip: Chip): HTMLElement {
  const { name, note, colour, actions } = chip;
  const root = element("span", "mffnb-place", { role: "group", "aria-label": name }, [
    nameElement(chip),
    element("span", "mffnb-place-note", {}, [note]),
    ...actions.map(actionButton),
  ]);
  root.style.setProperty("--mffnb-color", colour);
  return root;
}

/** A row of chips, which is made anew only when what they show has changed, so that a focused button stays. */
export class ChipRow {
  readonly root = element("div", "mffnb-places", { hidden: "" });
  private shown = "";

  show(chips: readonly Chip[]): void {
    const key = JSON.stringify(chips);
    if (key === this.shown) return;
    this.shown = key;
    this.root.hidden = chips.length === 0;
    this.root.replaceChildren(...chips.map(chipElement));
  }
}
