// Geometry of pointing: pixels of maps, channels, peaks, the box beside the pointer.

import assert from "node:assert/strict";
import { test } from "node:test";
import { betweenImages, highestPeak, imageAt, mapPoint, nearestChannel, pixelText, positionText } from "../src/pointer";
import { boxPosition } from "../src/tip";
import { header } from "./header";
import { generator } from "./random";

const box = { left: 10, top: 20, width: 60, height: 40 };
const at = (clientX: number, clientY: number) => mapPoint({ clientX, clientY }, box, header());

test("corners and centres of pixels", () => {
  // The image has 4 x 6 pixels, the map that was sent 2 x 3.
  assert.deepEqual(at(10, 20), { fx: 0, fy: 0, x: 0, y: 0, index: 0 });
  assert.deepEqual(at(45, 45), { fx: 35 / 60, fy: 25 / 40, x: 3, y: 2, index: 4 });
  assert.deepEqual(at(69.9, 59.9)?.index, 5);
});

test("positions outside of the map are none", () => {
  for (const [x, y] of [
    [9.9, 30],
    [70, 30],
    [30, 19],
    [30, 60],
  ])
    assert.equal(at(x, y), null);
});

test("a position has the unit of the pixel size and decimals that tell pixels apart", () => {
  const point = { fx: 0.5, fy: 0.5, x: 3, y: 2, index: 0 };
  assert.equal(positionText(point, null), "x 3, y 2");
  assert.equal(positionText(point, [0.25, 0.5, "µm"]), "x 1.5 µm, y 0.5 µm");
  assert.equal(positionText(point, [40, 40, "nm"]), "x 120 nm, y 80 nm");
});

test("the nearest channel, on rising and on falling axes", () => {
  const rising = Float32Array.of(0, 1, 2, 4, 8);
  assert.deepEqual(
    [-5, 0.4, 0.6, 2.9, 3.1, 6.1, 99].map((value) => nearestChannel(rising, value)),
    [0, 0, 1, 2, 3, 4, 4],
  );
  assert.equal(nearestChannel(rising.slice().reverse(), 3.1), 1);
  assert.equal(nearestChannel(Float32Array.of(5), 1), 0);
});

test("the nearest channel is the one that a full search finds", () => {
  const random = generator(8);
  for (let trial = 0; trial < 200; trial++) {
    const channel = Float32Array.from({ length: 1 + Math.floor(60 * random()) }, () => 100 * random()).sort();
    if (random() < 0.5) channel.reverse();
    const value = 120 * random() - 10;
    const distance = Math.abs(channel[nearestChannel(channel, value)] - value);
    assert.equal(distance, Math.min(...Array.from(channel, (other) => Math.abs(other - value))));
  }
});

test("a narrow peak within reach is found, the highest relative to its own curve", () => {
  const channel = Float32Array.from({ length: 50 }, (_, i) => i);
  const weak = new Float32Array(50);
  const strong = new Float32Array(50);
  weak[20] = 1;
  strong[23] = 50;
  strong[40] = 100;
  const curves = [
    { values: weak, top: 1 },
    { values: strong, top: 100 },
  ];
  assert.equal(highestPeak(channel, curves, 22, 3), 20);
  assert.equal(highestPeak(channel, curves.slice(1), 22, 3), 23);
  assert.equal(highestPeak(channel, curves, 30, 3), 30);
  assert.equal(highestPeak(channel, [{ values: weak, top: 0 }], 20, 3), 20);
});

test("peaks below two per cent of the curve are ignored", () => {
  const channel = Float32Array.of(0, 1, 2, 3);
  assert.equal(highestPeak(channel, [{ values: Float32Array.of(0, 0.019, 0, 0), top: 1 }], 0, 2), 0);
  assert.equal(highestPeak(channel, [{ values: Float32Array.of(0, 0.021, 0, 0), top: 1 }], 0, 2), 1);
});

test("the box is right of the pointer, left of it at the right border, and never below the view", () => {
  assert.deepEqual(boxPosition([100, 50], [130, 90], [800, 600]), [118, 64]);
  assert.deepEqual(boxPosition([700, 50], [130, 90], [800, 600]), [556, 64]);
  assert.deepEqual(boxPosition([100, 590], [130, 90], [800, 600]), [118, 506]);
  assert.deepEqual(boxPosition([100, 5], [130, 90], [800, 60]), [118, 0]);
  // The window ends within the view: the box is above the pointer, and below it where the window has room.
  assert.deepEqual(boxPosition([100, 250], [130, 90], [800, 600], 300), [118, 146]);
  assert.deepEqual(boxPosition([100, 150], [130, 90], [800, 600], 300), [118, 164]);
});

test("a pixel of several images is named by its image and the pixel in it, and gaps belong to none", () => {
  const images = [
    { name: "before", top: 0, left: 0, height: 4, width: 6, pixel_size: null },
    { name: "after", top: 0, left: 7, height: 3, width: 5, pixel_size: null },
  ];
  assert.equal(pixelText([2, 9], images), "after: pixel x 2, y 2");
  assert.equal(pixelText([2, 9]), "pixel x 9, y 2");
  assert.equal(imageAt(images, 3, 9), null);
  assert.equal(betweenImages({ images }, { y: 0, x: 6 }), true);
  assert.equal(betweenImages({ images }, { y: 3, x: 5 }), false);
  assert.equal(betweenImages({}, { y: 0, x: 6 }), false);
});
