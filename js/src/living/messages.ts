// Messages between the page of a living figure and its solver in a worker.

import type { CodedMatrix } from "./entries";
import type { Grid } from "./grid";
import type { Weights } from "./solver";

/** Starts for every number of components: the result's own factors first, then components of its residual. */
export interface Starts {
  /** Rows of A (components, pixels) and E (components, channels), in the units of the data. */
  readonly A: Float32Array;
  readonly E: Float32Array;
  /** Numbers of the result's components, from the one with the largest share in the data to the smallest. */
  readonly ranked: readonly number[];
}

/** First message to the worker: all that it holds. */
export interface Opening {
  readonly type: "open";
  readonly matrix: CodedMatrix;
  readonly grid: Grid;
  readonly starts: Starts;
  /** The run ends when the step is at most this number, or after so many iterations. */
  readonly tolerance: number;
  readonly iterations: number;
}

export interface Settings extends Weights {
  readonly k: number;
}

/** A request to solve for new settings; an older one ends. */
export interface Request {
  readonly type: "solve";
  readonly generation: number;
  readonly settings: Settings;
  /** Whether to start from the stored factors, and not from those that were reached. */
  readonly fresh: boolean;
}

/** The state of a run, in the units of the data. */
export interface Answer {
  readonly generation: number;
  /** Number of each component. */
  readonly numbers: readonly number[];
  readonly A: Float32Array;
  readonly E: Float32Array;
  readonly iteration: number;
  readonly objective: number;
  readonly relativeError: number;
  readonly milliseconds: number;
  /** Empty while the run continues. */
  readonly outcome: string;
}
