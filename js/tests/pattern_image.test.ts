// Patterns as images: intensity scales, missing values, positions in the units of the axes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { patternAspect, patternDistance, patternImage, patternPosition } from "../src/pattern_image";
import { MISSING, type Pattern } from "../src/protocol";

const PATTERN: Pattern = {
  shape: [2, 3],
  axes: [
    { label: "ky (1/nm)", first: -1, last: 1 },
    { label: "kx (1/nm)", first: -2, last: 2 },
  ],
};
const VALUES = Float32Array.of(1, 0.01, 1e-9, 0, Number.NaN, -1);

test("the log scale has four decades, zero and less are dark, missing values stay missing", () => {
  const { codes, range } = patternImage("a", "#ffffff", VALUES, PATTERN, "log");
  assert.deepEqual([...codes], [254, 127, 0, 0, MISSING, 0]);
  assert.deepEqual([...range], [1e-4, 1]);
});

test("the linear scale includes zero and negative values, the root begins at zero", () => {
  const linear = patternImage("a", "#ffffff", VALUES, PATTERN, "linear");
  assert.deepEqual([...linear.range], [-1, 1]);
  assert.deepEqual([linear.codes[0], linear.codes[3], linear.codes[5]], [254, 127, 0]);
  assert.equal(patternImage("a", "#ffffff", VALUES, PATTERN, "sqrt").codes[1], 25);
  assert.deepEqual([...patternImage("a", "#ffffff", new Float32Array(2), PATTERN, "log").codes], [0, 0]);
});

test("a position has the coordinates of the channel, and an equal unit gives equal lengths", () => {
  assert.equal(patternPosition(PATTERN, 0.99, 0.1), "ky −1 1/nm, kx 2 1/nm");
  assert.equal(patternAspect(PATTERN), 4 / 6);
  const other = { ...PATTERN, axes: [PATTERN.axes[0], { label: "energy (eV)", first: 0, last: 9 }] } as Pattern;
  assert.equal(patternAspect(other), 2 / 3);
});

test("a spatial frequency has its distance from zero and a lattice spacing; other axes have none", () => {
  const axes = [-3, -4].map((end, i) => ({
    label: `spatial frequency along ${"yx"[i]} (1/nm)`,
    name: ["ky", "kx"][i],
    first: end,
    last: -end,
  }));
  const fourier = { shape: [3, 3], axes } as unknown as Pattern;
  assert.equal(patternPosition(fourier, 0.99, 0.1), "ky −3 1/nm, kx 4 1/nm");
  assert.equal(patternDistance(fourier, 0.99, 0.1), "|k| 5 1/nm, spacing 0.2 nm");
  assert.equal(patternDistance(fourier, 0.5, 0.5), "|k| 0 1/nm");
  assert.equal(patternDistance(PATTERN, 0.99, 0.1), "");
});
