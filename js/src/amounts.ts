// How much of each component is in a pixel: abundance times the gain of the pixel, where the model has one.

import { type Frame, valueOfCode } from "./protocol";

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

/**
 * Mean amount of each component over the observed pixels, or over some ten thousand of them; zero if there is none. In a
 * stack it is the mean over all sections.
 */
export function meanAmounts(frame: Frame): readonly number[] {
  if (frame.header.means) return frame.header.means;
  const size = frame.maps[0]?.length ?? 0;
  const step = Math.max(1, Math.floor(size / SAMPLED));
  const indices = Array.from({ length: Math.ceil(size / step) }, (_, n) => n * step);
  return amountsAt(frame, indices).map((value) => (Number.isNaN(value) ? 0 : value));
}
