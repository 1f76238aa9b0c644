// Tool "orthogonal_sections": sizes, the turned section, and its button. Gestures on the sections are tested in the browser.

import "./fake_document";
import assert from "node:assert/strict";
import { test } from "node:test";
import { type CutAxis, cutLayout } from "../src/cut_layout";
import { imageOf, tool } from "../src/tools/orthogonal_sections";
import { fake } from "./fake_document";
import { frame } from "./frame";
import { callingStage, fakeModel } from "./stage";

function axis(name: string, count: number, step = 1, units = "nm"): CutAxis {
  return { name, text: `${name} = 0 ${units}`, at: "0", units, index: 0, count, step };
}

test("sections have the scale of the stack, thin stacks are stretched and say so", () => {
  const cube = cutLayout([axis("z", 50), axis("y", 100), axis("x", 100)], 612);
  assert.deepEqual(cube, { width: 400, height: 400, depth: 200, stretch: 1 });
  const thin = cutLayout([axis("z", 5), axis("y", 100), axis("x", 100)], 612);
  assert.deepEqual([thin.depth, thin.stretch], [100, 5]);
  const frames = cutLayout([axis("t", 5, 1, "s"), axis("y", 100), axis("x", 100)], 300);
  assert.equal(frames.stretch, null);
  assert.ok(frames.width + frames.depth + 12 <= 300);
});

const codes = (...values: number[]) => Uint8Array.from(values).buffer;
/** A stack of two sections of 2 x 3 pixels, cut at 1, 0, 2. */
const shown = {
  shown: true,
  number: 1,
  range: [0, 1],
  sections: [
    { codes: codes(0, 1, 2, 3, 4, 5), shape: [2, 3] },
    { codes: codes(10, 11, 12, 20, 21, 22), shape: [2, 3] },
    { codes: codes(1, 2, 3, 4), shape: [2, 2] },
  ],
  axes: [{ ...axis("z", 2), index: 1 }, axis("y", 2), { ...axis("x", 3), index: 2 }],
} as const;

test("the section of depth and rows is turned, so that rows continue those of the first one", () => {
  assert.deepEqual([...imageOf(shown as never, 2, "", "").codes], [1, 3, 2, 4]);
  assert.deepEqual(imageOf(shown as never, 1, "", "").shape, [2, 3]);
});

test("a stack has a button for its sections, an image has none", () => {
  const { model } = fakeModel({ clip: 0, gamma: 1 });
  const image = frame();
  const sections = [{ name: "z", text: "z = 1", index: 1, count: 2 }];
  const now = { ...image, header: { ...image.header, sections } };
  const parts = { frame: now, model, tip: { hide() {}, show() {} } as never };
  const { stage, calls } = callingStage({}, parts);
  const gestures = tool.start(stage);
  const [toggle] = (gestures.mapControls ?? []).map(fake);
  gestures.framed?.(image);
  assert.equal(toggle.hidden, true); // an image has no third dimension
  gestures.framed?.(now);
  toggle.fire("click");
  assert.deepEqual([toggle.hidden, calls.pop()], [false, ["orthogonal_sections", { shown: true }]]);
});
