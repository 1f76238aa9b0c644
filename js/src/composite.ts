// Mixing of maps by colour, as mffnb/widgets/mixing.py does it: squares of the abundances weight the hue, the largest
// abundance is the brightness.

import { DARK, type Rgb } from "./colour";
import { contrastLimits } from "./contrast";
import { codeOfZero, LEVELS, MISSING, type Range } from "./protocol";

/** A map in the mixture. */
export interface Layer {
  readonly codes: Uint8Array;
  readonly colour: Rgb;
  /** Strength of each code, 0 to 1. */
  readonly strength: Float32Array;
}

/** Largest codes that are not saturated, by map: counting the codes of all maps would take longer than mixing them. */
const uppers = new WeakMap<Uint8Array, { readonly clip: number; readonly upper: number }>();

function upperCode(codes: Uint8Array, clip: number): number {
  const known = uppers.get(codes);
  if (known?.clip === clip) return known.upper;
  const [, upper] = contrastLimits(codes, clip);
  uppers.set(codes, { clip, upper });
  return upper;
}

/** Return the strength of each code of a map: its share of the maximum, times the weight, with the contrast's exponent. */
export function strengths(codes: Uint8Array, range: Range, weight: number, clip: number, gamma: number): Float32Array {
  const upper = upperCode(codes, clip);
  const zero = codeOfZero(range);
  const span = Math.max(upper - zero, 1);
  return Float32Array.from({ length: 256 }, (_, code) =>
    code === MISSING
      ? 0
      : Math.min(Math.max((weight * Math.max(Math.min(code, upper) - zero, 0)) / span, 0), 1) ** gamma,
  );
}

/** A map of this many pixels is mixed while a slider is dragged; of a larger one only some rows and columns. */
const PREVIEW = 2 ** 17;
/** Maps with fewer pixels, by map. */
const reduced = new WeakMap<Uint8Array, Uint8Array>();

/** Distance of the rows and columns of a map that are mixed while a slider is dragged. */
export function previewStep([height, width]: readonly [number, number]): number {
  return Math.max(1, Math.ceil(Math.sqrt((height * width) / PREVIEW)));
}

/** Every n-th row and column of a map; made once for each map. */
export function everyNth(codes: Uint8Array, [height, width]: readonly [number, number], step: number): Uint8Array {
  const known = reduced.get(codes);
  const [rows, columns] = [Math.ceil(height / step), Math.ceil(width / step)];
  if (known?.length === rows * columns) return known;
  const made = new Uint8Array(rows * columns);
  for (let row = 0, at = 0; row < rows; row++)
    for (let column = 0, from = row * step * width; column < columns; column++, from += step) made[at++] = codes[from];
  reduced.set(codes, made);
  return made;
}

const same = (a: Layer, b: Layer | undefined) =>
  b !== undefined &&
  a.codes === b.codes &&
  a.colour.every((part, c) => part === b.colour[c]) &&
  a.strength.every((value, code) => value === b.strength[code]);

/** Values for each pixel in the sums: red, green, blue, weight, largest strength. */
const PARTS = 5;

/**
 * Mixes layers. While a single layer changes, as when its weight is dragged, the sums of the others are kept, so that
 * a picture costs one layer, whatever their number is.
 */
export class Mixer {
  private sums = new Float32Array(0);
  private others: readonly Layer[] | null = null;
  private last: readonly Layer[] = [];
  private pixels = new Uint32Array(0);

  /** Return the pixels; over an image, their brightness is their opacity. They are valid until the next call. */
  mix(layers: readonly Layer[], overImage: boolean): Uint32Array {
    if (layers.length === 0) return new Uint32Array(0);
    const changed = layers.findIndex((layer, i) => !same(layer, this.last[i]));
    const moving = changed < 0 ? layers.length - 1 : changed;
    const others = layers.filter((_, i) => i !== moving);
    const kept = this.others?.length === others.length && others.every((layer, i) => same(layer, this.others?.[i]));
    if (!kept) this.sum(others, layers[0].codes.length);
    this.others = others;
    this.last = layers;
    this.finish(layers[moving], overImage);
    return this.pixels;
  }

  private sum(layers: readonly Layer[], count: number): void {
    if (this.pixels.length !== count) {
      this.sums = new Float32Array(PARTS * count);
      this.pixels = new Uint32Array(count);
    } else this.sums.fill(0);
    for (const layer of layers) add(this.sums, layer);
  }

  private finish({ codes, strength, colour: [r, g, b] }: Layer, overImage: boolean): void {
    const { sums, pixels } = this;
    const [darkRed, darkGreen, darkBlue] = DARK;
    for (let j = 0, at = 0; j < codes.length; j++, at += PARTS) {
      const code = codes[j];
      if (code > LEVELS) {
        pixels[j] = 0;
        continue;
      }
      const own = strength[code];
      const square = own * own;
      const total = sums[at + 3] + square;
      const unit = total > 0 ? 1 / total : 0;
      const bright = Math.max(own, sums[at + 4]);
      const red = (sums[at] + square * r) * unit;
      const green = (sums[at + 1] + square * g) * unit;
      const blue = (sums[at + 2] + square * b) * unit;
      pixels[j] = overImage
        ? ((255 * bright + 0.5) << 24) | ((blue + 0.5) << 16) | ((green + 0.5) << 8) | (red + 0.5)
        : (255 << 24) |
          ((darkBlue + (blue - darkBlue) * bright + 0.5) << 16) |
          ((darkGreen + (green - darkGreen) * bright + 0.5) << 8) |
          (darkRed + (red - darkRed) * bright + 0.5);
    }
  }
}

function add(sums: Float32Array, { codes, strength, colour: [r, g, b] }: Layer): void {
  for (let j = 0, at = 0; j < codes.length; j++, at += PARTS) {
    const own = strength[codes[j]];
    const square = own * own;
    sums[at] += square * r;
    sums[at + 1] += square * g;
    sums[at + 2] += square * b;
    sums[at + 3] += square;
    if (own > sums[at + 4]) sums[at + 4] = own;
  }
}
