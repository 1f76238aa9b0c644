// Tool "mean spectrum": what its button calls, and the curve that it draws.

import "./fake_document";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Frame } from "../src/protocol";
import { tool } from "../src/tools/mean_spectrum";
import { fake } from "./fake_document";
import { callingStage } from "./stage";

const frame = {} as Frame;
const mean = { shown: true, channel: Float32Array.of(1, 2).buffer, values: Float32Array.of(5, 7).buffer };

test("a click calls Python, and its answer is drawn below the components", () => {
  const { stage, calls, shown } = callingStage({});
  const gestures = tool.start(stage);
  const button = fake(gestures.spectraControls?.[0]);
  gestures.traitsChanged?.();
  assert.equal(button.hidden, false);
  assert.deepEqual(gestures.lanes?.(frame), []);
  button.fire("click");
  assert.deepEqual(calls, [["mean_spectrum", { shown: true }]]);
  shown.values = mean;
  gestures.traitsChanged?.();
  assert.equal(button.getAttribute("aria-pressed"), "true");
  const [lane] = gestures.lanes?.(frame) ?? [];
  assert.deepEqual([lane.label, [...lane.values], [...(lane.channel ?? [])]], ["mean", [5, 7], [1, 2]]);
  assert.equal(gestures.lanes?.(frame)[0].values, lane.values); // decoded once
  button.fire("click");
  assert.deepEqual(calls[1], ["mean_spectrum", { shown: false }]);
  shown.values = { ...mean, shown: false };
  assert.deepEqual(gestures.lanes?.(frame), []);
});

test("the button is hidden where Python cannot be called", () => {
  const gestures = tool.start(callingStage(null).stage);
  gestures.traitsChanged?.();
  assert.equal(fake(gestures.spectraControls?.[0]).hidden, true);
  assert.deepEqual(gestures.lanes?.(frame), []);
});
