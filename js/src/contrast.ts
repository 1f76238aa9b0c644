// Contrast of a map: from codes of pixels (0 to 254, 255 is missing) to colours.

import { NEGATIVE_RAMP, type Rgb } from "./colour";
import { LEVELS, MISSING } from "./protocol";

/** Codes that are shown darkest and brightest. */
export type Limits = readonly [lower: number, upper: number];

/** Return the limits that saturate at most `clip` per cent of the observed pixels. */
export function contrastLimits(codes: Uint8Array, clip: number): Limits {
  const counts = new Uint32Array(256);
  for (let i = 0; i < codes.length; i++) counts[codes[i]]++;
  const observed = codes.length - counts[MISSING];
  let top = LEVELS;
  while (top > 0 && counts[top] === 0) top--;
  let left = (observed * clip) / 100;
  let upper = top;
  while (upper > 0 && left >= counts[upper]) left -= counts[upper--];
  // A component present in very few pixels would vanish if all of them were clipped.
  return [0, upper > 0.02 * top ? Math.max(upper, 1) : Math.max(top, 1)];
}

export interface Palette {
  /** 256 colours, 3 bytes each, of a stored colour map; null: the ramp of the component, signed around zero. */
  readonly table: Uint8Array | null;
  readonly ramp: Uint8Array;
  /** Exponent of the contrast. */
  readonly gamma: number;
}

/** Return the function from a code to its colour. `zero` is the code of the value zero. */
export function colourOfCode(palette: Palette, [lower, upper]: Limits, zero: number): (code: number) => Rgb {
  const pick = (table: Uint8Array, t: number): Rgb => {
    const at = 3 * Math.round(255 * Math.min(Math.max(t, 0), 1) ** palette.gamma);
    return [table[at], table[at + 1], table[at + 2]];
  };
  const { table } = palette;
  if (table) return (code) => pick(table, (code - lower) / (upper - lower));
  const span = Math.max(zero - lower, upper - zero, 1);
  return (code) => pick(code >= zero ? palette.ramp : NEGATIVE_RAMP, Math.abs(code - zero) / span);
}

/** Return the 32-bit pixel (opaque, little-endian RGBA) of each code; missing pixels are transparent. */
export function pixelsOfCodes(colour: (code: number) => Rgb): Uint32Array {
  const pixels = new Uint32Array(256);
  for (let code = 0; code <= LEVELS; code++) {
    const [red, green, blue] = colour(code);
    pixels[code] = ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  }
  pixels[MISSING] = 0;
  return pixels;
}

/** Return the grey pixels of an image, with `clip` per cent of them saturated at either end; missing ones are clear. */
export function greyPixels(codes: Uint8Array, clip = 0.5): Uint32Array {
  const counts = new Uint32Array(256);
  for (let j = 0; j < codes.length; j++) counts[codes[j]]++;
  const share = ((codes.length - counts[MISSING]) * clip) / 100;
  let [lower, upper] = [0, LEVELS];
  for (let left = share; lower < LEVELS && left >= counts[lower]; ) left -= counts[lower++];
  for (let left = share; upper > lower && left >= counts[upper]; ) left -= counts[upper--];
  const grey = pixelsOfCodes((code) => {
    const level = 255 * Math.min(Math.max((code - lower) / (upper - lower || 1), 0), 1);
    return [level, level, level];
  });
  return Uint32Array.from(codes, (code) => grey[code]);
}

/** CSS gradient over the colours between the limits, for the legend of a map. */
export function gradient(colour: (code: number) => Rgb, [lower, upper]: Limits): string {
  const stops = Array.from({ length: 13 }, (_, n) => `rgb(${colour(Math.round(lower + ((upper - lower) * n) / 12))})`);
  return `linear-gradient(to right, ${stops.join(",")})`;
}
