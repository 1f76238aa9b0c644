// Controls above maps and spectra: a list of choices and a slider that set a trait, and a button.

import { element } from "./dom";
import { setTrait } from "./model";
import type { LiveViewModel, LiveViewTraits } from "./protocol";

/** Make a drop-down list that sets a trait. */
export function choice<Name extends "color_map" | "intensity_scale" | "normalization">(
  model: LiveViewModel,
  name: Name,
  title: string,
  options: readonly (readonly [LiveViewTraits[Name], string])[],
): HTMLSelectElement {
  const select = element("select", "mffnb-select", { title, "aria-label": title });
  for (const [value, text] of options) select.append(new Option(text, value));
  select.addEventListener("change", () => setTrait(model, name, select.value as LiveViewTraits[Name]));
  return select;
}

/** Range of a slider, and how its position maps to the trait. */
export interface SliderScale {
  readonly min: number;
  readonly max: number;
  readonly step: number;
  /** Value of the trait after a double click. */
  readonly neutral: number;
  toTrait(position: number): number;
  toPosition(value: number): number;
}

export interface Slider {
  /** The slider with its name. */
  readonly root: HTMLElement;
  /** Move the slider to the value of the trait. */
  update(): void;
}

/** Make a slider that sets a trait. */
export function slider(
  model: LiveViewModel,
  name: "clip" | "gamma",
  text: string,
  title: string,
  scale: SliderScale,
): Slider {
  const { min, max, step } = scale;
  const input = element("input", "mffnb-range", { type: "range", min, max, step, title, "aria-label": title });
  input.addEventListener("input", () => setTrait(model, name, scale.toTrait(Number(input.value))));
  input.addEventListener("dblclick", () => setTrait(model, name, scale.neutral));
  return {
    root: element("label", "mffnb-field", {}, [element("span", "", {}, [text]), input]),
    update() {
      input.value = String(scale.toPosition(model.get(name)));
    },
  };
}

/** Make a button that does something when it is clicked. */
export function action(text: string, title: string, clicked: () => void): HTMLButtonElement {
  const root = element("button", "mffnb-button", { type: "button", title }, [text]);
  root.addEventListener("click", clicked);
  return root;
}

export interface Button {
  readonly root: HTMLButtonElement;
  /** Show whether what the button switches is on. */
  press(on: boolean): void;
}

/** Make a button that is pressed while what it switches is on. */
export function button(text: string, title: string, clicked: (on: boolean) => void): Button {
  const root = element("button", "mffnb-button", { type: "button", title, "aria-pressed": "false" }, [text]);
  root.addEventListener("click", () => clicked(root.getAttribute("aria-pressed") !== "true"));
  return { root, press: (on) => root.setAttribute("aria-pressed", String(on)) };
}
