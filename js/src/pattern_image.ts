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

/** Text of a position in a pattern, given as shares of width and height: "ky 1.25, kx -0.5 (1/nm)". */
export function patternPosition({ shape, axes }: Pattern, fx: number, fy: number): string {
  return [fy, fx].map((share, i) => coordinateText(axes[i], share, shape[i])).join(", ");
}

function coordinateText({ label, first, last }: PatternAxis, share: number, count: number): string {
  const index = Math.floor(share * count);
  const value = count > 1 ? first + ((last - first) * index) / (count - 1) : first;
  const [, name, unit] = label.match(/^(.*?)(?: \(([^)]*)\))?$/) ?? [label, label, ""];
  return `${name} ${number(value, 3)}${unit ? ` ${unit}` : ""}`;
}
