// Which peaks get a label.

import assert from "node:assert/strict";
import { test } from "node:test";
import { peakLabels } from "../src/peaks";
import { generator } from "./random";

const WIDTH = 400;

function labels(values: number[], step = WIDTH / values.length) {
  const channel = Float32Array.from(values, (_, j) => j);
  const curve = { values: Float32Array.from(values), channel, first: 0, last: values.length - 1 };
  const top = Math.max(...values);
  return peakLabels(
    curve,
    (value) => value * step,
    (value) => 100 - (90 * value) / top,
    100,
    String,
    (text) => 6 * text.length,
    [0, WIDTH],
  );
}

function gaussians(peaks: readonly (readonly [number, number])[]): number[] {
  return Array.from({ length: 200 }, (_, j) =>
    peaks.reduce((sum, [centre, height]) => sum + height * Math.exp(-(((j - centre) / 2) ** 2)), 0),
  );
}

test("the highest peaks are labelled, the highest first", () => {
  const found = labels(
    gaussians([
      [30, 5],
      [90, 9],
      [150, 3],
    ]),
  );
  assert.deepEqual(
    found.map(({ text }) => text),
    ["90", "30", "150"],
  );
});

test("small bumps, the ends of the plot and flat curves have no label", () => {
  assert.deepEqual(
    labels(
      gaussians([
        [90, 9],
        [150, 0.3],
      ]),
    ).map(({ text }) => text),
    ["90"],
  );
  assert.deepEqual(labels(Array.from({ length: 50 }, (_, j) => j)), []);
  assert.deepEqual(labels(new Array(50).fill(0)), []);
});

test("a shoulder is no peak, and a text does not cover a higher peak", () => {
  assert.deepEqual(
    labels(
      gaussians([
        [90, 9],
        [93, 7],
      ]),
    ).map(({ text }) => text),
    ["90"],
  );
});

test("labels of many peaks are few and do not overlap", () => {
  const random = generator(4);
  const many = Array.from({ length: 16 }, (_, i) => [8 + 12 * i, 1 + random()] as const);
  const found = labels(gaussians(many));
  assert.ok(found.length > 1 && found.length <= 6);
  found.forEach((a, i) => {
    for (const b of found.slice(i + 1)) assert.ok(Math.abs(a.x - b.x) >= a.half + b.half);
  });
});

test("noise has no labels, and peaks above it have", () => {
  const random = generator(4);
  const noise = Array.from({ length: 200 }, () => 5 + random());
  assert.deepEqual(labels(noise), []);
  const peaks = gaussians([
    [60, 9],
    [140, 7],
  ]);
  assert.deepEqual(
    labels(noise.map((value, j) => value + peaks[j])).map(({ index }) => Math.round(index / 20) * 20),
    [60, 140],
  );
});
