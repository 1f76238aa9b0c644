// Patterns (spectra with two channel axes) as images: intensity scale, position of the pointer, size.

import { number } from "./format";
import type { MapImage } from "./images";
import { LEVELS, MISSING, type Pattern, type PatternAxis, type Range } from "./protocol";

export type IntensityScale = "log" | "sqrt" | "linear";

/** Range of the logarithmic scale: weaker intensities are as dark as zero. */
const DECADES = 4;

/** Make an image of a pattern on an intensity scale; values that are not finite are missing. */
export function patternImage(
  label: string,
  colour: string,
  values: Float32Array,
  { shape }: Pattern,
  scale: IntensityScale,
): MapImage {
  let [low, high] = [0, 0];
  for (const value of values) {
    if (value > high) high = value;
    if (value < low) low = value;
  }
  const range: Range = scale === "log" ? [high / 10 ** DECADES, high] : scale === "sqrt" ? [0, high] : [low, high];
  const share = shareOf(scale, range);
  const codes = Uint8Array.from(values, (value) =>
    Number.isFinite(value) ? Math.round(LEVELS * Math.min(Math.max(share(value), 0), 1)) : MISSING,
  );
  return { label, colour, codes, range, shape };
}

/** Return the function from a value to its share of the scale. */
function shareOf(scale: IntensityScale, [low, high]: Range): (value: number) => number {
  if (!(high > low)) return () => 0;
  if (scale === "log") return (value) => (value > 0 ? 1 + Math.log10(value / high) / DECADES : 0);
  if (scale === "sqrt") return (value) => Math.sqrt(Math.max(value, 0) / high);
  return (value) => (value - low) / (high - low);
}

/** Height over width of a pattern: that of its axes if both have the same unit, else that of its channels. */
export function patternAspect({ shape, axes }: Pattern): number {
  const units = axes.map(({ label }) => label.match(/\(([^)]*)\)$/)?.[1]);
  const [height, width] = axes.map((axis, i) => (Math.abs(axis.last - axis.first) * shape[i]) / (shape[i] - 1 || 1));
  const ratio = units[0] && units[0] === units[1] && height > 0 && width > 0 ? height / width : shape[0] / shape[1];
  return Math.min(Math.max(ratio, 1 / 6), 6);
}

/** Text of a position in a pattern, given as shares of width and height: "ky 1.25 1/nm, kx −0.5 1/nm". */
export function patternPosition({ shape, axes }: Pattern, fx: number, fy: number): string {
  return [fy, fx].map((share, i) => coordinateText(axes[i], coordinate(axes[i], share, shape[i]))).join(", ");
}

/** Text of the distance from the centre of a Fourier transform, and of the lattice spacing that belongs to it; else empty. */
export function patternDistance({ shape, axes }: Pattern, fx: number, fy: number): string {
  const [unit, other] = axes.map(({ label }) => /^spatial frequency.*\(1\/(\w+)\)$/.exec(label)?.[1]);
  if (!unit || unit !== other) return "";
  const length = Math.hypot(...[fy, fx].map((share, i) => coordinate(axes[i], share, shape[i])));
  return `|k| ${number(length)} 1/${unit}${length > 0 ? `, spacing ${number(1 / length)} ${unit}` : ""}`;
}

/** Coordinate of the channel at a share of an axis. */
function coordinate({ first, last }: PatternAxis, share: number, count: number): number {
  return count > 1 ? first + ((last - first) * Math.floor(share * count)) / (count - 1) : first;
}

function coordinateText({ label, name }: PatternAxis, value: number): string {
  const [, long, unit] = label.match(/^(.*?)(?: \(([^)]*)\))?$/) ?? [label, label, ""];
  return `${name || long} ${number(value, 3)}${unit ? ` ${unit}` : ""}`;
}
