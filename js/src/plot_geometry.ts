// Geometry of the plot of spectra: its area, the channel axis, one lane per spectrum.

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

/** Range that holds all ranges of a list. */
export function union(ranges: readonly ValueRange[]): ValueRange {
  return [Math.min(0, ...ranges.map((range) => range[0])), Math.max(0, ...ranges.map((range) => range[1]))];
}
