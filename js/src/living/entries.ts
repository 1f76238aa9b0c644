// The data of a living figure: codes of a matrix X of pixels and channels, and its non-zero entries row by row.

/** Codes of values: a value of X is `step` times its code. */
export type Codes = Uint8Array | Uint16Array | Int16Array;

/** Matrix X (pixels, channels), row by row. */
export interface CodedMatrix {
  readonly codes: Codes;
  readonly step: number;
  readonly pixels: number;
  readonly channels: number;
}

/** Non-zero entries of X in compressed rows: those of row i are `starts[i]` to `starts[i + 1]`. */
export interface Entries {
  readonly pixels: number;
  readonly channels: number;
  readonly starts: Uint32Array;
  readonly columns: Uint32Array;
  readonly codes: Codes;
  readonly step: number;
  /** Sum of the squares of all values. */
  readonly squares: number;
}

/** Collect the non-zero entries of a matrix: most counts are zero, and a pass over the others alone is faster. */
export function nonZeroEntries({ codes, step, pixels, channels }: CodedMatrix): Entries {
  let count = 0;
  for (const code of codes) if (code !== 0) count++;
  const starts = new Uint32Array(pixels + 1);
  const columns = new Uint32Array(count);
  const kept = codes.slice(0, count);
  let [filled, squares] = [0, 0];
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < channels; c++) {
      const code = codes[i * channels + c];
      if (code === 0) continue;
      columns[filled] = c;
      kept[filled++] = code;
      squares += code * code;
    }
    starts[i + 1] = filled;
  }
  return { pixels, channels, starts, columns, codes: kept, step, squares: squares * step * step };
}
