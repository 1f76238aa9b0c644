// Half steps of hierarchical alternating least squares (HALS): coordinate descent over the rows of a factor F >= 0 (k, entries),
// which minimises <F, gram F> / 2 - <cross, F>, as mffnb/kernels/hals.py does. Each function returns the squared change of the
// reconstruction in its first sweep. Source: Cichocki & Phan 2009, IEICE Trans. Fundamentals E92-A:708.

import { edgeWeight, type Grid, neighbours } from "./grid";

/** Sweeps over a factor for each cross product with the data, which costs far more than a sweep. */
const SWEEPS = 4;
/** Values below this number become zero: smoothing can let a component decay to numbers that are slow to compute with. */
const UNDERFLOW = 1e-100;

/** A subproblem: its Gram matrix (k, k), row by row, and its cross product (k, entries). */
export interface Half {
  readonly gram: Float64Array;
  readonly cross: Float64Array;
}

/** Sweep rows with independent entries; rows longer than `radius` are scaled to it, the exact minimum in the ball. */
export function sweepRows(F: Float64Array, k: number, half: Half, radius = Number.POSITIVE_INFINITY): number {
  const rhs = new Float64Array(F.length / k);
  let moved = 0;
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (let j = 0; j < k; j++) {
      const step = minimiseRow(F, k, half, j, rhs, radius);
      if (sweep === 0) moved += step;
    }
  }
  return moved;
}

function minimiseRow(F: Float64Array, k: number, half: Half, j: number, rhs: Float64Array, radius: number): number {
  const [entries, curvature] = [rhs.length, half.gram[j * k + j]];
  const row = F.subarray(j * entries, (j + 1) * entries);
  rightHandSide(F, k, half, j, rhs);
  let squares = 0;
  for (let i = 0; i < entries; i++) {
    // Without curvature only a penalty determines the entry: it is minimal at zero.
    rhs[i] = curvature > 0 ? Math.max(rhs[i] / curvature, 0) : rhs[i] < 0 ? 0 : row[i];
    squares += rhs[i] * rhs[i];
  }
  const scale = squares > radius * radius ? radius / Math.sqrt(squares) : 1;
  let moved = 0;
  for (let i = 0; i < entries; i++) {
    const [old, now] = [row[i], rhs[i] * scale];
    moved += (now - old) * (now - old);
    row[i] = now;
  }
  return curvature * moved;
}

/** Write cross_j - sum over the other rows l of gram_jl f_l: the right-hand side of the normal equation of row j. */
function rightHandSide(F: Float64Array, k: number, { gram, cross }: Half, j: number, rhs: Float64Array): void {
  const entries = rhs.length;
  rhs.set(cross.subarray(j * entries, (j + 1) * entries));
  for (let l = 0; l < k; l++) {
    const weight = gram[j * k + l];
    if (l === j || weight === 0) continue;
    for (let i = 0; i < entries; i++) rhs[i] -= weight * F[l * entries + i];
  }
}

/** Sweep maps under the smoothness penalty coupling / 2 tr(F L F^T): pixel after pixel, the even bands first. */
export function sweepMaps(F: Float64Array, k: number, half: Half, coupling: number, grid: Grid): number {
  const [entries, unit] = [F.length / k, coupling * edgeWeight(grid)];
  const rhs = new Float64Array(entries);
  let moved = 0;
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (let j = 0; j < k; j++) {
      rightHandSide(F, k, half, j, rhs);
      const curvature = half.gram[j * k + j];
      for (const first of [0, 1]) {
        for (let band = first; band + 1 < grid.bands.length; band += 2) {
          for (let i = grid.bands[band]; i < grid.bands[band + 1]; i++) {
            const [count, sum] = neighbours(F, j * entries, i, grid);
            const [total, old] = [curvature + unit * count, F[j * entries + i]];
            const best = total > 0 ? (rhs[i] + unit * sum) / total : rhs[i] < 0 ? 0 : old;
            const now = best > UNDERFLOW ? best : 0;
            F[j * entries + i] = now;
            if (sweep === 0) moved += total * (now - old) * (now - old);
          }
        }
      }
    }
  }
  return moved;
}
