// Contrast: clipping limits, colours of codes, pixels.

import assert from "node:assert/strict";
import { test } from "node:test";
import { NEGATIVE_RAMP, ramp } from "../src/colour";
import { colourOfCode, contrastLimits, gradient, pixelsOfCodes } from "../src/contrast";
import { MISSING } from "../src/protocol";
import { generator } from "./random";

const component = ramp("#2b83d6");
const grey = Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));

test("without clipping the brightest pixel is the limit", () => {
  assert.deepEqual(contrastLimits(Uint8Array.of(0, 3, 200, MISSING), 0), [0, 200]);
  assert.deepEqual(contrastLimits(Uint8Array.of(0, 0), 0), [0, 1]);
  assert.deepEqual(contrastLimits(Uint8Array.of(MISSING, MISSING), 5), [0, 1]);
});

test("one hot pixel of a thousand is clipped at 0.1 %", () => {
  const codes = new Uint8Array(1000).fill(40);
  codes[7] = 254;
  assert.deepEqual(contrastLimits(codes, 0.1), [0, 40]);
  assert.deepEqual(contrastLimits(codes, 0.05), [0, 254]);
});

test("a component in a few pixels only is not clipped away", () => {
  const codes = new Uint8Array(1000);
  codes[7] = 254;
  assert.deepEqual(contrastLimits(codes, 1), [0, 254]);
});

test("at most the wanted share of the observed pixels is saturated", () => {
  const random = generator(7);
  for (let trial = 0; trial < 200; trial++) {
    const codes = Uint8Array.from({ length: 400 }, () => (random() < 0.1 ? MISSING : 60 + 190 * random() ** 3));
    const clip = 8 * random();
    const [, upper] = contrastLimits(codes, clip);
    const observed = codes.filter((code) => code !== MISSING);
    const saturated = observed.filter((code) => code > upper).length;
    assert.ok(saturated <= (clip / 100) * observed.length);
    // One level lower would saturate too many.
    assert.ok(observed.filter((code) => code >= upper).length > (clip / 100) * observed.length);
  }
});

test("a colour map runs between the limits", () => {
  const colour = colourOfCode({ table: grey, ramp: component, gamma: 1 }, [0, 100], 0);
  assert.deepEqual(
    [0, 50, 100, 254].map((code) => colour(code)[0]),
    [0, 128, 255, 255],
  );
});

test("gamma below one lifts faint values and keeps both ends", () => {
  const colour = (gamma: number) => colourOfCode({ table: grey, ramp: component, gamma }, [0, 200], 0);
  for (const code of [10, 60, 150]) assert.ok(colour(0.5)(code)[0] > colour(1)(code)[0]);
  assert.deepEqual([colour(0.5)(0), colour(0.5)(200)], [colour(1)(0), colour(1)(200)]);
});

test("signed maps are dark at zero, coloured above, grey below", () => {
  const colour = colourOfCode({ table: null, ramp: component, gamma: 1 }, [0, 254], 100);
  assert.deepEqual(colour(100), [13, 15, 20]);
  assert.deepEqual([...colour(254)], Array.from(component.subarray(765)));
  const below = 3 * Math.round((255 * 100) / 154);
  assert.deepEqual([...colour(0)], Array.from(NEGATIVE_RAMP.subarray(below, below + 3)));
});

test("pixels are opaque RGBA in memory and missing ones transparent", () => {
  const pixels = pixelsOfCodes((code) => [code, 2, 3]);
  assert.deepEqual(Array.from(new Uint8Array(pixels.buffer, 4 * 200, 4)), [200, 2, 3, 255]);
  assert.equal(pixels[MISSING], 0);
});

test("the legend runs over the colours between the limits", () => {
  const text = gradient((code) => [code, 0, 0], [0, 120]);
  assert.ok(text.startsWith("linear-gradient(to right, rgb(0,0,0),rgb(10,0,0),"));
  assert.ok(text.endsWith("rgb(120,0,0))"));
});
