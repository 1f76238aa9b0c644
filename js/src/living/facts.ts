// What mffnb/io/writers/living.py stores in a figure: facts as JSON, and arrays in one compressed block.

import type { Codes } from "./entries";
import type { Settings } from "./messages";

/** Ends of a slider on a logarithmic scale; its left end is zero. */
export interface Limits {
  readonly low: number;
  readonly high: number;
}

export interface Facts {
  /** Height and width of the maps. */
  readonly shape: readonly [number, number];
  /** Limits of the bands of pixels, see `Grid`. */
  readonly bands: readonly number[];
  readonly labels: readonly string[];
  readonly colors: readonly string[];
  readonly ranked: readonly number[];
  readonly channel_label: string;
  readonly intensity_label: string;
  readonly pixel_size: readonly [number, number, string] | null;
  /** Settings of the result, and how its run ended. */
  readonly settings: Settings;
  readonly outcome: string;
  readonly sparsity: Limits;
  readonly smoothness: Limits;
  readonly tolerance: number;
  readonly iterations: number;
  /** Value of a code of the data. */
  readonly step: number;
  readonly arrays: readonly ArrayFacts[];
}

/** Position of an array in the block of all arrays. */
export interface ArrayFacts {
  readonly name: string;
  readonly type: "uint8" | "uint16" | "int16" | "float32";
  readonly first: number;
  readonly length: number;
}

const TYPES = { uint8: Uint8Array, uint16: Uint16Array, int16: Int16Array, float32: Float32Array };

export interface Arrays {
  readonly codes: Codes;
  readonly channel: Float32Array;
  readonly A: Float32Array;
  readonly E: Float32Array;
  /** Colour tables by name. */
  readonly tables: Readonly<Record<string, Uint8Array>>;
}

/** Views of the arrays of a block; Python puts each of them at a multiple of eight bytes. */
export function arraysOf(block: ArrayBuffer, listed: readonly ArrayFacts[]): Arrays {
  const views = Object.fromEntries(
    listed.map(({ name, type, first, length }) => [name, new TYPES[type](block, first, length)]),
  );
  const tables = Object.entries(views).filter(([name]) => name.startsWith("table_"));
  return {
    codes: views.codes as Codes,
    channel: views.channel as Float32Array,
    A: views.A as Float32Array,
    E: views.E as Float32Array,
    tables: Object.fromEntries(tables.map(([name, values]) => [name.slice("table_".length), values as Uint8Array])),
  };
}

/** Decode base64, and inflate it. */
export async function inflated(text: string): Promise<ArrayBuffer> {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}
