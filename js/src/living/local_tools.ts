// Tools of the live view that need the data and no run: they answer in the page as their functions in Python do.

import type { CodedMatrix } from "./entries";
import { quantised } from "./frames";

/** What a call shows in the page: the values of the tool. */
export type Answered = Readonly<Record<string, unknown>>;
type Arguments = Readonly<Record<string, unknown>>;

/** Spectrum of a pixel. */
export function pixelSpectrum({ codes, step, channels }: CodedMatrix, pixel: number): Float32Array {
  return Float32Array.from(codes.subarray(pixel * channels, (pixel + 1) * channels), (code) => step * code);
}

/** Mean spectrum of all pixels. */
export function meanSpectrum({ codes, step, pixels, channels }: CodedMatrix): Float32Array {
  const sums = new Float64Array(channels);
  for (let i = 0; i < codes.length; i++) sums[i % channels] += codes[i];
  return Float32Array.from(sums, (sum) => (step * sum) / pixels);
}

/** First and last channel of a range, or the one nearest to its middle if none is inside. */
export function channelsBetween(channel: Float32Array, start: number, stop: number): [number, number] {
  const [low, high] = [Math.min(start, stop), Math.max(start, stop)];
  const inside = [...channel.keys()].filter((c) => channel[c] >= low && channel[c] <= high);
  if (inside.length > 0) return [inside[0], inside[inside.length - 1]];
  const middle = (low + high) / 2;
  const nearest = channel.reduce((best, value, c) => {
    return Math.abs(value - middle) < Math.abs(channel[best] - middle) ? c : best;
  }, 0);
  return [nearest, nearest];
}

/** Sum of the channels `first` to `last` in each pixel. */
export function bandImage(matrix: CodedMatrix, first: number, last: number): Float32Array {
  const { codes, step, pixels, channels } = matrix;
  return Float32Array.from({ length: pixels }, (_, i) => {
    let sum = 0;
    for (let c = first; c <= last; c++) sum += codes[i * channels + c];
    return Math.max(step * sum, 0);
  });
}

/** Answer a call of a tool; null for a tool that is not here. */
export function answer(
  tool: string,
  args: Arguments,
  matrix: CodedMatrix,
  channel: Float32Array,
  shape: readonly [number, number],
): Answered | null {
  if (tool === "probe") {
    const [row, column] = args.pixel as readonly [number, number];
    const measured = pixelSpectrum(matrix, row * shape[1] + column);
    return { pixel: [row, column], count: 1, channel, measured };
  }
  if (tool === "mean_spectrum") return args.shown ? { shown: true, channel, values: meanSpectrum(matrix) } : HIDDEN;
  if (tool === "band") return args.shown === false ? HIDDEN : band(args, matrix, channel, shape);
  return null;
}

const HIDDEN = { shown: false };

function band(args: Arguments, matrix: CodedMatrix, channel: Float32Array, shape: readonly [number, number]): Answered {
  const [first, last] = channelsBetween(channel, Number(args.start), Number(args.stop));
  const codes = new Uint8Array(matrix.pixels);
  const range = quantised(bandImage(matrix, first, last), codes);
  const ends = [channel[first], channel[last]].sort((a, b) => a - b);
  return { shown: true, ends, text: "", outline: null, codes, range, shape };
}
