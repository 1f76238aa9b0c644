// Tool "suggest": the list of reasons, which buttons are active, and what they call.

import "./fake_document";
import assert from "node:assert/strict";
import { test } from "node:test";
import { inForce, isOutdated, tool } from "../src/tools/suggest";
import { type FakeElement, fake } from "./fake_document";
import { frame } from "./frame";
import { callingStage } from "./stage";

const REASONS = [
  { topic: "components", text: "4 images", setting: "k", call: "k=4", value: 4, optional: false },
  { topic: "noise", text: "counts", setting: "weights", call: "weights='poisson'", given: false, optional: false },
  { topic: "fractions", text: "may", setting: "sum_to_one", call: "sum_to_one=True", value: true, optional: true },
  { topic: "zeros", text: "92 %", setting: "", optional: false },
];
const SHOWN = {
  shown: true,
  busy: false,
  line: "k=4, weights='poisson'",
  reasons: REASONS,
  doubts: ["k is not certain"],
  steps: [],
  pixels: "",
};

function started(parameters: object, values: object) {
  const base = frame();
  const picture = { ...base, header: { ...base.header, parameters } };
  const { stage, calls, shown } = callingStage(values, { frame: picture });
  const gestures = tool.start(stage);
  gestures.traitsChanged?.();
  const panel = fake(gestures.panel);
  const body = panel.children[1] as FakeElement;
  const rows = () => body.children as FakeElement[];
  /** What is in the last cell of each row: a button, or a text. */
  const ends = () => rows().map((row) => (row.children[2] as FakeElement).children[0]);
  const button = (place: number) => ends()[place] as FakeElement;
  return { calls, shown, gestures, panel, rows, ends, button };
}

test("a setting is in force if the picture has it", () => {
  assert.equal(inForce(REASONS[0], { k: 4 }), true);
  assert.equal(inForce(REASONS[0], { k: 3 }), false);
  assert.equal(inForce(REASONS[1], {}), false);
  assert.equal(inForce({ ...REASONS[1], given: true }, {}), true);
  assert.equal(inForce({ ...REASONS[0], setting: "volume", value: "auto" }, { volume: 0 }), false);
  assert.equal(inForce({ ...REASONS[0], setting: "smoothness", value: 0.1 }, { smoothness: 0.1 + 1e-12 }), true);
});

test("other pixels, channels or steps make the list outdated", () => {
  assert.equal(isOutdated({ steps: [], pixels: "" }, { k: 3 }), false);
  assert.equal(isOutdated({ steps: [true] }, { steps: [false] }), true);
  assert.equal(isOutdated({ steps: [], pixels: "" }, { area: { left_out: ["R1"] }, pixels: "ab" }), true);
  assert.equal(isOutdated({ steps: [], pixels: "ab" }, { area: { left_out: ["R1"] }, pixels: "ab" }), false);
  assert.equal(isOutdated({ steps: [], pixels: "ab" }, { area: { left_out: ["R1"] }, pixels: "cd" }), true);
});

test("all steps are on whether they are listed or not", () => {
  assert.equal(isOutdated({ steps: [] }, { steps: [true, true] }), false);
  assert.equal(isOutdated({ steps: [true] }, {}), false);
  assert.equal(isOutdated({ steps: [true] }, { steps: [false] }), true);
});

test("each reason has a row, and a button only where the open explorer can apply it", () => {
  const { rows, ends, button } = started({ k: 4, sum_to_one: false }, SHOWN);
  assert.equal(rows().length, REASONS.length + SHOWN.doubts.length);
  assert.deepEqual(
    [0, 2].map((place) => [button(place).textContent, isDisabled(button(place))]),
    [
      ["k=4 is in force", true],
      ["Try sum_to_one=True", false],
    ],
  );
  assert.deepEqual([ends()[1], ends()[3], ends()[4]], ["at opening: mf.explore(cube, weights='poisson')", "", ""]);
});

test("a click applies one setting", () => {
  const { button, calls } = started({ k: 2 }, SHOWN);
  assert.equal(isDisabled(button(0)), false);
  button(0).fire("click");
  assert.deepEqual(calls, [["apply_suggestion", { setting: "k" }]]);
});

test("the button in the bar asks without waiting, and a running examination shows no rows", () => {
  const { gestures, calls, shown, panel, rows } = started({}, {});
  assert.equal(panel.hidden, true);
  fake(gestures.spectraControls?.[0]).fire("click");
  assert.deepEqual(calls, [["suggest", { shown: true, wait: false }]]);
  shown.values = SHOWN;
  gestures.traitsChanged?.();
  assert.equal(rows().length, 5);
  shown.values = { shown: true, busy: true };
  gestures.traitsChanged?.();
  assert.deepEqual([panel.hidden, rows().length], [false, 0]);
});

function isDisabled(button: FakeElement): boolean {
  return (button as unknown as HTMLButtonElement).disabled;
}
