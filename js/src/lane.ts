// One spectrum of the plot, and how the values of all spectra are shown.

import { valueRange } from "./plot_geometry";
import type { IntensityScale, Normalization } from "./protocol";

/** The upper edge of one contribution in a stack. */
export interface StackedCurve {
  readonly values: Float32Array;
  readonly colour: string;
}

/** A pale band behind a curve, at channels of its own. */
export interface OuterBand {
  readonly channel: Float32Array;
  readonly low: Float32Array;
  readonly high: Float32Array;
  /** A few words above the name of the lane. */
  readonly note: string;
}

/** One spectrum of the plot. */
export interface Lane {
  readonly label: string;
  readonly colour: string;
  readonly values: Float32Array;
  /** Channel of each value; that of the components if omitted. */
  readonly channel?: Float32Array;
  readonly band: readonly [Float32Array, Float32Array] | null;
  /** A paler band behind the other one. */
  readonly outer?: OuterBand | null;
  /** Index of the component whose spectrum it is. */
  readonly component?: number;
  /** Sums of contributions, each on top of those before it, at the channels of the components. */
  readonly stack?: readonly StackedCurve[];
  /** A second curve at the channels of the components, drawn dashed: the model of a measured spectrum. */
  readonly model?: Float32Array;
  /** False where another component is highlighted. */
  readonly bright: boolean;
  /** Mean of the map, for a spectrum of a component. */
  readonly abundance?: number;
  /** The curve whose maximum or area normalises this one, such as the spectrum of a residual; itself if omitted. */
  readonly reference?: { readonly values: Float32Array; readonly channel?: Float32Array };
  /** Whether its peaks may get labels: not those of noisy spectra. */
  readonly peaks?: boolean;
}

/** How intensities are shown. */
export interface IntensityView {
  readonly scale: IntensityScale;
  readonly normalize: Normalization;
  /** Whether all components share one range, and all measured spectra another one. */
  readonly common: boolean;
  /** Whether peaks are labelled. */
  readonly peaks: boolean;
}

/** Integral of a curve over its channels, by the trapezoidal rule; the values themselves for a single channel. */
export function areaOf(channel: Float32Array, values: Float32Array): number {
  if (values.length === 1) return values[0];
  let area = 0;
  for (let j = 1; j < values.length; j++) {
    const part = ((values[j] + values[j - 1]) / 2) * Math.abs(channel[j] - channel[j - 1]);
    if (Number.isFinite(part)) area += part;
  }
  return area;
}

/** Factor of the values of a lane. A measured spectrum has its abundances in it already. */
export function normalizationFactor(lane: Lane, channel: Float32Array, normalize: Normalization): number {
  if (normalize === "none") return 1;
  if (normalize === "abundance") return lane.abundance ?? 1;
  const { values, channel: own = channel } = lane.reference ?? lane;
  const [low, high] = valueRange(values);
  const size = normalize === "max" ? Math.max(high, -low) : Math.abs(areaOf(own, values));
  return size > 0 ? 1 / size : 1;
}

/** Text of the intensity axis. `label` has the unit of the values in brackets, if it is known. */
export function intensityTitle(label: string, normalize: Normalization): string {
  const unit = /\(.*\)$/.exec(label)?.[0] ?? "";
  const name = label.slice(0, label.length - unit.length).trim();
  if (normalize === "max") return `${name} / maximum`;
  if (normalize === "area") return `${name} / area`;
  return normalize === "abundance" ? `contribution ${unit}`.trim() : label;
}

/** Whether two lanes look the same. */
export function sameLane(a: Lane, b: Lane): boolean {
  const stacks = [a.stack ?? [], b.stack ?? []];
  return (
    a.values === b.values &&
    a.channel === b.channel &&
    a.band?.[0] === b.band?.[0] &&
    a.band?.[1] === b.band?.[1] &&
    (a.outer ?? null) === (b.outer ?? null) &&
    a.model === b.model &&
    a.label === b.label &&
    a.colour === b.colour &&
    a.bright === b.bright &&
    a.peaks === b.peaks &&
    stacks[0].length === stacks[1].length &&
    stacks[0].every(({ values, colour }, i) => values === stacks[1][i].values && colour === stacks[1][i].colour)
  );
}
