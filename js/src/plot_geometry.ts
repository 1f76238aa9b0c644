// Geometry of the plot of spectra: its area, the channel axis, one lane per spectrum, the vertical scale of a lane.

import type { SpectraScale } from "./protocol";

/** Inner area of the plot in CSS pixels. */
export interface Area {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Linear map between channel values and horizontal positions. */
export class ChannelAxis {
  readonly area: Area;
  readonly from: number;
  readonly to: number;
  /** Signed; one where there is a single channel. */
  readonly span: number;

  constructor(area: Area, from: number, to: number) {
    this.area = area;
    this.from = from;
    this.to = to;
    this.span = to - from || 1;
  }

  /** Horizontal position of a value. */
  position(value: number): number {
    const { left, right } = this.area;
    return left + ((value - this.from) / this.span) * (right - left);
  }

  /** Value at a horizontal position; null outside the area. */
  value(position: number): number | null {
    const { left, right } = this.area;
    if (position < left || position > right) return null;
    return this.from + ((position - left) / (right - left)) * this.span;
  }

  /** Width of `pixels` pixels in channel units. */
  distance(pixels: number): number {
    return (pixels * Math.abs(this.span)) / (this.area.right - this.area.left);
  }
}

/** Index of the lane at a vertical position; -1 outside of all lanes. */
export function laneAt(position: number, area: Area, count: number): number {
  const i = Math.floor((position - area.top) / ((area.bottom - area.top) / count));
  return i >= 0 && i < count ? i : -1;
}

export type ValueRange = readonly [low: number, high: number];

/** Lowest and highest value of a curve, zero included. */
export function valueRange(values: Float32Array): ValueRange {
  let low = 0;
  let high = 0;
  for (const value of values) {
    if (value > high) high = value;
    else if (value < low) low = value;
  }
  return [low, high];
}

/** Ranges that the lanes show: each its own, or all the same. */
export function shownRanges(ranges: readonly ValueRange[], scale: SpectraScale): readonly ValueRange[] {
  if (scale !== "common") return ranges;
  const low = Math.min(...ranges.map((range) => range[0]));
  const high = Math.max(...ranges.map((range) => range[1]));
  return ranges.map(() => [low, high]);
}

/** Function applied to values before they are drawn. */
export function valueTransform(scale: SpectraScale): (value: number) => number {
  return scale === "sqrt" ? (value) => Math.sign(value) * Math.sqrt(Math.abs(value)) : (value) => value;
}

/** Vertical scale of one lane. */
export interface LaneScale {
  /** Upper end of the lane. */
  readonly lid: number;
  /** Lower end of the curve. */
  readonly floor: number;
  /** Position of the value zero. */
  readonly zero: number;
  y(value: number): number;
}

/** Place lane `i` of `count` in the area. */
export function laneScale(area: Area, i: number, count: number, range: ValueRange, scale: SpectraScale): LaneScale {
  const transform = valueTransform(scale);
  const height = (area.bottom - area.top) / count;
  const [low, high] = range.map(transform);
  const floor = area.top + (i + 1) * height - (i === count - 1 ? 1 : 3);
  const unit = (height * 0.9) / (high - low || 1);
  const zero = floor + low * unit;
  return { lid: area.top + i * height, floor, zero, y: (value) => zero - transform(value) * unit };
}
