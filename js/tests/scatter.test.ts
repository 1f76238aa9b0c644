// Tool "scatter": counts of pairs, selection by an outline, values on the axes; edges of a mask.

import "./fake_document";
import assert from "node:assert/strict";
import { test } from "node:test";
import { binsFor, countPairs, densityPixels, isInside, selectPixels } from "../src/histogram";
import { edgesOfMask } from "../src/polygon";
import { tool, valueAtShare } from "../src/tools/scatter";
import { fake } from "./fake_document";
import { frame } from "./frame";
import { callingStage } from "./stage";

test("pairs are counted with the largest y in the first row, missing ones are left out", () => {
  const counts = countPairs(Uint8Array.of(0, 254, 254, 255), Uint8Array.of(0, 254, 254, 0), 3);
  assert.deepEqual([...counts], [0, 0, 2, 0, 0, 0, 1, 0, 0]);
  const opacities = Array.from(densityPixels(counts, [1, 2, 3]), (pixel) => pixel >>> 24);
  assert.equal(opacities[2], 255);
  assert.ok(opacities[6] > 110 && opacities[6] < 255 && opacities[0] === 0);
  assert.ok(binsFor(100) < binsFor(1e6));
});

const square = [
  [0, 0.5],
  [0, 1],
  [0.5, 1],
  [0.5, 0.5],
] as const;

test("an outline selects the pixels whose values lie inside", () => {
  assert.deepEqual(
    [isInside(square, 0.2, 0.7), isInside(square, 0.7, 0.7), isInside([], 0.5, 0.5)],
    [true, false, false],
  );
  const selected = selectPixels(Uint8Array.of(200, 50, 200, 255), Uint8Array.of(200, 200, 50, 200), square);
  assert.deepEqual([...selected], [1, 0, 0, 0]); // the upper right quarter
});

test("shares of an axis are values: a code stands for the values around it", () => {
  assert.ok(Math.abs(valueAtShare(0.5 / 255, [2, 4]) - 2) < 1e-12);
  assert.ok(Math.abs(valueAtShare(254.5 / 255, [2, 4]) - 4) < 1e-12);
});

test("the edge of a mask goes around its pixels, holes included", () => {
  assert.equal(
    edgesOfMask(Uint8Array.of(1, 1, 0, 0), [2, 2]),
    "M0.00 0.00H100.00M0.00 50.00H100.00M0.00 0.00V50.00M100.00 0.00V50.00",
  );
  assert.equal(edgesOfMask(new Uint8Array(4), [2, 2]), "");
  const ring = Uint8Array.of(1, 1, 1, 1, 0, 1, 1, 1, 1);
  assert.equal(edgesOfMask(ring, [3, 3]).split("M").length - 1, 8);
});

test("the lists choose the axes, and offer the band that is shown", () => {
  const encoded = { codes: Uint8Array.of(0, 254, 0, 0, 0, 0).buffer, range: [0, 2], shape: [2, 3] };
  const { stage, calls, shown } = callingStage({}, { frame: frame() });
  const gestures = tool.start(stage);
  const [show, choices] = (gestures.mapControls ?? []).map(fake);
  gestures.traitsChanged?.();
  assert.deepEqual([choices.hidden, gestures.images?.(frame())], [true, []]);
  show.fire("click");
  assert.deepEqual(calls.pop(), ["scatter", { shown: true }]);
  const axis = (name: number) => ({ axis: name, label: "ab"[name], ...encoded });
  shown.values = { shown: true, x: axis(0), y: axis(1), correlation: 0.5, ends: [1, 2] };
  gestures.traitsChanged?.();
  const [image] = gestures.images?.(frame()) ?? [];
  assert.deepEqual([image.shape, image.pixels?.length, choices.hidden], [[85, 85], 85 * 85, false]);
  const [x] = choices.all("mffnb-select");
  assert.deepEqual([x.value, x.children.length], ["0", 3]); // two components and the band
  x.value = "[1,2]";
  x.fire("change");
  assert.deepEqual(calls.pop(), ["scatter", { x: [1, 2] }]);
});
