// Drawing on the canvas of the spectra: curves, bands, axis, labels. Missing values leave gaps.

import { withOpacity } from "./colour";
import { fixed } from "./format";
import type { Area, ChannelAxis, LaneScale } from "./plot_geometry";
import type { Ticks } from "./ticks";

type Context = CanvasRenderingContext2D;
type Scale = (value: number) => number;

/** Draw the band between two curves. */
export function drawBand(
  g: Context,
  channel: Float32Array,
  [lower, upper]: readonly [Float32Array, Float32Array],
  colour: string,
  x: Scale,
  y: Scale,
): void {
  const area = new Path2D();
  for (let j = 0; j < channel.length; ) {
    const start = j;
    while (j < channel.length && Number.isFinite(lower[j]) && Number.isFinite(upper[j])) j++;
    for (let a = start; a < j; a++) area[a === start ? "moveTo" : "lineTo"](x(channel[a]), y(upper[a]));
    for (let b = j - 1; b >= start; b--) area.lineTo(x(channel[b]), y(lower[b]));
    if (j > start) area.closePath();
    else j++;
  }
  g.fillStyle = withOpacity(colour, 0.45);
  g.fill(area);
}

/** Make the paths of a curve and of the area between the curve and `zero`. */
function curvePaths(channel: Float32Array, values: Float32Array, x: Scale, y: Scale, zero: number) {
  const line = new Path2D();
  const fill = new Path2D();
  let drawing = false;
  for (let j = 0; j <= values.length; j++) {
    if (j < values.length && Number.isFinite(values[j])) {
      const [px, py] = [x(channel[j]), y(values[j])];
      if (drawing) line.lineTo(px, py);
      else {
        line.moveTo(px, py);
        fill.moveTo(px, zero);
      }
      fill.lineTo(px, py);
      drawing = true;
    } else if (drawing) {
      fill.lineTo(x(channel[j - 1]), zero);
      drawing = false;
    }
  }
  return { line, fill };
}

/** Draw a curve with its filled area and its zero line. */
export function drawCurve(
  g: Context,
  channel: Float32Array,
  values: Float32Array,
  colour: string,
  axis: ChannelAxis,
  { y, zero }: LaneScale,
  lineWidth: number,
  filled = true,
): void {
  const { line, fill } = curvePaths(channel, values, (value) => axis.position(value), y, zero);
  g.fillStyle = withOpacity(colour, 0.2);
  if (filled) g.fill(fill);
  g.strokeStyle = withOpacity(colour, 0.45);
  g.lineWidth = 1;
  g.beginPath();
  g.moveTo(axis.area.left, Math.round(zero) + 0.5);
  g.lineTo(axis.area.right, Math.round(zero) + 0.5);
  g.stroke();
  g.strokeStyle = colour;
  g.lineWidth = lineWidth;
  g.lineJoin = "miter"; // round joins draw below zero where a line meets the zero line
  g.miterLimit = 2;
  g.stroke(line);
}

/** Draw a curve without its area, dashed where `dash` has lengths. */
export function drawLine(
  g: Context,
  channel: Float32Array,
  values: Float32Array,
  colour: string,
  x: Scale,
  y: Scale,
  lineWidth: number,
  dash: readonly number[] = [],
): void {
  g.strokeStyle = colour;
  g.lineWidth = lineWidth;
  g.setLineDash([...dash]);
  g.stroke(curvePaths(channel, values, x, y, 0).line);
  g.setLineDash([]);
}

/** Draw stacked contributions: the area between each curve and the one before it. */
export function drawStack(
  g: Context,
  channel: Float32Array,
  stack: readonly { readonly values: Float32Array; readonly colour: string }[],
  x: Scale,
  { y, zero }: LaneScale,
): void {
  stack.forEach(({ values, colour }, i) => {
    const lower = i > 0 ? stack[i - 1].values : null;
    const area = new Path2D();
    for (let j = 0; j < values.length; j++) area[j === 0 ? "moveTo" : "lineTo"](x(channel[j]), y(values[j]));
    for (let j = values.length - 1; j >= 0; j--) area.lineTo(x(channel[j]), lower ? y(lower[j]) : zero);
    area.closePath();
    g.fillStyle = withOpacity(colour, 0.55);
    g.fill(area);
  });
}

/** Draw inside the area of the plot and above the floor of a lane only. */
export function clipped(g: Context, { left, right, top }: Area, { floor }: LaneScale, draw: () => void): void {
  g.save();
  g.beginPath();
  g.rect(left, top - 2, right - left, floor - top + 4);
  g.clip();
  draw();
  g.restore();
}

/** Draw light vertical lines at the labelled ticks. */
export function drawGrid(g: Context, axis: ChannelAxis, ticks: Ticks, colour: string): void {
  g.strokeStyle = colour;
  g.lineWidth = 1;
  g.beginPath();
  for (const value of ticks.positions) {
    const at = Math.round(axis.position(value)) + 0.5;
    g.moveTo(at, axis.area.top);
    g.lineTo(at, axis.area.bottom);
  }
  g.stroke();
}

/** Draw the channel axis below the curves: line, ticks, numbers, title. */
export function drawAxis(
  g: Context,
  axis: ChannelAxis,
  ticks: Ticks,
  title: string,
  ink: string,
  family: string,
): void {
  const { left, right, bottom } = axis.area;
  g.strokeStyle = ink;
  g.fillStyle = ink;
  g.lineWidth = 1;
  const base = Math.round(bottom) + 0.5;
  g.beginPath();
  g.moveTo(left, base);
  g.lineTo(right, base);
  for (const [values, length] of [[ticks.positions, 6] as const, [ticks.minor, 3] as const]) {
    for (const value of values) {
      const at = Math.round(axis.position(value)) + 0.5;
      g.moveTo(at, base);
      g.lineTo(at, base + length);
    }
  }
  g.stroke();
  g.font = `12px ${family}`;
  g.textAlign = "center";
  g.textBaseline = "top";
  for (const value of ticks.positions) g.fillText(fixed(value, ticks.decimals), axis.position(value), base + 8);
  g.font = `600 12px ${family}`;
  g.fillText(title, (left + right) / 2, base + 25);
}

/** Shorten a text with an ellipsis until it fits. */
export function shortened(text: string, width: number, measure: (text: string) => number): string {
  if (measure(text) <= width) return text;
  let end = text.length;
  while (end > 1 && measure(`${text.slice(0, end)}…`) > width) end--;
  return `${text.slice(0, end)}…`;
}
