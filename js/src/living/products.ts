// Products of the data X (pixels, channels) with the factors A (k, pixels) and E (k, channels), stored row by row.

import type { Entries } from "./entries";

/** Components that are multiplied at once: their sums stay in registers. */
const WIDTH = 4;

/** Four rows of a factor from row `first`, interleaved entry by entry; missing rows are zero. */
function interleaved(factor: Float64Array, k: number, first: number): Float64Array {
  const entries = factor.length / k;
  const panel = new Float64Array(WIDTH * entries);
  for (let j = 0; j < Math.min(WIDTH, k - first); j++) {
    for (let i = 0; i < entries; i++) panel[WIDTH * i + j] = factor[(first + j) * entries + i];
  }
  return panel;
}

/** Return E X^T times a number, (k, pixels): the cross product of the subproblem of A. */
export function crossOfAbundances(data: Entries, E: Float64Array, k: number, scale: number): Float64Array {
  const { pixels, starts, columns, codes } = data;
  const [out, unit] = [new Float64Array(k * pixels), scale * data.step];
  for (let first = 0; first < k; first += WIDTH) {
    const panel = interleaved(E, k, first);
    const rows = Math.min(WIDTH, k - first);
    for (let i = 0; i < pixels; i++) {
      let [a, b, c, d] = [0, 0, 0, 0];
      for (let entry = starts[i]; entry < starts[i + 1]; entry++) {
        const [code, at] = [codes[entry], WIDTH * columns[entry]];
        a += code * panel[at];
        b += code * panel[at + 1];
        c += code * panel[at + 2];
        d += code * panel[at + 3];
      }
      out[first * pixels + i] = unit * a;
      if (rows > 1) out[(first + 1) * pixels + i] = unit * b;
      if (rows > 2) out[(first + 2) * pixels + i] = unit * c;
      if (rows > 3) out[(first + 3) * pixels + i] = unit * d;
    }
  }
  return out;
}

/** Return A X times a number, (k, channels): the cross product of the subproblem of E. */
export function crossOfSpectra(data: Entries, A: Float64Array, k: number, scale: number): Float64Array {
  const { pixels, channels, starts, columns, codes } = data;
  const [out, unit] = [new Float64Array(k * channels), scale * data.step];
  for (let first = 0; first < k; first += WIDTH) {
    const [panel, sums] = [interleaved(A, k, first), new Float64Array(WIDTH * channels)];
    for (let i = 0; i < pixels; i++) {
      const at = WIDTH * i;
      const [a, b, c, d] = [panel[at], panel[at + 1], panel[at + 2], panel[at + 3]];
      for (let entry = starts[i]; entry < starts[i + 1]; entry++) {
        const [code, to] = [codes[entry], WIDTH * columns[entry]];
        sums[to] += code * a;
        sums[to + 1] += code * b;
        sums[to + 2] += code * c;
        sums[to + 3] += code * d;
      }
    }
    for (let j = 0; j < Math.min(WIDTH, k - first); j++) {
      for (let c = 0; c < channels; c++) out[(first + j) * channels + c] = unit * sums[WIDTH * c + j];
    }
  }
  return out;
}

/** Return F F^T times a number, (k, k). */
export function gramOf(F: Float64Array, k: number, scale = 1): Float64Array {
  const [entries, gram] = [F.length / k, new Float64Array(k * k)];
  for (let j = 0; j < k; j++) {
    for (let l = j; l < k; l++) {
      let sum = 0;
      for (let i = 0; i < entries; i++) sum += F[j * entries + i] * F[l * entries + i];
      gram[j * k + l] = gram[l * k + j] = scale * sum;
    }
  }
  return gram;
}

/** Sum of the products of equal entries. */
export function inner(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}

/** Quadratic form sum_jl gram_jl <f_j, f_l> of a subproblem. */
export function quadratic(gram: Float64Array, F: Float64Array, k: number): number {
  return inner(gram, gramOf(F, k));
}
