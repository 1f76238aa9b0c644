// Tools "residual_map", "band" and "zoom": their maps, what they ask of Python, and the range of channels.

import "./fake_document";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SpectraPlot } from "../src/spectra";
import type { Tip } from "../src/tip";
import { tool as band, modelImage, rangeText } from "../src/tools/band";
import { tool as residual } from "../src/tools/residual_map";
import { tool as zoom } from "../src/tools/zoom";
import { FakeElement, fake } from "./fake_document";
import { frame } from "./frame";
import { callingStage, fakeModel } from "./stage";

const encoded = { codes: Uint8Array.of(0, 254, 127, 0, 0, 255).buffer, range: [0, 5], shape: [2, 3] };

/** A plot without a page: the pointer is at the channel that its event holds as `clientX`. */
function fakePlot() {
  const marks: (readonly number[] | null)[] = [];
  const root = {
    captured: false,
    addEventListener() {},
    setPointerCapture: () => Object.assign(root, { captured: true }),
    releasePointerCapture: () => Object.assign(root, { captured: false }),
    hasPointerCapture: () => root.captured,
  };
  const plot = {
    root,
    shown: null,
    channelStep: 1,
    valueAt: ({ clientX }: MouseEvent) => clientX,
    markRange: (range: readonly number[] | null) => marks.push(range),
  } as unknown as SpectraPlot;
  return { plot, marks };
}

const at = (clientX: number, parts = {}) =>
  ({ clientX, button: 0, buttons: 1, pointerId: 1, ...parts }) as PointerEvent;

test("the residual: a map, and the way to the worst pixel", () => {
  const { stage, calls, shown } = callingStage({}, { frame: frame() });
  const gestures = residual.start(stage);
  const [map, worst] = (gestures.mapControls ?? []).map(fake);
  gestures.traitsChanged?.();
  assert.deepEqual([map.hidden, worst.hidden, gestures.images?.(frame())], [false, true, []]);
  map.fire("click");
  assert.deepEqual(calls[0], ["residual_map", { shown: true }]);
  shown.values = { ...encoded, shown: true, worst: [1, 2] };
  gestures.traitsChanged?.();
  const [image] = gestures.images?.(frame()) ?? [];
  assert.deepEqual([image.label, image.shape, image.codes[1]], ["misfit", [2, 3], 254]);
  worst.fire("click");
  assert.deepEqual(calls[1], ["probe", { pixel: [1, 2], pinned: true }]);
});

test("a drag with Shift shows the image of the model, then the measured one", () => {
  const { plot, marks } = fakePlot();
  const { stage, calls, shown } = callingStage({}, { frame: frame(), plot });
  const gestures = band.start(stage);
  gestures.spectraDown?.(at(2));
  assert.deepEqual(gestures.images?.(frame()), []); // without Shift
  gestures.spectraDown?.(at(4, { shiftKey: true }));
  gestures.spectraMove?.(at(2));
  assert.deepEqual(marks.at(-1), [4, 2]);
  const [dragged] = gestures.images?.(frame()) ?? [];
  assert.deepEqual([dragged.label, dragged.range[1]], ["band", 8]); // 2 of the second component, times 3 + 0 + 1
  gestures.spectraUp?.(at(2));
  assert.deepEqual(calls, [["band", { start: 2, stop: 4 }]]);
  shown.values = { ...encoded, shown: true, ends: [2, 4] };
  gestures.traitsChanged?.();
  const [measured] = gestures.images?.(frame()) ?? [];
  assert.deepEqual([measured.label, measured.range], ["band 2 to 4", [0, 5]]);
  const [choose, clear] = (gestures.spectraControls ?? []).map(fake);
  clear.fire("click");
  assert.deepEqual(calls[1], ["band", { shown: false }]);
  Object.assign(stage, { root: new FakeElement("div") });
  choose.fire("click"); // a finger has no Shift key
  assert.equal(stage.root.classList.contains("mffnb-choosing-band"), true);
  gestures.spectraDown?.(at(1));
  gestures.spectraMove?.(at(3));
  gestures.spectraUp?.(at(3));
  assert.deepEqual(calls[2], ["band", { start: 1, stop: 3 }]);
});

test("the image of the model is missing where the maps are", () => {
  const { codes } = modelImage(frame(), [1, 1]);
  assert.deepEqual([codes[2], codes[5]], [254, 255]);
  assert.deepEqual([rangeText([42, 42], 1), rangeText([1, 2.5], 0.5)], ["42", "1.0 to 2.5"]);
});

test("a drag zooms, a short one does not, a double click shows all", () => {
  const { plot } = fakePlot();
  const tip = { hide() {} } as unknown as Tip;
  const { model, state } = fakeModel({ channel_range: [] });
  const { stage } = callingStage({}, { frame: { ...frame(), channel: Float32Array.of(0, 100) }, plot, tip, model });
  const gestures = zoom.start(stage);
  gestures.spectraDown?.(at(60));
  gestures.spectraMove?.(at(58));
  gestures.spectraUp?.(at(58));
  assert.equal(plot.shown, null);
  gestures.spectraDown?.(at(60));
  gestures.spectraMove?.(at(20));
  gestures.spectraUp?.(at(20));
  assert.deepEqual(
    [plot.shown, state.channel_range],
    [
      [20, 60],
      [20, 60],
    ],
  );
  gestures.spectraDoubleClick?.({} as MouseEvent);
  assert.equal(plot.shown, null);
});
