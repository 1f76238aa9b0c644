// Tick positions of an axis and round lengths for scale bars: 1, 2 or 5 times a power of ten.

import { decimalsOf } from "./format";

export interface Ticks {
  /** Labelled positions. */
  readonly positions: readonly number[];
  /** Positions of the short ticks between them. */
  readonly minor: readonly number[];
  /** Decimals of the labels. */
  readonly decimals: number;
}

/** Return the largest of 1, 2, 5 times a power of ten that does not exceed `value`. */
export function niceBelow(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = [5, 2, 1].find((candidate) => candidate * power <= value * (1 + 1e-9)) ?? 1;
  return factor * power;
}

/** Return the multiples of `step` in an interval, with a tolerance for rounding. */
function multiples(low: number, high: number, step: number): number[] {
  const list: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) list.push(i * step);
  return list;
}

/** Return round positions between two values, in either order, with at most about `count` labels. */
export function ticks(from: number, to: number, count: number): Ticks {
  const [low, high] = from < to ? [from, to] : [to, from];
  const smallest = (high - low) / Math.max(count, 1);
  if (!(smallest > 0)) return { positions: [low], minor: [], decimals: 2 };
  const power = 10 ** Math.floor(Math.log10(smallest) + 1e-9);
  const factor = [1, 2, 5].find((candidate) => candidate * power >= smallest * (1 - 1e-9)) ?? 10;
  const step = factor * power;
  return {
    positions: multiples(low, high, step),
    minor: multiples(low, high, step / (factor === 2 ? 4 : 5)),
    decimals: decimalsOf(step, 8),
  };
}

/** Pixels for each label of a horizontal axis: the first that gives two labels or more. */
const ROOMS = [95, 67, 48, 34];

/** Return positions on a horizontal axis of this length in pixels; a short axis has closer labels instead of none. */
export function axisTicks(from: number, to: number, length: number): Ticks {
  const found = ROOMS.map((room) => ticks(from, to, length / room));
  return found.find(({ positions }) => positions.length > 1) ?? found[0];
}
