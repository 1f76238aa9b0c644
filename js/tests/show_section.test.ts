// Tool "show_section": sliders for the sections of a stack, and what is asked of Python.

import "./fake_document";
import assert from "node:assert/strict";
import { test } from "node:test";
import { tool } from "../src/tools/show_section";
import { fake } from "./fake_document";
import { frame } from "./frame";
import { callingStage } from "./stage";

test("a stack has a slider along each dimension, an image has none", () => {
  const { stage, calls } = callingStage({});
  const gestures = tool.start(stage);
  const [root] = (gestures.mapControls ?? []).map(fake);
  const image = frame();
  gestures.framed?.(image);
  assert.equal(root.hidden, true);
  const sections = [
    { name: "t", text: "t = 4 s", index: 2, count: 3 },
    { name: "z", text: "z = 1 µm", index: 0, count: 5 },
  ];
  gestures.framed?.({ ...image, header: { ...image.header, sections } });
  assert.equal(root.hidden, false);
  const inputs = root.children.slice(0, 2).map((label) => fake(fake(label).children[1]));
  assert.deepEqual(
    inputs.map((input) => input.value),
    ["2", "0"],
  );
  inputs[1].value = "4";
  inputs[1].fire("input");
  assert.deepEqual(calls, [["show_section", { index: [2, 4] }]]);
});
