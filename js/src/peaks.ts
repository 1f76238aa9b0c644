// Peaks of a spectrum that get a label: few, the highest first, and no two labels over each other.

/** A labelled peak. */
export interface PeakLabel {
  /** Index of its channel. */
  readonly index: number;
  readonly text: string;
  /** Position of its maximum. */
  readonly x: number;
  readonly y: number;
  /** Half of the width of the text. */
  readonly half: number;
}

/** Share of the height of the plot that a peak rises above its surroundings at least, and labels of a spectrum at most. */
const SMALLEST = 0.08;
const MOST = 6;
/** Heights of a peak in units of the noise, at least. */
const ABOVE_NOISE = 6;
/** Pixels between two labels. */
const GAP = 8;

interface Curve {
  readonly values: Float32Array;
  readonly channel: Float32Array;
  /** Indices of the channels that are shown. */
  readonly first: number;
  readonly last: number;
}

/** Indices of local maxima, the highest first; of a plateau its first channel. */
function maxima({ values, first, last }: Curve): number[] {
  const found: number[] = [];
  for (let j = Math.max(first, 1); j < Math.min(last + 1, values.length - 1); j++) {
    if (values[j] > values[j - 1] && values[j] >= values[j + 1] && values[j] > 0) found.push(j);
  }
  return found.sort((a, b) => values[b] - values[a]);
}

/** Noise of a curve: from the median of its second differences, which a smooth curve does not have. */
export function noiseOf({ values, first, last }: Curve): number {
  const bends = new Float64Array(values.length); // sorted without calls of a comparison
  let count = 0;
  for (let j = Math.max(first, 1); j < Math.min(last, values.length - 1); j++) {
    const bend = Math.abs(values[j - 1] - 2 * values[j] + values[j + 1]);
    if (Number.isFinite(bend)) bends[count++] = bend;
  }
  if (count === 0) return 0;
  const middle = bends.subarray(0, count).sort()[count >> 1];
  return middle / (0.6745 * Math.sqrt(6)); // of normal noise
}

/** Whether a maximum rises by `height`, and above the noise, from the lowest value before a higher one on each side. */
function isProminent(
  { values, first, last }: Curve,
  peak: number,
  y: (value: number) => number,
  height: number,
  noise: number,
): boolean {
  for (const step of [-1, 1]) {
    let lowest = values[peak];
    let j = peak + step;
    for (; j >= first && j <= last && !(values[j] > values[peak]); j += step)
      if (values[j] < lowest) lowest = values[j];
    if (y(lowest) - y(values[peak]) < height || values[peak] - lowest < ABOVE_NOISE * noise) return false;
  }
  return true;
}

/** Choose the peaks of a curve that get a label. */
export function peakLabels(
  curve: Curve,
  x: (value: number) => number,
  y: (value: number) => number,
  height: number,
  text: (value: number) => string,
  measure: (text: string) => number,
  [left, right]: readonly [number, number],
): PeakLabel[] {
  const { channel, values } = curve;
  const chosen: PeakLabel[] = [];
  const noise = noiseOf(curve);
  for (const index of maxima(curve)) {
    if (chosen.length >= MOST) break;
    if (y(0) - y(values[index]) < SMALLEST * height) break;
    const label = text(channel[index]);
    const [at, half] = [x(channel[index]), measure(label) / 2];
    const inside = at - half >= left && at + half <= right;
    const free = chosen.every((other) => Math.abs(other.x - at) >= other.half + half + GAP);
    if (!inside || !free || covers(curve, index, x, half)) continue;
    if (isProminent(curve, index, y, SMALLEST * height, noise))
      chosen.push({ index, text: label, x: at, y: y(values[index]), half });
  }
  return chosen;
}

/** Whether the text above a peak would cover a higher part of the curve. */
function covers(
  { channel, values, first, last }: Curve,
  peak: number,
  x: (value: number) => number,
  half: number,
): boolean {
  const at = x(channel[peak]);
  for (const step of [-1, 1]) {
    for (let j = peak + step; j >= first && j <= last && Math.abs(x(channel[j]) - at) <= half; j += step) {
      if (values[j] > values[peak]) return true;
    }
  }
  return false;
}
