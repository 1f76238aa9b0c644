// Vertical axis of a spectrum: linear, square-root or logarithmic scale, its ticks and their text.

import { number } from "./format";
import type { Area, ValueRange } from "./plot_geometry";
import type { IntensityScale } from "./protocol";
import { ticks } from "./ticks";

/** Vertical strip of one spectrum in CSS pixels. */
export interface Strip {
  readonly top: number;
  readonly bottom: number;
}

/** Return the strip of lane `i` of `count`; its ends are whole pixels, so that a lane can be painted alone. */
export function stripOf({ top, bottom }: Area, i: number, count: number): Strip {
  const end = (j: number) => Math.round(top + ((bottom - top) * j) / count);
  return { top: end(i), bottom: end(i + 1) };
}

/** Decades that a logarithmic scale shows at most, and at least. */
const MOST_DECADES = 5;
const FEWEST_DECADES = 2;

/**
 * Value at which a logarithmic scale becomes linear: a power of ten near the smallest tenth of the positive values.
 * Zeros and negative values are then drawn where they are, not at the end of the scale.
 */
export function kneeOf(curves: readonly Float32Array[], factor: number): number {
  const positive = curves.flatMap((values) => Array.from(values.filter((value) => value > 0)));
  if (positive.length === 0) return 1;
  positive.sort((a, b) => a - b);
  const top = positive[positive.length - 1] * factor;
  const small = positive[Math.floor(positive.length / 10)] * factor;
  const knee = Math.min(Math.max(small, top / 10 ** MOST_DECADES), top / 10 ** FEWEST_DECADES);
  return 10 ** Math.floor(Math.log10(knee) + 1e-9);
}

/** Function applied to values before they are drawn; odd and increasing. */
export function valueTransform(scale: IntensityScale, knee = 1): (value: number) => number {
  if (scale === "sqrt") return (value) => Math.sign(value) * Math.sqrt(Math.abs(value));
  if (scale === "log") return (value) => Math.asinh(value / (2 * knee)); // log(value / knee) above the knee
  return (value) => value;
}

/** Vertical scale of one lane. */
export interface LaneScale {
  /** Upper end of the lane. */
  readonly lid: number;
  /** Lower end of the curve. */
  readonly floor: number;
  /** Position of the value zero. */
  readonly zero: number;
  /** Position of a value as it is shown, after normalisation. */
  shown(value: number): number;
  /** Position of a value of the curve. */
  y(value: number): number;
}

/** Make the scale of a lane in its strip. `range` is that of the shown values, `headroom` the space above them. */
export function laneScale(
  { top, bottom }: Strip,
  range: ValueRange,
  transform: (value: number) => number,
  factor = 1,
  headroom = 0.08 * (bottom - top),
): LaneScale {
  const [low, high] = range.map(transform);
  const floor = bottom - 3;
  const unit = (floor - top - headroom) / (high - low || 1);
  const zero = floor + low * unit;
  const shown = (value: number) => zero - transform(value) * unit;
  return { lid: top, floor, zero, shown, y: (value) => shown(value * factor) };
}

/** Pixels between two labels of the axis. */
const SPACING = 15;

/** Return values for the labels of a lane, zero first: round numbers at a distance that can be read. */
export function intensityTicks(range: ValueRange, scale: IntensityScale, knee: number, place: LaneScale): number[] {
  const [low, high] = range;
  const height = Math.abs(place.shown(low) - place.shown(high));
  const chosen: number[] = [];
  for (const value of candidates(range, scale, knee, height)) {
    const at = place.shown(value);
    const free = chosen.every((other) => Math.abs(place.shown(other) - at) >= SPACING);
    if (free && value >= low && value <= high) chosen.push(value);
  }
  return chosen;
}

/** Round numbers in the order in which they get a label. */
function candidates([low, high]: ValueRange, scale: IntensityScale, knee: number, height: number): number[] {
  if (scale === "linear") {
    const { positions } = ticks(low, high, height / SPACING / 1.3);
    return [0, ...[...positions].reverse()];
  }
  const top = Math.max(high, -low);
  if (!(top > 0)) return [0];
  const steps = scale === "log" ? [1] : [5, 2, 1];
  const first = Math.floor(Math.log10(top));
  const last = scale === "log" ? Math.round(Math.log10(knee)) : first - 4;
  const powers = Array.from({ length: Math.max(first - last + 1, 0) }, (_, n) => 10 ** (first - n));
  const sizes = powers.flatMap((power) => steps.map((step) => step * power));
  return [0, ...sizes.filter((size) => size <= high), ...sizes.filter((size) => size <= -low).map((size) => -size)];
}

/** Text of a tick: at most five characters where possible. */
export function tickText(value: number): string {
  const text = number(value, 3)
    .replace(/^1 × /, "")
    .replace(/^-1 × /, "-")
    .replace(" × ", "·");
  return text.replace("-", "\u2212");
}
