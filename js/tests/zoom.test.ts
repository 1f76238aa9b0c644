// Tool "zoom": ranges, keys and buttons.

import "./fake_document";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SpectraPlot } from "../src/spectra";
import type { Tip } from "../src/tip";
import { moved, ordered, tool, zoomed } from "../src/tools/zoom";
import { FakeElement, fake } from "./fake_document";
import { frame } from "./frame";
import { fakeModel, fakeStage } from "./stage";

test("zooming keeps the channel under the pointer, and all channels are no zoom", () => {
  assert.deepEqual(zoomed([0, 100], 25, 0.5, [0, 100]), [12.5, 62.5]);
  assert.deepEqual(zoomed([100, 0], 25, 0.5, [100, 0]), [62.5, 12.5]);
  assert.deepEqual(zoomed([20, 40], 20, 2, [0, 100]), [20, 60]);
  assert.equal(zoomed([10, 90], 50, 2, [0, 100]), null);
});

test("moving stops at the ends of the axis", () => {
  assert.deepEqual(moved([20, 40], 0.5, [0, 100]), [30, 50]);
  assert.deepEqual(moved([80, 100], 0.5, [0, 100]), [80, 100]);
  assert.deepEqual(moved([40, 20], 0.5, [100, 0]), [30, 10]);
});

test("a range has the direction of the axis", () => {
  assert.deepEqual(ordered([1, 2], [0, 9]), [1, 2]);
  assert.deepEqual(ordered([1, 2], [9, 0]), [2, 1]);
  assert.equal(ordered([], [0, 9]), null);
});

function started(range: readonly number[] = []) {
  const { model, state } = fakeModel({ channel_range: range });
  const root = new FakeElement("div");
  const plot = { root, shown: null } as unknown as SpectraPlot;
  const tip = { hide() {} } as unknown as Tip;
  const gestures = tool.start(fakeStage({ model, plot, tip, frame: frame() }));
  gestures.traitsChanged?.();
  return { state, plot, buttons: (gestures.spectraControls ?? []).map(fake) };
}

test("buttons zoom in, zoom out and show all channels", () => {
  const { state, plot, buttons } = started();
  const [zoomIn, zoomOut, reset] = buttons;
  assert.deepEqual(
    [zoomOut, reset].map((one) => (one as unknown as HTMLButtonElement).disabled),
    [true, true],
  );
  zoomIn.fire("click");
  assert.deepEqual(
    [state.channel_range, plot.shown],
    [
      [1.75, 3.25],
      [1.75, 3.25],
    ],
  );
  zoomOut.fire("click");
  assert.deepEqual([state.channel_range, plot.shown], [[], null]);
  zoomIn.fire("click");
  reset.fire("click");
  assert.deepEqual(state.channel_range, []);
});

test("a range that Python sets is shown", () => {
  assert.deepEqual(started([2, 3]).plot.shown, [2, 3]);
});
