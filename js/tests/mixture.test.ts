// The model of a pixel, and the maps that tools add.

import assert from "node:assert/strict";
import { test } from "node:test";
import { amountsAt, meanAmounts } from "../src/amounts";
import { componentImages, valueAt } from "../src/images";
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

test("value of a map at a position", () => {
  const [first, second] = componentImages(frame());
  assert.equal(valueAt(second, { fx: 0.5, fy: 0.9 }), 1);
  assert.ok(Number.isNaN(valueAt(first, { fx: 0.99, fy: 0.99 })));
});

test("amounts are abundances times the gain of the pixel, and their means leave out missing pixels", () => {
  const plain = frame();
  assert.deepEqual(meanAmounts(plain), [0.3, 5 / 6]);
  assert.deepEqual(amountsAt(plain, [2]), [1, 0]);
  assert.ok(Number.isNaN(amountsAt(plain, [5])[0]));
  const gain = Uint8Array.of(0, 0, 254, 0, 0, 0);
  const brighter = { ...plain, gain, header: { ...plain.header, gain_range: [1, 3] as const } };
  assert.deepEqual(amountsAt(brighter, [2]), [3, 0]);
  assert.deepEqual(meanAmounts(brighter), [0.7, 5 / 6]);
  const missing = { ...plain, maps: plain.maps.map((codes) => codes.map(() => 255)) };
  assert.deepEqual(meanAmounts(missing), [0, 0]);
});

test("means over an image are those of all its pixels, with and without a gain, and are computed once", () => {
  const size = 400;
  const codes = (factor: number) => Uint8Array.from({ length: size }, (_, j) => (factor * j) % 256); // 255 is missing
  const plain = frame();
  const large = { ...plain, maps: [codes(3), codes(7)], gain: codes(11) };
  for (const gain_range of [null, [0.5, 2]] as const) {
    const one = { ...large, gain: gain_range && large.gain, header: { ...plain.header, gain_range } };
    const all = amountsAt(one, [...Array(size).keys()]);
    meanAmounts(one).forEach((value, i) => {
      assert.ok(Math.abs(value - all[i]) < 1e-12);
    });
    assert.equal(meanAmounts(one), meanAmounts(one));
  }
});
