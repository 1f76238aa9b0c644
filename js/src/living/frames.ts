// From factors to the encoded frames that the live view decodes, as mffnb/widgets/live_view/frame.py makes them.

import type { Header } from "../protocol";
import { type Encoded, LEVELS, MISSING, type Range, type Status } from "../protocol";
import type { Facts } from "./facts";

/** Codes of the values of one map, and their range, which begins at zero. */
export function quantised(values: Float32Array, codes: Uint8Array): Range {
  let high = 0;
  for (const value of values) if (value > high) high = value;
  const unit = LEVELS / (high || 1);
  for (let i = 0; i < values.length; i++) codes[i] = Number.isNaN(values[i]) ? MISSING : Math.round(values[i] * unit);
  return [0, high];
}

/** What a frame shows besides the facts of the figure. */
export interface Shown {
  readonly generation: number;
  readonly final: boolean;
  readonly numbers: readonly number[];
  readonly A: Float32Array;
  readonly E: Float32Array;
  readonly status: Status;
  readonly parameters: unknown;
  /** Name, colour and weight in the composite of each component, by number. */
  readonly labels: readonly string[];
  readonly weights: readonly number[];
}

/** Return a frame for the live view. */
export function encodedFrame(facts: Facts, channel: Float32Array, shown: Shown, sequence: number): Encoded {
  const { numbers, A, E } = shown;
  const [height, width] = facts.shape;
  const pixels = height * width;
  const maps = new Uint8Array(numbers.length * pixels);
  const ranges = numbers.map((_, i) =>
    quantised(A.subarray(i * pixels, (i + 1) * pixels), maps.subarray(i * pixels, (i + 1) * pixels)),
  );
  const spectra = new Float32Array(channel.length + E.length);
  spectra.set(channel);
  spectra.set(E, channel.length);
  const header: Header = {
    labels: numbers.map((number) => shown.labels[number]),
    held: [],
    colors: numbers.map((number) => facts.colors[number]),
    numbers,
    hidden: [],
    weights: numbers.map((number) => shown.weights[number]),
    means: null,
    shape: [height, width],
    map_shape: [height, width],
    ranges,
    gain_range: null,
    channels: channel.length,
    bands: false,
    channel_label: facts.channel_label,
    intensity_label: facts.intensity_label,
    pixel_size: facts.pixel_size,
    status: shown.status,
    sections: [],
    pattern: null,
    parameters: shown.parameters,
    final: shown.final,
    generation: shown.generation,
    epoch: 0,
    sequence,
  };
  return { header, maps: maps.buffer, spectra: spectra.buffer };
}
