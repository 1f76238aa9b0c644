// Least-squares non-negative factorization X ~ A E with sparsity and smoothness of the maps. Objective, scale normalisation and
// extrapolation are those of mffnb/problem/problem.py, normalisation.py and solvers/extrapolation.py:
//
//   F(A, E) = |s X - A E|^2 / (2 n) + (sparsity sum(A) + smoothness tr(A L A^T) / 2) / n,   s^2 |X|^2 = n
//
// with n pixels. Where A is penalised, the rows of E lie in the unit ball, else scale would move from A to E.

import type { Entries } from "./entries";
import { type Grid, roughness } from "./grid";
import { crossOfAbundances, crossOfSpectra, gramOf, inner, quadratic } from "./products";
import { type Half, sweepMaps, sweepRows } from "./sweeps";

/** Weights of the penalties. */
export interface Weights {
  readonly sparsity: number;
  readonly smoothness: number;
}

/** Factors A (k, pixels) and E (k, channels), row by row. */
export interface Factors {
  readonly k: number;
  readonly A: Float64Array;
  readonly E: Float64Array;
}

/** First beta, growth and decrease of beta, and growth of its upper bound, of the extrapolation. */
const [FIRST, GROWTH, DECREASE, BOUND_GROWTH] = [0.5, 1.1, 1.5, 1.02];
/** Misfit D of the model zero: the data are scaled to a mean squared pixel of one. */
const ZERO = 0.5;
/** Accepted rise of the objective, relative to that of the model zero, after an extrapolation and without. */
const [ROUNDING, ROUNDING_OF_STEPS] = [1e-13, 1e-11];

export class Solver {
  readonly data: Entries;
  readonly grid: Grid;
  readonly weights: Weights;
  readonly k: number;
  /** Scale s of the data. */
  readonly scale: number;
  iteration = 0;
  /** The objective of the best factors; unknown before the first iteration, which raises it by no more than rounding. */
  objective = Number.POSITIVE_INFINITY;
  /** |s X - A E| / |s X|. */
  relativeError = 1;
  /** Size of the projected gradient relative to the data, which falls to zero; tested against the tolerance. */
  step = Number.POSITIVE_INFINITY;
  private reached: Factors;
  private trial: Factors;
  private beta = FIRST;
  private bound = 1;
  private last = 0;

  /** Start from factors in the units of the solver, which are not changed. */
  constructor(data: Entries, grid: Grid, start: Factors, weights: Weights) {
    [this.data, this.grid, this.weights, this.k] = [data, grid, weights, start.k];
    this.scale = scaleOf(data);
    this.reached = copyOf(start);
    this.trial = copyOf(start);
  }

  /** The best factors until now, in the units of the solver. */
  get factors(): Factors {
    return this.reached;
  }

  /** Whether scale is fixed by the norm of the spectra, because the maps are penalised. */
  get penalised(): boolean {
    return isPenalised(this.weights);
  }

  /** Update A, then E; go back if the objective rose, which happens after an extrapolation only. */
  iterate(): void {
    const { A, E } = this.trial;
    const moved = this.updateAbundances(A, E) / this.data.pixels;
    const half = this.spectraHalf(this.trial);
    const step = Math.sqrt(moved + sweepRows(E, this.k, half, this.penalised ? 1 : Number.POSITIVE_INFINITY));
    const misfit = this.misfitOf(this.trial, half);
    const objective = misfit + this.penaltyOf(this.trial);
    this.iteration += 1;
    if (objective <= this.objective + (this.last ? ROUNDING : ROUNDING_OF_STEPS) * ZERO) {
      [this.objective, this.step, this.relativeError] = [objective, step, Math.sqrt(misfit / ZERO)];
      this.accept();
    } else {
      this.reject();
    }
  }

  private updateAbundances(A: Float64Array, E: Float64Array): number {
    const { data, grid, k, weights } = this;
    const cross = crossOfAbundances(data, E, k, this.scale);
    for (let i = 0; i < cross.length; i++) cross[i] -= weights.sparsity;
    const half = { gram: gramOf(E, k), cross };
    return weights.smoothness > 0 ? sweepMaps(A, k, half, weights.smoothness, grid) : sweepRows(A, k, half);
  }

  private spectraHalf({ A }: Factors): Half {
    const { data, k } = this;
    return { gram: gramOf(A, k, 1 / data.pixels), cross: crossOfSpectra(data, A, k, this.scale / data.pixels) };
  }

  /** |s X - A E|^2 / (2 n) from the subproblem of E, which needs no further pass over the data. */
  private misfitOf({ E }: Factors, { gram, cross }: Half): number {
    return Math.max(ZERO - inner(cross, E) + quadratic(gram, E, this.k) / 2, 0);
  }

  private penaltyOf({ A }: Factors): number {
    const { sparsity, smoothness } = this.weights;
    let total = smoothness > 0 ? (smoothness / 2) * roughness(A, this.grid) : 0;
    if (sparsity > 0) for (const value of A) total += sparsity * value;
    return total / this.data.pixels;
  }

  private accept(): void {
    [this.reached, this.trial] = [this.trial, this.reached];
    extrapolate(this.reached.A, this.trial.A, this.beta);
    extrapolate(this.reached.E, this.trial.E, this.beta);
    this.last = this.beta;
    this.beta = Math.min(this.bound, GROWTH * this.beta);
    this.bound = Math.min(1, BOUND_GROWTH * this.bound);
  }

  private reject(): void {
    this.trial.A.set(this.reached.A);
    this.trial.E.set(this.reached.E);
    if (this.last) [this.bound, this.beta, this.last] = [this.last, this.beta / DECREASE, 0];
  }
}

/** Overwrite the previous iterate by now + beta (now - before), and at least now / 2. */
function extrapolate(now: Float64Array, before: Float64Array, beta: number): void {
  for (let i = 0; i < now.length; i++) before[i] = Math.max(now[i] + beta * (now[i] - before[i]), now[i] / 2);
}

export function isPenalised({ sparsity, smoothness }: Weights): boolean {
  return sparsity > 0 || smoothness > 0;
}

function copyOf({ k, A, E }: Factors): Factors {
  return { k, A: A.slice(), E: E.slice() };
}

function scaleOf({ pixels, squares }: Entries): number {
  return squares > 0 ? Math.sqrt(pixels / squares) : 1;
}

/** Norms of the spectra, with one in place of zero. */
function norms({ k, E }: Factors): number[] {
  const channels = E.length / k;
  return Array.from({ length: k }, (_, j) => {
    const row = E.subarray(j * channels, (j + 1) * channels);
    return Math.sqrt(inner(row, row)) || 1;
  });
}

/** Divide the spectra by numbers, and multiply the maps by them and by a common factor. */
function rescaled({ k, A, E }: Factors, divisors: readonly number[], common: number): Factors {
  const [pixels, channels] = [A.length / k, E.length / k];
  return {
    k,
    A: A.map((value, i) => value * divisors[Math.floor(i / pixels)] * common),
    E: E.map((value, c) => value / divisors[Math.floor(c / channels)]),
  };
}

/** Convert factors from the units of the data to those of the solver: spectra of norm one. */
export function toSolver(factors: Factors, data: Entries): Factors {
  return rescaled(factors, norms(factors), scaleOf(data));
}

/** Scale the spectra to norm one without a change of A E. */
export function normalised(factors: Factors): Factors {
  return rescaled(factors, norms(factors), 1);
}

/** Convert factors to the units of the data: the abundances of the mean pixel sum to one. */
export function toData(factors: Factors, data: Entries, penalised: boolean): Factors {
  const { k, A } = factors;
  const norm = penalised ? new Array<number>(k).fill(1) : norms(factors);
  let sum = 0;
  for (let i = 0; i < A.length; i++) sum += norm[Math.floor(i / data.pixels)] * A[i];
  const size = (sum / data.pixels || 1) / scaleOf(data);
  return rescaled(
    factors,
    norm.map((one) => one / size),
    1 / scaleOf(data),
  );
}
