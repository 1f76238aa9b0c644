// Axis ticks and round lengths.

import assert from "node:assert/strict";
import { test } from "node:test";
import { axisTicks, niceBelow, ticks } from "../src/ticks";
import { generator, numbers } from "./random";

test("ticks of a usual axis", () => {
  const { positions, minor, decimals } = ticks(0, 300, 10);
  assert.deepEqual(
    positions.map((value) => value + 0), // 0 instead of -0
    [0, 50, 100, 150, 200, 250, 300],
  );
  assert.equal(minor.length, 31);
  assert.equal(decimals, 0);
});

test("ticks of a small interval have decimals", () => {
  const { positions, decimals } = ticks(0.1, 0.35, 5);
  assert.equal(decimals, 2);
  assert.deepEqual(
    positions.map((value) => value.toFixed(2)),
    ["0.10", "0.15", "0.20", "0.25", "0.30", "0.35"],
  );
});

test("a step of two has quarters, steps of one and five have fifths", () => {
  const first = (to: number, count: number) => ticks(0, to, count).minor[1];
  assert.deepEqual([first(100, 5), first(10, 10), first(50, 10)], [5, 0.2, 1]);
});

test("a falling axis has the same ticks", () => {
  assert.deepEqual(ticks(300, 0, 7), ticks(0, 300, 7));
});

test("an axis of a single value has one tick", () => {
  assert.deepEqual(ticks(4, 4, 7), { positions: [4], minor: [], decimals: 2 });
});

test("ticks are inside, evenly spaced by 1, 2 or 5 times a power of ten, and not too many", () => {
  const random = generator(5);
  for (const from of numbers(4, 1000, 5)) {
    const width = 10 ** (8 * random() - 3);
    const count = 1 + Math.floor(12 * random());
    const { positions, minor } = ticks(from, from + width, count);
    const tolerance = 1e-8 * (Math.abs(from) + width);
    assert.ok(positions.length <= count + 1);
    assert.ok(
      [...positions, ...minor].every((value) => value >= from - tolerance && value <= from + width + tolerance),
    );
    const isMinor = (value: number) => minor.some((other) => Math.abs(other - value) <= tolerance);
    // At the ends, rounding may leave out a short tick.
    assert.ok(positions.filter((value) => value > from + tolerance && value < from + width - tolerance).every(isMinor));
    if (positions.length < 2) continue;
    const step = (positions[positions.length - 1] - positions[0]) / (positions.length - 1);
    if (step < 1e6 * tolerance) continue; // below this the mantissa is lost to rounding
    const mantissa = step / 10 ** Math.floor(Math.log10(step) + 1e-6);
    assert.ok(
      [1, 2, 5].some((factor) => Math.abs(mantissa - factor) < 1e-3),
      `step ${step}`,
    );
    assert.ok(step >= (width / count) * (1 - 1e-6));
  }
});

test("the largest round number below a value", () => {
  assert.deepEqual([7, 5, 4.99, 1, 0.3, 1900].map(niceBelow), [5, 5, 2, 1, 0.2, 1000]);
  for (const value of numbers(6, 500, 9).map(Math.abs)) {
    const nice = niceBelow(value);
    assert.ok(nice <= value * (1 + 1e-9) && value < 2.5 * nice * (1 + 1e-9));
  }
});

test("a short axis has at least two labels, and a long one those of its room", () => {
  assert.deepEqual(axisTicks(1, 385, 175).positions, [100, 200, 300]);
  assert.deepEqual(axisTicks(1, 385, 800), ticks(1, 385, 800 / 95));
  assert.deepEqual(axisTicks(5, 5, 175).positions, [5]);
});
