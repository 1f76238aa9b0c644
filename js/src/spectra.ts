// Plot of the spectra on a canvas: one lane per spectrum over a common channel axis.

import { element } from "./dom";
import { clipped, drawAxis, drawBand, drawCurve, drawGrid, drawLine, drawStack, shortened } from "./drawing";
import { plotHeight } from "./layout";
import { ChannelAxis, laneAt, laneScale, shownRanges, type ValueRange, valueRange } from "./plot_geometry";
import { highestPeak, nearestChannel } from "./pointer";
import type { SpectraScale } from "./protocol";
import { ticks } from "./ticks";

/** The upper edge of one contribution in a stack. */
export interface StackedCurve {
  readonly values: Float32Array;
  readonly colour: string;
}

/** One spectrum of the plot. */
export interface Lane {
  readonly label: string;
  readonly colour: string;
  readonly values: Float32Array;
  /** Channel of each value; that of the components if omitted. */
  readonly channel?: Float32Array;
  readonly band: readonly [Float32Array, Float32Array] | null;
  /** Index of the component whose spectrum it is. */
  readonly component?: number;
  /** Sums of contributions, each on top of those before it, at the channels of the components. */
  readonly stack?: readonly StackedCurve[];
  /** A second curve at the channels of the components, drawn dashed: the model of a measured spectrum. */
  readonly model?: Float32Array;
  /** False where another component is highlighted. */
  readonly bright: boolean;
}

/** What the plot shows. */
export interface Spectra {
  readonly lanes: readonly Lane[];
  readonly channel: Float32Array;
  readonly channelLabel: string;
  readonly scale: SpectraScale;
}

/** What has been painted, for pointing. */
interface Painted extends Spectra {
  readonly axis: ChannelAxis;
  readonly ranges: readonly ValueRange[];
}

/** Opacity of a curve and of a label where another component is highlighted. */
const FADED_CURVE = 0.18;
const FADED_LABEL = 0.3;
/** Pixels around the pointer that are searched for a peak. */
const REACH = 4;

/** Largest absolute value of a curve. */
function top([low, high]: ValueRange): number {
  return Math.max(high, -low);
}

export class SpectraPlot {
  readonly root: HTMLElement;
  /** True if the plot had no size when it was painted last. */
  stale = false;
  private readonly canvas = element("canvas", "mffnb-spectra", {
    role: "img",
    "aria-label": "Spectra of the components",
  });
  private readonly cursor = element("div", "mffnb-cursor");
  private readonly mark = element("div", "mffnb-channel-range", { hidden: "" });
  private painted: Painted | null = null;
  /** Ends of the channels that are shown, in the direction of the axis; null for all. */
  shown: readonly [number, number] | null = null;

  constructor() {
    this.root = element("div", "mffnb-plot", {}, [this.canvas, this.mark, this.cursor]);
  }

  /** Set the height for a number of spectra. */
  layout(count: number): void {
    this.root.style.height = `${plotHeight(count)}px`;
  }

  /** Draw everything. `styled` is the element whose CSS gives colours and font. */
  paint(spectra: Spectra, styled: Element): void {
    const { lanes, channel, channelLabel, scale } = spectra;
    const [width, height] = [this.root.clientWidth, this.root.clientHeight];
    this.stale = width === 0;
    const g = this.canvas.getContext("2d");
    if (this.stale || lanes.length === 0 || !g) return;
    const sharpness = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * sharpness);
    this.canvas.height = Math.round(height * sharpness);
    const style = getComputedStyle(styled);
    const ink = style.getPropertyValue("--mffnb-ink").trim() || "#333";
    const faint = style.getPropertyValue("--mffnb-faint").trim() || "#ddd";
    const labelFont = `600 12px ${style.fontFamily}`;
    g.scale(sharpness, sharpness);

    g.font = labelFont;
    const gutter = Math.min(Math.max(...lanes.map((lane) => g.measureText(lane.label).width)) + 20, 150);
    const area = { left: gutter, right: width - 24, top: 8, bottom: height - 44 };
    const [from, to] = this.shown ?? [channel[0], channel[channel.length - 1]];
    const axis = new ChannelAxis(area, from, to);
    const axisTicks = ticks(axis.from, axis.to, (area.right - area.left) / 95);
    drawGrid(g, axis, axisTicks, faint);

    const ranges = lanes.map((lane) => rangeOf(lane, channel, axis));
    const shown = shownRanges(ranges, scale);
    const lineWidth = sharpness > 1 ? 1.25 : 1.4;
    lanes.forEach((lane, i) => {
      const place = laneScale(area, i, lanes.length, shown[i], scale);
      g.globalAlpha = lane.bright ? 1 : FADED_CURVE;
      clipped(g, area, place, () => {
        const x = (value: number) => axis.position(value);
        const y = (value: number) => Math.min(Math.max(place.y(value), place.lid), area.bottom);
        if (lane.band) drawBand(g, channel, lane.band, lane.colour, x, y);
        if (lane.stack) drawStack(g, channel, lane.stack, x, place);
        drawCurve(g, lane.channel ?? channel, lane.values, lane.colour, axis, place, lineWidth, !lane.stack);
        if (lane.model) drawLine(g, channel, lane.model, ink, x, place.y, 1, [4, 3]);
      });
      g.globalAlpha = lane.bright ? 1 : FADED_LABEL;
      g.font = labelFont;
      g.fillStyle = lane.colour;
      g.textAlign = "right";
      g.textBaseline = "alphabetic";
      const text = shortened(lane.label, gutter - 14, (part) => g.measureText(part).width);
      g.fillText(text, gutter - 10, Math.min(place.zero, place.floor) - 1);
      g.globalAlpha = 1;
    });
    drawAxis(g, axis, axisTicks, channelLabel, ink, style.fontFamily);
    this.painted = { ...spectra, axis, ranges };
  }

  /** Index of the lane under the pointer; -1 if there is none. */
  laneAt({ clientY }: MouseEvent): number {
    if (!this.painted) return -1;
    const position = clientY - this.root.getBoundingClientRect().top;
    return laneAt(position, this.painted.axis.area, this.painted.lanes.length);
  }

  /** Index of the channel under the pointer, or of a peak close to it; null outside the area. */
  channelAt({ clientX }: MouseEvent): number | null {
    if (!this.painted) return null;
    const { axis, channel, lanes, ranges } = this.painted;
    const value = axis.value(clientX - this.root.getBoundingClientRect().left);
    if (value === null) return null;
    const curves = lanes.map((lane, i) => ({ values: lane.values, top: top(ranges[i]) }));
    const bright = curves.filter((_, i) => lanes[i].bright && !lanes[i].channel);
    return highestPeak(channel, bright, nearestChannel(channel, value), axis.distance(REACH));
  }

  /** Channel value under the pointer; the nearest end outside of the area. */
  valueAt({ clientX }: MouseEvent): number | null {
    if (!this.painted) return null;
    const { area } = this.painted.axis;
    const position = clientX - this.root.getBoundingClientRect().left;
    return this.painted.axis.value(Math.min(Math.max(position, area.left), area.right));
  }

  /** Mark a range of channels; null for none. */
  markRange(range: readonly [number, number] | null): void {
    this.mark.hidden = range === null || !this.painted;
    if (!range || !this.painted) return;
    const { area } = this.painted.axis;
    const ends = range.map((value) => this.painted?.axis.position(value) ?? 0);
    const left = Math.max(Math.min(...ends), area.left);
    const right = Math.min(Math.max(...ends), area.right);
    this.mark.hidden = right < left;
    this.mark.style.left = `${left}px`;
    this.mark.style.width = `${Math.max(right - left, 1)}px`;
  }

  /** Values of all lanes in a channel, or in the nearest channel that they have; what is too small to be seen is zero. */
  valuesAt(index: number): number[] {
    if (!this.painted) return [];
    const { lanes, ranges, channel } = this.painted;
    return lanes.map((lane, i) => {
      const value = lane.values[lane.channel ? nearestChannel(lane.channel, channel[index]) : index];
      return Math.abs(value) < 1e-6 * top(ranges[i]) ? 0 : value;
    });
  }

  /** Distance of two channels on average. */
  get channelStep(): number {
    if (!this.painted) return 1;
    const { axis, channel } = this.painted;
    return Math.abs(axis.span) / Math.max(channel.length - 1, 1);
  }

  /** Draw the vertical line at a channel. */
  markChannel(index: number): void {
    if (!this.painted) return;
    this.cursor.style.left = `${this.painted.axis.position(this.painted.channel[index])}px`;
  }
}

/** Lowest and highest value of what a lane shows between the ends of the axis. */
function rangeOf({ values, channel, stack, model }: Lane, common: Float32Array, axis: ChannelAxis): ValueRange {
  const own = valueRange(visible(channel ?? common, values, axis));
  const others = [...(stack ?? []).slice(-1).map((curve) => curve.values), ...(model ? [model] : [])];
  const ranges = [own, ...others.map((curve) => valueRange(visible(common, curve, axis)))];
  return [Math.min(...ranges.map((range) => range[0])), Math.max(...ranges.map((range) => range[1]))];
}

/** The part of a curve between the ends of the axis. */
function visible(channel: Float32Array, values: Float32Array, { from, to }: ChannelAxis): Float32Array {
  const ends = [nearestChannel(channel, from), nearestChannel(channel, to)];
  return values.subarray(Math.min(...ends), Math.max(...ends) + 1);
}
