// How much of each component is in a pixel: abundance times the gain of the pixel, where the model has one.

import { type Frame, MISSING, type Range, valueOfCode } from "./protocol";

/** Number of pixels that a mean over the image uses at most. */
const SAMPLED = 20_000;

/** Mean amount of each component over pixels, given by their indices in the maps; NaN if all are missing. */
export function amountsAt({ header, maps, gain }: Frame, indices: readonly number[]): number[] {
  const { ranges, gain_range } = header;
  return maps.map((codes, i) => {
    let [sum, count] = [0, 0];
    for (const index of indices) {
      const factor = gain && gain_range ? valueOfCode(gain[index], gain_range) : 1;
      const value = factor * valueOfCode(codes[index], ranges[i]);
      if (Number.isNaN(value)) continue;
      sum += value;
      count += 1;
    }
    return count > 0 ? sum / count : Number.NaN;
  });
}

const means = new WeakMap<Frame, readonly number[]>();

/**
 * Mean amount of each component over the observed pixels, or over some ten thousand of them; zero if there is none. In a
 * stack it is the mean over all sections. It is computed once for each frame, since several parts of the page use it.
 */
export function meanAmounts(frame: Frame): readonly number[] {
  if (frame.header.means) return frame.header.means;
  const known = means.get(frame);
  if (known) return known;
  const found = frame.maps.map((_, i) => meanAmount(frame, i));
  means.set(frame, found);
  return found;
}

function meanAmount({ header, maps, gain }: Frame, i: number): number {
  const [codes, values] = [maps[i], valuesOfCodes(header.ranges[i])];
  const gains = gain && header.gain_range ? valuesOfCodes(header.gain_range) : null;
  const step = Math.max(1, Math.floor(codes.length / SAMPLED));
  let [sum, count] = [0, 0];
  for (let j = 0; j < codes.length; j += step) {
    const code = codes[j];
    if (code === MISSING || (gains && gain?.[j] === MISSING)) continue;
    sum += gains && gain ? gains[gain[j]] * values[code] : values[code];
    count += 1;
  }
  return count > 0 ? sum / count : 0;
}

/** The value of each code: a table is faster than the formula for each of many pixels. */
function valuesOfCodes(range: Range): Float64Array {
  return Float64Array.from({ length: 256 }, (_, code) => valueOfCode(code, range));
}
