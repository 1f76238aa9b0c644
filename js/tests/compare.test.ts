// Tool "compare": what its buttons call, and the difference maps.

import "./fake_document";
import assert from "node:assert/strict";
import { test } from "node:test";
import { tool } from "../src/tools/compare";
import { fake } from "./fake_document";
import { frame } from "./frame";
import { callingStage } from "./stage";

test("an answer is kept first, and then compared", () => {
  const { stage, calls, shown } = callingStage({}, { frame: frame() });
  const gestures = tool.start(stage);
  const [keep, compare] = (gestures.mapControls ?? []).map(fake);
  gestures.traitsChanged?.();
  assert.deepEqual([keep.hidden, compare.hidden], [false, true]);
  keep.fire("click");
  shown.values = { kept: ["A"], shown: false };
  gestures.traitsChanged?.();
  assert.equal(compare.hidden, false);
  compare.fire("click");
  assert.deepEqual(calls, [
    ["keep", {}],
    ["compare", { shown: true }],
  ]);
  const tile = {
    label: "Δ a, 3.0°",
    colour: "#2b83d6",
    codes: Uint8Array.of(0, 127, 254).buffer,
    range: [-1, 1],
    shape: [1, 3],
  };
  const pairs = [
    ["a", "a", "3.0°"],
    ["none", "b", ""],
  ];
  shown.values = { kept: ["A"], shown: true, tiles: [tile], title: "k = 1 and A", answer: "A", pairs };
  gestures.traitsChanged?.();
  const table = fake(gestures.bar);
  assert.equal(table.textContent, "k = 1 and AClosenowin Aangleaa3.0°noneb");
  assert.match(keep.getAttribute("title") ?? "", /Kept so far: A$/);
  const [image] = gestures.images?.(frame()) ?? [];
  assert.deepEqual([image.label, image.range, image.stale], ["Δ a, 3.0°", [-1, 1], false]);
  assert.equal(compare.getAttribute("aria-pressed"), "true");
});
