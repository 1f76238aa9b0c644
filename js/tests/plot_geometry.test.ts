// Geometry of the plot of spectra.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ChannelAxis, laneAt, union, valueRange } from "../src/plot_geometry";
import { generator } from "./random";

const area = { left: 100, right: 500, top: 8, bottom: 208 };

test("the axis maps both ends of the channels to both ends of the area", () => {
  for (const axis of [new ChannelAxis(area, 0, 300), new ChannelAxis(area, 300, 0)]) {
    assert.equal(axis.position(axis.from), 100);
    assert.equal(axis.position(axis.to), 500);
    assert.equal(axis.distance(4), 3);
  }
});

test("positions and values are inverse to each other", () => {
  const random = generator(9);
  const axis = new ChannelAxis(area, 12.5, -3);
  for (let trial = 0; trial < 200; trial++) {
    const position = 100 + 400 * random();
    const value = axis.value(position);
    assert.ok(value !== null && Math.abs(axis.position(value) - position) < 1e-9);
  }
});

test("outside of the area there is no value", () => {
  const axis = new ChannelAxis(area, 0, 1);
  assert.equal(axis.value(99), null);
  assert.equal(axis.value(501), null);
});

test("a single channel has a position", () => {
  assert.equal(new ChannelAxis(area, 7, 7).position(7), 100);
});

test("lanes share the area", () => {
  assert.deepEqual(
    [7, 8, 57, 58, 207, 208].map((y) => laneAt(y, area, 4)),
    [-1, 0, 0, 1, 3, -1],
  );
});

test("the range of a curve includes zero and leaves missing values out", () => {
  assert.deepEqual(valueRange(Float32Array.of(2, Number.NaN, 5)), [0, 5]);
  assert.deepEqual(valueRange(Float32Array.of(-2, 5)), [-2, 5]);
  assert.deepEqual(valueRange(new Float32Array(0)), [0, 0]);
});

test("the union of ranges includes zero", () => {
  assert.deepEqual(
    union([
      [0, 5],
      [-1, 2],
    ]),
    [-1, 5],
  );
  assert.deepEqual(union([[1, 2]]), [0, 2]);
});
