// Drawing on the canvas of the spectra: curves, bands, axis, labels. Missing values leave gaps.

import { withOpacity } from "./colour";
import { type Columns, fillBetween, type Points, strokeLine } from "./decimation";
import { fixed } from "./format";
import type { Strip } from "./intensity";
import type { PeakLabel } from "./peaks";
import type { Area, ChannelAxis } from "./plot_geometry";
import type { Ticks } from "./ticks";

type Context = CanvasRenderingContext2D;

/** Draw the line that marks the value zero. */
export function drawZero(g: Context, { area }: ChannelAxis, zero: number, colour: string): void {
  g.strokeStyle = withOpacity(colour, 0.45);
  g.lineWidth = 1;
  g.beginPath();
  g.moveTo(area.left, Math.round(zero) + 0.5);
  g.lineTo(area.right, Math.round(zero) + 0.5);
  g.stroke();
}

/** Draw a curve, dashed where `dash` has lengths. */
export function drawLine(
  g: Context,
  line: Points,
  colour: string,
  lineWidth: number,
  dash: readonly number[] = [],
): void {
  g.strokeStyle = colour;
  g.lineWidth = lineWidth;
  g.lineJoin = "bevel"; // mitres and round joins reach below zero where a peak begins
  g.setLineDash([...dash]);
  strokeLine(g, line);
  g.setLineDash([]);
}

/** Draw stacked contributions: the area between each curve and the one before it. */
export function drawStack(g: Context, layers: readonly Columns[], colours: readonly string[], zero: number): void {
  layers.forEach((upper, i) => {
    g.fillStyle = withOpacity(colours[i], 0.55);
    fillBetween(g, upper, i === 0 ? zero : layers[i - 1]);
  });
}

/** Fill the area between two curves, or between a curve and the value zero. */
export function drawArea(g: Context, upper: Columns, lower: Columns | number, colour: string, opacity: number): void {
  g.fillStyle = withOpacity(colour, opacity);
  fillBetween(g, upper, lower);
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

/** Draw the intensity axis of one lane: line, ticks and their texts, of which the first one is zero. */
export function drawIntensityAxis(
  g: Context,
  left: number,
  strip: Strip,
  ticks: readonly { readonly at: number; readonly text: string }[],
  ink: string,
  family: string,
): void {
  g.strokeStyle = ink;
  g.fillStyle = ink;
  g.lineWidth = 1;
  const line = Math.round(left) - 0.5;
  g.beginPath();
  g.moveTo(line, strip.top + 2);
  g.lineTo(line, strip.bottom - 2);
  for (const { at } of ticks) {
    g.moveTo(line - 4, Math.round(at) + 0.5);
    g.lineTo(line, Math.round(at) + 0.5);
  }
  g.stroke();
  g.font = `11px ${family}`;
  g.textAlign = "right";
  g.textBaseline = "middle";
  for (const { at, text } of ticks) {
    g.fillText(text, line - 7, Math.min(Math.max(at + 0.5, strip.top + 6), strip.bottom - 5));
  }
}

/** Draw the title of the intensity axis, upwards along the left edge. */
export function drawIntensityTitle(
  g: Context,
  { top, bottom }: Area,
  title: string,
  ink: string,
  family: string,
): void {
  g.save();
  g.translate(8, (top + bottom) / 2);
  g.rotate(-Math.PI / 2);
  g.font = `600 12px ${family}`;
  g.fillStyle = ink;
  g.textAlign = "center";
  g.textBaseline = "middle";
  g.fillText(
    shortened(title, bottom - top, (text) => g.measureText(text).width),
    0,
    0,
  );
  g.restore();
}

/** Draw labels above peaks. */
export function drawPeakLabels(g: Context, labels: readonly PeakLabel[], ink: string, family: string): void {
  g.font = `11px ${family}`;
  g.fillStyle = ink;
  g.textAlign = "center";
  g.textBaseline = "bottom";
  for (const { x, y, text } of labels) g.fillText(text, x, y - 2);
}

/** Shorten a text with an ellipsis until it fits. */
export function shortened(text: string, width: number, measure: (text: string) => number): string {
  if (measure(text) <= width) return text;
  let end = text.length;
  while (end > 1 && measure(`${text.slice(0, end)}…`) > width) end--;
  return `${text.slice(0, end)}…`;
}
