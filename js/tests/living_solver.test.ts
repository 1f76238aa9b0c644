// Solver of a living figure: products, the grid, half steps, the objective and the scale of results.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Entries, nonZeroEntries } from "../src/living/entries";
import { type Grid, roughness } from "../src/living/grid";
import { crossOfAbundances, crossOfSpectra, gramOf } from "../src/living/products";
import { Solver, toData, toSolver, type Weights } from "../src/living/solver";
import { sweepMaps, sweepRows } from "../src/living/sweeps";
import { generator } from "./random";

const GRID: Grid = { height: 6, width: 7, bands: [0, 14, 28, 42] };
const [PIXELS, CHANNELS] = [42, 9];

/** Counts of a mixture of k spectra. */
function counts(k: number, step = 1): Entries {
  const random = generator(k);
  const A = Float64Array.from({ length: k * PIXELS }, () => (random() < 0.4 ? 0 : random()));
  const E = Float64Array.from({ length: k * CHANNELS }, () => 30 * random());
  const codes = new Uint8Array(PIXELS * CHANNELS);
  for (let i = 0; i < codes.length; i++) {
    let sum = 0;
    for (let j = 0; j < k; j++) sum += A[j * PIXELS + Math.floor(i / CHANNELS)] * E[j * CHANNELS + (i % CHANNELS)];
    codes[i] = Math.round(sum + random());
  }
  return nonZeroEntries({ codes, step, pixels: PIXELS, channels: CHANNELS });
}

function dense({ starts, columns, codes, step }: Entries): number[][] {
  return Array.from({ length: PIXELS }, (_, i) => {
    const row = new Array<number>(CHANNELS).fill(0);
    for (let entry = starts[i]; entry < starts[i + 1]; entry++) row[columns[entry]] = step * codes[entry];
    return row;
  });
}

function randomFactor(seed: number, k: number, entries: number): Float64Array {
  const random = generator(seed);
  return Float64Array.from({ length: k * entries }, () => random());
}

/** |s X - A E|^2 / (2 n) and the penalties, entry by entry. */
function objective(data: Entries, A: Float64Array, E: Float64Array, k: number, weights: Weights): number {
  const X = dense(data);
  const norm = X.flat().reduce((sum, value) => sum + value * value, 0);
  const scale = Math.sqrt(PIXELS / norm);
  let total = 0;
  for (let i = 0; i < PIXELS; i++) {
    for (let c = 0; c < CHANNELS; c++) {
      let model = 0;
      for (let j = 0; j < k; j++) model += A[j * PIXELS + i] * E[j * CHANNELS + c];
      total += (scale * X[i][c] - model) ** 2 / 2;
    }
  }
  for (let j = 0; j < k; j++) {
    for (let i = 0; i < PIXELS; i++) {
      const [x, y, here] = [i % 7, Math.floor(i / 7), A[j * PIXELS + i]];
      total += weights.sparsity * here;
      if (x < 6) total += (weights.smoothness / 8) * (here - A[j * PIXELS + i + 1]) ** 2;
      if (y < 5) total += (weights.smoothness / 8) * (here - A[j * PIXELS + i + 7]) ** 2;
    }
  }
  return total / PIXELS;
}

const close = (found: number, expected: number, tolerance = 1e-10) =>
  assert.ok(Math.abs(found - expected) <= tolerance * Math.max(Math.abs(expected), 1), `${found} is not ${expected}`);

test("products with the data are those of the dense matrix, for every number of components", () => {
  for (const k of [1, 4, 6]) {
    const data = counts(3, 0.5);
    const X = dense(data);
    const [A, E] = [randomFactor(1, k, PIXELS), randomFactor(2, k, CHANNELS)];
    const [left, right] = [crossOfAbundances(data, E, k, 2), crossOfSpectra(data, A, k, 2)];
    for (let j = 0; j < k; j++) {
      for (let i = 0; i < PIXELS; i++)
        close(left[j * PIXELS + i], 2 * X[i].reduce((sum, x, c) => sum + x * E[j * CHANNELS + c], 0));
      for (let c = 0; c < CHANNELS; c++)
        close(right[j * CHANNELS + c], 2 * X.reduce((sum, row, i) => sum + row[c] * A[j * PIXELS + i], 0));
    }
  }
});

test("roughness counts each edge once, and a line of pixels has edges of weight one half", () => {
  assert.equal(roughness(Float64Array.of(0, 1, 0, 0, 1, 0), { height: 2, width: 3, bands: [0, 6] }), 1);
  assert.equal(roughness(Float64Array.of(1, 3), { height: 1, width: 2, bands: [0, 2] }), 2);
});

test("repeated sweeps reach the non-negative minimum: the gradient is zero, or positive at zero", () => {
  const k = 3;
  const [basis, target] = [randomFactor(3, k, CHANNELS), randomFactor(4, k, PIXELS)];
  const cross = target.map((value) => 4 * value - 1);
  const half = { gram: gramOf(basis, k), cross };
  for (const coupling of [0, 0.7]) {
    const F = randomFactor(5, k, PIXELS);
    const sweep = () => (coupling > 0 ? sweepMaps(F, k, half, coupling, GRID) : sweepRows(F, k, half));
    for (let i = 0; i < 400; i++) sweep();
    assert.ok(sweep() < 1e-18);
    for (let j = 0; j < k; j++) {
      for (let i = 0; i < PIXELS; i++) {
        let gradient = -cross[j * PIXELS + i];
        for (let l = 0; l < k; l++) gradient += half.gram[j * k + l] * F[l * PIXELS + i];
        const [x, y, here] = [i % 7, Math.floor(i / 7), F[j * PIXELS + i]];
        if (x > 0) gradient += (coupling / 4) * (here - F[j * PIXELS + i - 1]);
        if (x < 6) gradient += (coupling / 4) * (here - F[j * PIXELS + i + 1]);
        if (y > 0) gradient += (coupling / 4) * (here - F[j * PIXELS + i - 7]);
        if (y < 5) gradient += (coupling / 4) * (here - F[j * PIXELS + i + 7]);
        assert.ok(here > 0 ? Math.abs(gradient) < 1e-8 : gradient > -1e-8, `gradient ${gradient} at ${here}`);
      }
    }
  }
});

test("rows stay in the ball, and a component without curvature is set to zero by a penalty only", () => {
  const gram = Float64Array.of(1, 0, 0, 0);
  const F = Float64Array.of(0, 0, 0.5, 0.5);
  sweepRows(F, 2, { gram, cross: Float64Array.of(3, 4, -1, 0) }, 1);
  assert.deepEqual(
    [...F].map((value) => Number(value.toFixed(12))),
    [0.6, 0.8, 0, 0.5],
  );
});

test("the objective is the formula, never rises, and the run converges with and without penalties", () => {
  const data = counts(3);
  const start = toSolver({ k: 3, A: randomFactor(6, 3, PIXELS), E: randomFactor(7, 3, CHANNELS) }, data);
  for (const weights of [
    { sparsity: 0, smoothness: 0 },
    { sparsity: 0.02, smoothness: 0 },
    { sparsity: 0.01, smoothness: 0.3 },
  ]) {
    const solver = new Solver(data, GRID, start, weights);
    let before = Number.POSITIVE_INFINITY;
    while (solver.step > 1e-7 && solver.iteration < 5000) {
      solver.iterate();
      assert.ok(solver.objective <= before + 1e-11);
      before = solver.objective;
    }
    assert.ok(solver.step <= 1e-7, `step ${solver.step}`);
    const { A, E } = solver.factors;
    close(solver.objective, objective(data, A, E, 3, weights));
    if (!solver.penalised) continue;
    for (let j = 0; j < 3; j++) {
      const norm = Math.sqrt(E.subarray(j * CHANNELS, (j + 1) * CHANNELS).reduce((sum, e) => sum + e * e, 0));
      assert.ok(norm <= 1 + 1e-12);
    }
  }
});

test("results are in the units of the data, with a mean sum of abundances of one; the way back keeps A E", () => {
  const data = counts(2, 0.25);
  const given = { k: 2, A: randomFactor(8, 2, PIXELS), E: randomFactor(9, 2, CHANNELS) };
  const scaled = toSolver(given, data);
  const found = toData(scaled, data, true);
  close(found.A.reduce((sum, a) => sum + a, 0) / PIXELS, 1);
  for (const i of [0, 17, 41]) {
    for (const c of [0, 8]) {
      const product = ({ A, E }: typeof given) => A[i] * E[c] + A[PIXELS + i] * E[CHANNELS + c];
      close(product(found), product(given));
    }
  }
});
