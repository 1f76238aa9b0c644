// The model of a pixel, and the maps that tools add.

import assert from "node:assert/strict";
import { test } from "node:test";
import { componentImages, meanOf, toolImage, valueAt } from "../src/images";
import { difference, mixture, sumsOver } from "../src/mixture";
import { frame } from "./frame";

test("contributions are stacked, and the last one is the model", () => {
  const { stack, model } = mixture([2, 1], frame().spectra);
  assert.deepEqual([...stack[0]], [2, 0, 0, 4]);
  assert.deepEqual([...model], [2, 3, 0, 5]);
  assert.ok(Number.isNaN(mixture([Number.NaN, 1], frame().spectra).model[0]));
});

test("the residual of measured values uses the nearest channel of the model", () => {
  const channel = Float32Array.of(1, 1.4, 2, 3, 4);
  const residual = difference(channel, Float32Array.of(1, 1, 1, 1, 1), frame().channel, Float32Array.of(1, 2, 3, 4));
  assert.deepEqual([...residual], [0, 0, -1, -2, -3]);
});

test("sums over a range include its ends, and one channel at least", () => {
  const { channel, spectra } = frame();
  assert.deepEqual(sumsOver(channel, spectra, 2, 4), [2, 4]);
  assert.deepEqual(sumsOver(channel, spectra, 4, 2), [2, 4]);
  assert.deepEqual(sumsOver(channel, spectra, 2.2, 2.3), [0, 3]);
});

test("values of a map: at a position, and their mean without missing ones", () => {
  const [first, second] = componentImages(frame());
  assert.equal(valueAt(second, { fx: 0.5, fy: 0.9 }), 1);
  assert.ok(Number.isNaN(valueAt(first, { fx: 0.99, fy: 0.99 })));
  assert.equal(meanOf(first), 0.3);
  assert.equal(meanOf(toolImage("x", "#000000", { codes: Uint8Array.of(255), range: [0, 1], shape: [1, 1] })), 0);
});
