// Scatter of two maps as a histogram of their codes, and selection of pixels by an outline in it.

import type { Corner } from "./polygon";
import { LEVELS, MISSING } from "./protocol";

/** Number of bins along each axis: few for few pixels, so that single points can be seen. */
export function binsFor(pixels: number): number {
  return pixels < 20_000 ? 85 : pixels < 200_000 ? 128 : 255;
}

/** Bin of each code. */
export function binOfCodes(bins: number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => Math.min(Math.floor((code / (LEVELS + 1)) * bins), bins - 1));
}

/** Count the pixels in each bin, row by row, the largest y in the first row. */
export function countPairs(x: Uint8Array, y: Uint8Array, bins: number): Uint32Array {
  const bin = binOfCodes(bins);
  const counts = new Uint32Array(bins * bins);
  for (let j = 0; j < x.length; j++) {
    if (x[j] !== MISSING && y[j] !== MISSING) counts[(bins - 1 - bin[y[j]]) * bins + bin[x[j]]]++;
  }
  return counts;
}

/** Pixels of the histogram: one colour, whose opacity follows the logarithm of the count. */
export function densityPixels(counts: Uint32Array, [red, green, blue]: readonly number[]): Uint32Array {
  const most = Math.log1p(counts.reduce((top, count) => Math.max(top, count), 0)) || 1;
  const colour = (blue << 16) | (green << 8) | red;
  return Uint32Array.from(counts, (count) => {
    const opacity = count > 0 ? Math.round(110 + (145 * Math.log1p(count)) / most) : 0;
    return ((opacity << 24) | colour) >>> 0;
  });
}

/** Return whether a point (shares of height and width) lies inside of an outline, by the even-odd rule. */
export function isInside(outline: readonly Corner[], y: number, x: number): boolean {
  let odd = false;
  for (let i = 0, j = outline.length - 1; i < outline.length; j = i++) {
    const [[y0, x0], [y1, x1]] = [outline[i], outline[j]];
    if (y0 > y !== y1 > y && x < x0 + ((y - y0) / (y1 - y0)) * (x1 - x0)) odd = !odd;
  }
  return odd;
}

/** Return which pixels lie inside of an outline in the histogram; codes are looked up in a table. */
export function selectPixels(x: Uint8Array, y: Uint8Array, outline: readonly Corner[]): Uint8Array {
  const size = LEVELS + 1;
  const table = new Uint8Array(256 * 256);
  for (let a = 0; a < size; a++) {
    for (let b = 0; b < size; b++) {
      table[(b << 8) | a] = isInside(outline, 1 - (b + 0.5) / size, (a + 0.5) / size) ? 1 : 0;
    }
  }
  return Uint8Array.from(x, (code, j) => table[(y[j] << 8) | code]);
}
