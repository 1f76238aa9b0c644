// Painting of one lane of the plot: contributions, curve, model, name, intensity axis, labels of peaks.

import { columnsOf, points, visibleIndices } from "./decimation";
import {
  drawArea,
  drawGrid,
  drawIntensityAxis,
  drawLine,
  drawPeakLabels,
  drawStack,
  drawZero,
  shortened,
} from "./drawing";
import { intensityTicks, type LaneScale, laneScale, type Strip, tickText, valueTransform } from "./intensity";
import type { IntensityView, Lane } from "./lane";
import { type PeakLabel, peakLabels } from "./peaks";
import type { ChannelAxis, ValueRange } from "./plot_geometry";
import { nearestChannel } from "./pointer";
import type { Ticks } from "./ticks";

/** What all lanes of a painting share. */
export interface Sheet {
  readonly axis: ChannelAxis;
  readonly axisTicks: Ticks;
  readonly channel: Float32Array;
  readonly view: IntensityView;
  readonly width: number;
  /** Left end and width of the names. */
  readonly names: readonly [number, number];
  readonly ink: string;
  readonly faint: string;
  readonly family: string;
  readonly lineWidth: number;
  /** Size of a pixel of the screen. */
  readonly pixel: number;
  /** Text of a channel. */
  channelText(value: number): string;
}

/** Opacity of a curve and of a label where another component is highlighted. */
const FADED_CURVE = 0.18;
const FADED_LABEL = 0.3;
/** Pixels above the highest peak for its label. */
const LABEL_HEIGHT = 16;

/** Vertical extent of a lane. */
export interface Extent {
  /** Factor of its values, by normalisation. */
  readonly factor: number;
  /** Lowest and highest value that is shown, after normalisation. */
  readonly range: ValueRange;
  /** Value at which a logarithmic scale becomes linear. */
  readonly knee: number;
}

/** The visible parts of the curves of a lane: its own, the upper edge of its stack, its model. */
export function curvesOf(
  { values, channel, stack, model }: Lane,
  common: Float32Array,
  axis: ChannelAxis,
): Float32Array[] {
  const others = [...(stack ?? []).slice(-1).map((curve) => curve.values), ...(model ? [model] : [])];
  return [visible(channel ?? common, values, axis), ...others.map((curve) => visible(common, curve, axis))];
}

/** The part of a curve between the ends of the axis. */
function visible(channel: Float32Array, values: Float32Array, { from, to }: ChannelAxis): Float32Array {
  const ends = [nearestChannel(channel, from), nearestChannel(channel, to)];
  return values.subarray(Math.min(...ends), Math.max(...ends) + 1);
}

/** Paint a lane into its strip, which is cleared; return its scale and its labelled peaks. */
export function paintLane(
  g: CanvasRenderingContext2D,
  lane: Lane,
  strip: Strip,
  { range, factor, knee }: Extent,
  sheet: Sheet,
): readonly PeakLabel[] {
  const { axis, view, ink, faint, family } = sheet;
  const labelled = lane.peaks === true && view.peaks;
  const headroom = labelled ? LABEL_HEIGHT : undefined;
  const place = laneScale(strip, range, valueTransform(view.scale, knee), factor, headroom);
  g.save();
  g.clearRect(sheet.names[0], strip.top, sheet.width, strip.bottom - strip.top);
  g.beginPath();
  g.rect(0, strip.top, sheet.width, strip.bottom - strip.top);
  g.clip();
  drawGrid(g, axis, sheet.axisTicks, faint);
  g.globalAlpha = lane.bright ? 1 : FADED_LABEL;
  drawName(g, lane, place, sheet);
  const axisTicks = intensityTicks(range, view.scale, knee, place).map((value) => ({
    at: place.shown(value),
    text: tickText(value),
  }));
  drawIntensityAxis(g, axis.area.left, strip, axisTicks, ink, family);
  g.globalAlpha = lane.bright ? 1 : FADED_CURVE;
  drawCurves(g, lane, strip, place, sheet);
  const labels = labelled ? labelsOf(g, lane, strip, place, sheet) : [];
  g.globalAlpha = lane.bright ? 1 : FADED_LABEL;
  drawPeakLabels(g, labels, ink, family);
  g.restore();
  return labels;
}

/** Draw the curves of a lane inside the area, and not below the value zero where no value is negative. */
function drawCurves(g: CanvasRenderingContext2D, lane: Lane, strip: Strip, place: LaneScale, sheet: Sheet): void {
  const { axis, channel } = sheet;
  const { left, right } = axis.area;
  const line = (of: Float32Array, values: Float32Array) => points(of, values, axis, place.y);
  const columns = (of: Float32Array, values: Float32Array) => columnsOf(line(of, values), left, right, sheet.pixel);
  g.save();
  g.beginPath();
  g.rect(left, strip.top, right - left, place.floor + 1 - strip.top);
  g.clip();
  const own = line(lane.channel ?? channel, lane.values);
  if (lane.outer) {
    const edge = (values: Float32Array, of: Float32Array) => columnsOf(line(of, values), left, right, sheet.pixel);
    const { low, high, channel: own } = lane.outer;
    drawArea(g, edge(high, own), edge(low, own), lane.colour, 0.16);
  }
  if (lane.band) drawArea(g, columns(channel, lane.band[1]), columns(channel, lane.band[0]), lane.colour, 0.45);
  if (lane.stack) {
    const layers = lane.stack.map(({ values }) => columns(channel, values));
    const colours = lane.stack.map(({ colour }) => colour);
    drawStack(g, layers, colours, place.zero);
  } else drawArea(g, columnsOf(own, left, right, sheet.pixel), place.zero, lane.colour, 0.2);
  drawZero(g, axis, place.zero, lane.colour);
  // Thin lines for measured spectra: they are noisy, and the page draws them ten times faster.
  drawLine(g, own, lane.colour, lane.component === undefined ? sheet.pixel : sheet.lineWidth);
  if (lane.model) drawLine(g, line(channel, lane.model), sheet.ink, sheet.pixel, [4, 3]);
  g.restore();
}

/** Write the name of a lane in its colour, beside its zero line. */
function drawName(g: CanvasRenderingContext2D, lane: Lane, place: LaneScale, { names, family }: Sheet): void {
  g.font = `600 12px ${family}`;
  g.fillStyle = lane.colour;
  g.textAlign = "right";
  g.textBaseline = "alphabetic";
  const text = shortened(lane.label, names[1], (part) => g.measureText(part).width);
  const base = Math.min(place.zero, place.floor) - 1;
  g.fillText(text, names[0] + names[1], base);
  if (!lane.outer?.note) return;
  g.font = `11px ${family}`;
  g.fillText(lane.outer.note, names[0] + names[1], base - 14);
}

/** Choose the labels of the peaks of a lane. */
function labelsOf(g: CanvasRenderingContext2D, lane: Lane, strip: Strip, place: LaneScale, sheet: Sheet): PeakLabel[] {
  const { axis, family } = sheet;
  const channel = lane.channel ?? sheet.channel;
  g.font = `11px ${family}`;
  return peakLabels(
    { values: lane.values, channel, ...visibleIndices(channel, axis) },
    (value) => axis.position(value),
    place.y,
    strip.bottom - strip.top,
    sheet.channelText,
    (text) => g.measureText(text).width,
    [axis.area.left, axis.area.right],
  );
}
