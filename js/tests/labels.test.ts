// Labels on a map: they stay in it, and none covers another one or a mark.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Label, labelWidth, placeLabels } from "../src/labels";
import { generator } from "./random";

const [WIDTH, HEIGHT, LINE] = [300, 200, 16];

function covered(labels: readonly Label[], width = WIDTH, height = HEIGHT): number {
  const boxes = placeLabels(labels, width, height).map(({ left, top }, i) => {
    const wide = labelWidth(labels[i].text);
    assert.ok(left >= 0 && top >= 0 && left + wide <= width + 1 && top + LINE <= height + 1, `${left}, ${top}`);
    return [left, top, left + wide, top + LINE];
  });
  const marks = labels
    .filter(({ marked }) => marked)
    .map(({ fy, fx }) => [fx * width - 5, fy * height - 5, fx * width + 5, fy * height + 5]);
  let pairs = 0;
  boxes.forEach((a, i) => {
    for (const b of [...boxes.slice(i + 1), ...marks])
      if (Math.min(a[2], b[2]) - Math.max(a[0], b[0]) > 1 && Math.min(a[3], b[3]) - Math.max(a[1], b[1]) > 1) pairs++;
  });
  return pairs;
}

const pin = (text: string, fy: number, fx: number): Label => ({ text, fy, fx, marked: true });
const region = (text: string, fy: number, fx: number): Label => ({ text, fy, fx, marked: false });

test("a single label is at the right of its mark, or above its region", () => {
  assert.deepEqual(placeLabels([pin("P1", 0.5, 0.5)], WIDTH, HEIGHT), [{ left: 160, top: 92 }]);
  assert.deepEqual(placeLabels([region("R1", 0.5, 0.5)], WIDTH, HEIGHT), [{ left: 150, top: 84 }]);
});

test("a pin and a region in one corner are both read", () => {
  for (const fy of [0.01, 0.03, 0.97, 0.99])
    for (const fx of [0.01, 0.03, 0.97, 0.99])
      assert.equal(covered([pin("P1", fy, fx), region("middle lamella", fy, fx)]), 0, `${fy}, ${fx}`);
});

test("several pins and regions around one place do not cover each other", () => {
  const draw = generator(0);
  for (let i = 0; i < 200; i++) {
    const [fy, fx] = [draw(), draw()];
    const near = () => [fy + 0.06 * (draw() - 0.5), fx + 0.06 * (draw() - 0.5)] as const;
    assert.equal(covered([pin("P1", ...near()), region("R1", ...near()), region("vessel", ...near())]), 0);
  }
});

test("on a map that is smaller than the labels each still has a place", () => {
  const places = placeLabels([pin("P1", 0.5, 0.5), region("a long name", 0.5, 0.5)], 20, 10);
  assert.deepEqual(
    places.map(({ left }) => left >= 0),
    [true, true],
  );
});
