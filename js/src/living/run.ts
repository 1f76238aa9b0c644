// The run of the solver for the newest settings: which factors it starts from, when it ends and what it reports.

import { type Entries, nonZeroEntries } from "./entries";
import type { Answer, Opening, Request, Settings, Starts } from "./messages";
import { type Factors, isPenalised, normalised, Solver, toData, toSolver } from "./solver";

/** Numbers of the components that a start with k of them has. */
export function startNumbers({ ranked }: Starts, k: number): number[] {
  if (k >= ranked.length) return Array.from({ length: k }, (_, i) => i);
  return ranked.slice(0, k).sort((a, b) => a - b);
}

/** Stored factors of some components, in the units of the data. */
export function storedFactors({ A, E }: Starts, numbers: readonly number[], data: Entries): Factors {
  const rows = (factor: Float32Array, entries: number) => {
    const out = new Float64Array(numbers.length * entries);
    numbers.forEach((number, j) => {
      out.set(factor.subarray(number * entries, (number + 1) * entries), j * entries);
    });
    return out;
  };
  return { k: numbers.length, A: rows(A, data.pixels), E: rows(E, data.channels) };
}

export class Run {
  private readonly opening: Opening;
  private readonly data: Entries;
  private solver: Solver | null = null;
  private numbers: readonly number[] = [];
  private generation = 0;
  private begin = 0;

  constructor(opening: Opening) {
    this.opening = opening;
    this.data = nonZeroEntries(opening.matrix);
  }

  /** Let the browser compile the solver before the first slider moves: a run of it is made and dropped. */
  warmUp(): void {
    const { opening, data } = this;
    const k = opening.starts.ranked.length;
    const start = toSolver(storedFactors(opening.starts, startNumbers(opening.starts, k), data), data);
    for (const smoothness of [0, 1]) {
      const solver = new Solver(data, opening.grid, start, { sparsity: 0, smoothness });
      for (let i = 0; i < 3; i++) solver.iterate();
    }
  }

  /** Take new settings: go on from the present factors, or start from the stored ones where k has changed. */
  request({ generation, settings, fresh }: Request): void {
    const { opening, data } = this;
    this.generation = generation;
    this.begin = performance.now();
    this.solver = new Solver(data, opening.grid, this.startFor(settings, fresh), settings);
  }

  private startFor(settings: Settings, fresh: boolean): Factors {
    const { solver, data } = this;
    if (fresh || !solver || solver.k !== settings.k) {
      this.numbers = startNumbers(this.opening.starts, settings.k);
      return toSolver(storedFactors(this.opening.starts, this.numbers, data), data);
    }
    const bounded = isPenalised(settings) && !solver.penalised;
    return bounded ? normalised(solver.factors) : solver.factors;
  }

  /** Whether another iteration is due. */
  get running(): boolean {
    return this.solver !== null && this.outcome === "";
  }

  private get outcome(): string {
    const { solver, opening } = this;
    if (!solver) return "";
    if (solver.step <= opening.tolerance) return "converged";
    return solver.iteration >= opening.iterations ? "maximum number of iterations" : "";
  }

  /** Make an iteration and return the new state. */
  advance(): Answer | null {
    const { solver } = this;
    if (!solver) return null;
    solver.iterate();
    const { A, E } = toData(solver.factors, this.data, solver.penalised);
    return {
      generation: this.generation,
      numbers: this.numbers,
      A: Float32Array.from(A),
      E: Float32Array.from(E),
      iteration: solver.iteration,
      objective: solver.objective,
      relativeError: solver.relativeError,
      milliseconds: performance.now() - this.begin,
      outcome: this.outcome,
    };
  }
}
