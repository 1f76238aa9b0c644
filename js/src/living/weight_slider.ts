// Sliders of a living figure: a whole number, and a weight on a logarithmic scale whose left end is zero.

import { element } from "../dom";
import { number } from "../format";
import type { Limits } from "./facts";

/** Positions of a slider of a weight: zero, and steps of its logarithm. */
export const POSITIONS = 60;

/** Weight at a position from 0 to `POSITIONS`. */
export function weightAt(position: number, { low, high }: Limits): number {
  if (position <= 0) return 0;
  return Number((low * (high / low) ** ((position - 1) / (POSITIONS - 1))).toPrecision(3));
}

/** Position that is nearest to a weight. */
export function positionOf(weight: number, { low, high }: Limits): number {
  if (weight <= 0) return 0;
  const share = Math.log(weight / low) / Math.log(high / low);
  return Math.min(Math.max(1 + Math.round(share * (POSITIONS - 1)), 1), POSITIONS);
}

export interface Slider {
  readonly root: HTMLElement;
  readonly value: () => number;
  set(value: number): void;
}

/** How a slider maps its positions to values, and what it says. */
interface Scale {
  readonly min: number;
  readonly max: number;
  toValue(position: number): number;
  toPosition(value: number): number;
  toText(value: number): string;
}

function slider(name: string, help: string, scale: Scale, moved: () => void): Slider {
  const output = element("output", "mffnb-living-value");
  const range = { type: "range", min: scale.min, max: scale.max, step: 1, title: help, "aria-label": name };
  const input = element("input", "mffnb-living-range", range);
  let value = 0;
  const write = () => {
    output.textContent = scale.toText(value);
    input.setAttribute("aria-valuetext", scale.toText(value));
  };
  input.addEventListener("input", () => {
    value = scale.toValue(Number(input.value));
    write();
    moved();
  });
  return {
    root: element("label", "mffnb-living-slider", {}, [element("span", "", {}, [name]), input, output]),
    value: () => value,
    set(given) {
      value = given;
      input.value = String(scale.toPosition(given));
      write();
    },
  };
}

/** A slider of a weight; the value that is set stays exact until the slider moves. */
export function weightSlider(name: string, help: string, limits: Limits, moved: () => void): Slider {
  const scale = {
    min: 0,
    max: POSITIONS,
    toValue: (position: number) => weightAt(position, limits),
    toPosition: (value: number) => positionOf(value, limits),
    toText: (value: number) => (value > 0 ? number(value, 3) : "off"),
  };
  return slider(name, help, scale, moved);
}

/** A slider of a whole number from one. */
export function countSlider(name: string, help: string, max: number, moved: () => void): Slider {
  const scale = { min: 1, max, toValue: Number, toPosition: Number, toText: String };
  return slider(name, help, scale, moved);
}
