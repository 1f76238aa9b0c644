// Reduction of a curve to the columns of the screen: at most four points per column, which paint the same pixels.

import type { ChannelAxis } from "./plot_geometry";
import { nearestChannel } from "./pointer";

/** Points of a curve, x and y by turns; NaN in a gap. */
export type Points = Float64Array;

/** Indices of the channels between the ends of the axis, with one more on each side, so that lines go to the edges. */
export function visibleIndices(channel: Float32Array, { from, to }: Pick<ChannelAxis, "from" | "to">) {
  const ends = [nearestChannel(channel, from), nearestChannel(channel, to)];
  return { first: Math.max(Math.min(...ends) - 1, 0), last: Math.min(Math.max(...ends) + 1, channel.length - 1) };
}

/**
 * Return the visible points of a curve. Where columns have more than four points, the first, the lowest, the highest
 * and the last one of each column stand for all.
 */
export function points(
  channel: Float32Array,
  values: Float32Array,
  axis: ChannelAxis,
  y: (value: number) => number,
): Points {
  const { first, last } = visibleIndices(channel, axis);
  const columns = axis.area.right - axis.area.left;
  if (last - first < 4 * columns) {
    const all = new Float64Array(2 * (last - first + 1));
    for (let j = first; j <= last; j++) {
      all[2 * (j - first)] = axis.position(channel[j]);
      all[2 * (j - first) + 1] = Number.isFinite(values[j]) ? y(values[j]) : Number.NaN;
    }
    return all;
  }
  const kept: number[] = [];
  for (let j = first; j <= last; ) {
    const column = Math.floor(axis.position(channel[j]));
    const start = j;
    let [lowest, highest, gap] = [j, j, -1];
    for (; j <= last && Math.floor(axis.position(channel[j])) === column; j++) {
      if (!Number.isFinite(values[j])) gap = j;
      else {
        if (!(values[j] >= values[lowest])) lowest = j;
        if (!(values[j] <= values[highest])) highest = j;
      }
    }
    const chosen = [...new Set([start, lowest, highest, j - 1, ...(gap < 0 ? [] : [gap])])].sort((a, b) => a - b);
    for (const i of chosen)
      kept.push(axis.position(channel[i]), Number.isFinite(values[i]) ? y(values[i]) : Number.NaN);
  }
  return Float64Array.from(kept);
}

type Context = Pick<CanvasRenderingContext2D, "moveTo" | "lineTo" | "beginPath" | "stroke">;

/** Points of one path: the time to draw a path grows faster than its length. */
const PATH_LENGTH = 64;

/** Draw the line through points; a gap interrupts it. Points inside of a horizontal line are left out. */
export function strokeLine(g: Context, line: Points): void {
  const count = line.length / 2;
  const height = (i: number) => line[2 * i + 1];
  let length = 0;
  for (let i = 0; i < count; i++) {
    if (Number.isNaN(height(i))) {
      if (length > 0) g.stroke();
      length = 0;
      continue;
    }
    if (length > 0 && height(i) === height(i - 1) && height(i) === height(i + 1)) continue;
    if (length === 0) g.beginPath();
    g[length === 0 ? "moveTo" : "lineTo"](line[2 * i], height(i));
    length += 1;
    if (length < PATH_LENGTH) continue;
    g.stroke();
    g.beginPath();
    g.moveTo(line[2 * i], height(i));
    length = 1;
  }
  if (length > 0) g.stroke();
}

/** Heights of a curve in each column of the screen; NaN where it has none. */
export interface Columns {
  readonly left: number;
  /** Width of a column. */
  readonly step: number;
  readonly heights: Float64Array;
}

/** Return the heights of a line in columns: at their middle, or of the highest point inside. */
export function columnsOf(line: Points, left: number, right: number, step: number): Columns {
  const heights = new Float64Array(Math.max(Math.ceil((right - left) / step), 0)).fill(Number.NaN);
  for (let i = 0; i < line.length; i += 2) {
    const x = line[i];
    const y = line[i + 1];
    if (Number.isNaN(y)) continue;
    const at = Math.floor((x - left) / step);
    if (at >= 0 && at < heights.length && !(heights[at] <= y)) heights[at] = y; // upwards is smaller
    if (i + 2 >= line.length) continue;
    const nextX = line[i + 2];
    const nextY = line[i + 3];
    if (Number.isNaN(nextY) || nextX === x) continue;
    const from = (Math.min(x, nextX) - left) / step - 0.5;
    const to = (Math.max(x, nextX) - left) / step - 0.5;
    const last = Math.min(Math.floor(to), heights.length - 1);
    for (let j = Math.max(Math.ceil(from), 0); j <= last; j++) {
      const middle = y + ((left + (j + 0.5) * step - x) / (nextX - x)) * (nextY - y);
      if (!(heights[j] <= middle)) heights[j] = middle;
    }
  }
  return { left, step, heights };
}

/** Fill the area between the heights of two curves in columns, or between a curve and a level. */
export function fillBetween(
  g: Pick<CanvasRenderingContext2D, "fillRect">,
  { left, step, heights }: Columns,
  lower: Columns | number,
): void {
  const base = (j: number) => (typeof lower === "number" ? lower : lower.heights[j]);
  for (let j = 0; j < heights.length; ) {
    const start = j;
    const [top, bottom] = [heights[j], base(j)];
    do j++;
    while (j < heights.length && heights[j] === top && base(j) === bottom);
    if (top !== bottom && !Number.isNaN(top + bottom)) {
      g.fillRect(left + start * step, top, (j - start) * step, bottom - top);
    }
  }
}
