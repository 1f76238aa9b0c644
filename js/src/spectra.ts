// Plot of the spectra on a canvas: one lane per spectrum over a common channel axis.
// Only lanes that have changed are painted again, so that pointing at a map costs one or two of them.

import { element } from "./dom";
import { drawAxis, drawIntensityTitle } from "./drawing";
import { decimalsOf, fixed } from "./format";
import { kneeOf, stripOf } from "./intensity";
import { type IntensityView, intensityTitle, type Lane, normalizationFactor, sameLane } from "./lane";
import { curvesOf, type Extent, paintLane, type Sheet } from "./lane_painting";
import { plotHeight } from "./layout";
import type { PeakLabel } from "./peaks";
import { ChannelAxis, laneAt, union, valueRange } from "./plot_geometry";
import { highestPeak, meanStep, nearestChannel } from "./pointer";
import { axisTicks } from "./ticks";

export type { Lane, StackedCurve } from "./lane";

/** What the plot shows. */
export interface Spectra {
  readonly lanes: readonly Lane[];
  readonly channel: Float32Array;
  readonly channelLabel: string;
  readonly intensityLabel: string;
  readonly view: IntensityView;
}

/** What has been painted, for pointing and for the next painting. */
interface Painted extends Spectra {
  readonly axis: ChannelAxis;
  readonly extents: readonly Extent[];
  readonly labels: readonly (readonly PeakLabel[])[];
  /** Everything that all lanes share. */
  readonly key: string;
}

/** Pixels around the pointer that are searched for a peak. */
const REACH = 4;
/** Pixels of the title and of the numbers of the intensity axis. */
const TITLE_WIDTH = 18;
const NUMBERS_WIDTH = 44;
/** Pixels of the longest name, and the share of the plot that it takes at most. */
const NAME_WIDTH = 130;
const NAME_SHARE = 0.13;

/** Largest absolute value of a lane before normalisation. */
function top({ range: [low, high], factor }: Extent): number {
  return Math.max(high, -low) / factor;
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
    this.root = element("div", "mffnb-plot", { tabindex: 0 }, [this.canvas, this.mark, this.cursor]);
  }

  /** Set the height for a number of spectra. */
  layout(count: number): void {
    this.root.style.height = `${plotHeight(count)}px`;
  }

  /** Draw what has changed. `styled` is the element whose CSS gives colours and font. */
  paint(spectra: Spectra, styled: Element): void {
    const { lanes, channel, channelLabel, view } = spectra;
    const [width, height] = [this.root.clientWidth, this.root.clientHeight];
    this.stale = width === 0;
    const g = this.canvas.getContext("2d");
    if (this.stale || lanes.length === 0 || !g) return;
    const sharpness = window.devicePixelRatio || 1;
    const style = getComputedStyle(styled);
    const ink = style.getPropertyValue("--mffnb-ink").trim() || "#333";
    const faint = style.getPropertyValue("--mffnb-faint").trim() || "#ddd";
    const family = style.fontFamily;

    g.font = `600 12px ${family}`;
    const longest = Math.max(...lanes.map((lane) => g.measureText(lane.label).width));
    const names = [TITLE_WIDTH, Math.ceil(Math.min(longest, NAME_WIDTH, Math.max(NAME_SHARE * width, 96)))] as const;
    const left = Math.round((names[0] + names[1] + NUMBERS_WIDTH) * sharpness) / sharpness; // see columnsOf
    const area = { left, right: width - 24, top: 8, bottom: height - 44 };
    const [from, to] = this.shown ?? [channel[0], channel[channel.length - 1]];
    const axis = new ChannelAxis(area, from, to);
    const title = intensityTitle(spectra.intensityLabel, view.normalize);
    const key = JSON.stringify([
      width,
      height,
      sharpness,
      ink,
      faint,
      family,
      left,
      from,
      to,
      lanes.length,
      channelLabel,
      title,
      view,
    ]);

    const positions = axisTicks(axis.from, axis.to, area.right - area.left);
    const decimals = decimalsOf(meanStep(channel), 2);
    const sheet: Sheet = {
      axis,
      axisTicks: positions,
      channel,
      view,
      width,
      names,
      ink,
      faint,
      family,
      lineWidth: sharpness > 1 ? 1.25 : 1.4,
      pixel: 1 / sharpness,
      channelText: (value) => fixed(value, decimals),
    };
    const old = this.painted?.key === key && this.painted.channel === channel ? this.painted : null;
    if (!old) {
      this.canvas.width = Math.round(width * sharpness); // clears the canvas
      this.canvas.height = Math.round(height * sharpness);
      g.scale(sharpness, sharpness);
      drawAxis(g, axis, positions, channelLabel, ink, family);
      drawIntensityTitle(g, area, title, ink, family);
    }
    const extents = extentsOf(lanes, channel, axis, view);
    const labels = lanes.map((lane, i) => {
      if (old && sameLane(lane, old.lanes[i]) && sameExtent(extents[i], old.extents[i])) return old.labels[i];
      const strip = stripOf(area, i, lanes.length);
      return paintLane(g, lane, strip, extents[i], sheet);
    });
    this.painted = { ...spectra, axis, extents, labels, key };
  }

  /** Index of the lane under the pointer; -1 if there is none. */
  laneAt({ clientY }: MouseEvent): number {
    if (!this.painted) return -1;
    const position = clientY - this.root.getBoundingClientRect().top;
    return laneAt(position, this.painted.axis.area, this.painted.lanes.length);
  }

  /** Index of the channel under the pointer, or of a peak close to it; null outside the area. */
  channelAt(event: MouseEvent): number | null {
    if (!this.painted) return null;
    const { axis, channel, lanes, extents } = this.painted;
    const value = axis.value(event.clientX - this.root.getBoundingClientRect().left);
    if (value === null) return null;
    const measured = this.measuredPeakAt(event);
    if (measured !== null) return nearestChannel(channel, measured);
    const curves = lanes.map((lane, i) => ({ values: lane.values, top: top(extents[i]) }));
    const bright = curves.filter((_, i) => lanes[i].bright && !lanes[i].channel);
    return highestPeak(channel, bright, nearestChannel(channel, value), axis.distance(REACH));
  }

  /** Channel under the pointer on a measured spectrum or a residual, or of its peak close to it; null elsewhere. */
  measuredPeakAt(event: MouseEvent): number | null {
    const lane = this.laneAt(event);
    if (!this.painted || lane < 0) return null;
    const { axis, lanes, extents } = this.painted;
    const { component, channel, values } = lanes[lane];
    const value = axis.value(event.clientX - this.root.getBoundingClientRect().left);
    if (value === null || component !== undefined || !channel) return null;
    const curve = { values, top: top(extents[lane]) };
    return channel[highestPeak(channel, [curve], nearestChannel(channel, value), axis.distance(REACH))];
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

  /** Values of all lanes as they are shown in a channel, or in the nearest channel that they have; what is too small to be seen is zero. */
  valuesAt(index: number): number[] {
    if (!this.painted) return [];
    const { lanes, extents, channel } = this.painted;
    return lanes.map((lane, i) => {
      const value = lane.values[lane.channel ? nearestChannel(lane.channel, channel[index]) : index];
      return Math.abs(value) < 1e-6 * top(extents[i]) ? 0 : value * extents[i].factor;
    });
  }

  /** Distance of two channels on average, whatever part of them is shown. */
  get channelStep(): number {
    return this.painted ? meanStep(this.painted.channel) : 1;
  }

  /** Draw the vertical line at a channel. */
  markChannel(index: number): void {
    if (!this.painted) return;
    this.cursor.style.left = `${this.painted.axis.position(this.painted.channel[index])}px`;
  }

  /** Lane and label of the peak under the pointer; null if there is none. */
  peakAt({ clientX, clientY }: MouseEvent): { readonly lane: number; readonly label: PeakLabel } | null {
    if (!this.painted) return null;
    const box = this.root.getBoundingClientRect();
    const [x, y] = [clientX - box.left, clientY - box.top];
    for (const [lane, labels] of this.painted.labels.entries()) {
      const label = labels.find((one) => isNear(one, x, y));
      if (label) return { lane, label };
    }
    return null;
  }

  /** Channels of all labelled peaks, from left to right. */
  peakChannels(): number[] {
    const labels = this.painted?.labels ?? [];
    const found = labels.flatMap((of, lane) =>
      of.map((label) => ({ x: label.x, at: this.channelOf({ lane, label }) })),
    );
    return [...new Set(found.sort((a, b) => a.x - b.x).map(({ at }) => at))];
  }

  /** Channel of a peak. */
  channelOf({ lane, label }: { readonly lane: number; readonly label: PeakLabel }): number {
    const painted = this.painted;
    return painted ? (painted.lanes[lane].channel ?? painted.channel)[label.index] : Number.NaN;
  }
}

/** Pixels of the text of a peak, and below the maximum, that can be clicked. */
const TEXT_HEIGHT = 16;
const BELOW = 8;

/** Whether a position is on the text of a peak or on its tip. */
function isNear({ x, y, half }: PeakLabel, atX: number, atY: number): boolean {
  const onText = Math.abs(atX - x) <= half + 2 && atY <= y && atY >= y - TEXT_HEIGHT;
  return onText || (Math.abs(atX - x) <= REACH && atY >= y && atY <= y + BELOW);
}

/** Normalisation and range of each lane; on a common scale, components share a range and measured spectra another one. */
function extentsOf(lanes: readonly Lane[], channel: Float32Array, axis: ChannelAxis, view: IntensityView): Extent[] {
  const own = lanes.map((lane) => {
    const factor = normalizationFactor(lane, channel, view.normalize);
    const curves = curvesOf(lane, channel, axis);
    const [low, high] = union(curves.map(valueRange));
    const knee = view.scale === "log" ? kneeOf(curves, factor) : 1;
    return { factor, range: [low * factor, high * factor] as const, knee };
  });
  if (!view.common) return own;
  const isComponent = (lane: Lane) => lane.component !== undefined;
  return own.map(({ factor }, i) => {
    const group = own.filter((_, j) => isComponent(lanes[i]) === isComponent(lanes[j]));
    return {
      factor,
      range: union(group.map(({ range }) => range)),
      knee: Math.min(...group.map(({ knee }) => knee)),
    };
  });
}

function sameExtent(a: Extent, b: Extent): boolean {
  return a.factor === b.factor && a.knee === b.knee && a.range[0] === b.range[0] && a.range[1] === b.range[1];
}
