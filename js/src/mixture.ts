// The model of a pixel: abundances times spectra, split into the contributions of the components.

import { nearestChannel } from "./pointer";

/** The model of one pixel or of an average of pixels. */
export interface Mixture {
  /** Sum of all contributions. */
  readonly model: Float32Array;
  /** Sums of the contributions of the components up to each one, so that each is drawn on top of those before it. */
  readonly stack: readonly Float32Array[];
}

/** Mix spectra with these abundances; an abundance that is missing makes the model missing. */
export function mixture(abundances: readonly number[], spectra: readonly Float32Array[]): Mixture {
  const stack: Float32Array[] = [];
  let below: Float32Array = new Float32Array(spectra[0]?.length ?? 0);
  spectra.forEach((spectrum, i) => {
    const sum = new Float32Array(spectrum.length);
    for (let j = 0; j < sum.length; j++) sum[j] = below[j] + abundances[i] * spectrum[j];
    stack.push(sum);
    below = sum;
  });
  return { model: below, stack };
}

/** Measured values minus the model, whose channels may be fewer. */
export function difference(
  channel: Float32Array,
  measured: Float32Array,
  modelChannel: Float32Array,
  model: Float32Array,
): Float32Array {
  const same = channel.length === modelChannel.length;
  return measured.map((value, j) => value - model[same ? j : nearestChannel(modelChannel, channel[j])]);
}

/** Sum of each spectrum over the channels of a range, ends included; at least one channel. */
export function sumsOver(channel: Float32Array, spectra: readonly Float32Array[], from: number, to: number): number[] {
  const [low, high] = from < to ? [from, to] : [to, from];
  const inside = Array.from(channel.keys()).filter((j) => channel[j] >= low && channel[j] <= high);
  if (inside.length === 0) inside.push(nearestChannel(channel, (low + high) / 2));
  return spectra.map((spectrum) => inside.reduce((sum, j) => sum + spectrum[j], 0));
}
