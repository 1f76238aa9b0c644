// Tool "evidence": the strip below the slider for k, its sentences, and what its buttons call.

import "./fake_document";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Frame } from "../src/protocol";
import { type Cell, cellText, heights, tool } from "../src/tools/evidence";
import { fake } from "./fake_document";
import { callingStage } from "./stage";

const unknown: Cell = { k: 2, error: null, settings: "", ratio: null, image: "", angle: null, reproduced: "" };
const known: Cell = { k: 3, error: 0.123456, settings: "", ratio: 5.04, image: "yes", angle: 2.16, reproduced: "yes" };

test("a sentence has the numbers of a k, with the digits of the status line", () => {
  assert.equal(cellText(unknown), "k = 2: nothing is known yet");
  assert.equal(
    cellText(known),
    "k = 3: relative error 0.123; image 3 is 5.04 times the noise; split halves reproduce the endmembers (2.16°)",
  );
  assert.match(cellText({ ...known, settings: "counts (KL)" }), /relative error 0.123 with counts \(KL\)/);
  assert.match(cellText({ ...known, image: "unclear" }), /times the noise, unclear/);
  assert.match(cellText({ ...known, reproduced: "no" }), /split halves differ \(2.16°\)/);
});

test("errors are placed between the smallest and the largest one, and small differences look small", () => {
  assert.deepEqual(heights([1, null, 0.5, 0.75]), [1, null, 0, 0.5]);
  const [low, high] = heights([1, 1.005]);
  assert.equal(low, 0);
  assert.ok(high !== null && high > 0.05 && high < 0.15);
  assert.deepEqual(heights([0, 0]), [0, 0]);
  assert.deepEqual(heights([null]), [null]);
});

/** The strip is put into the explorer around the view. */
function opened(values: object | null) {
  const slot = { children: [] as unknown[], append: (child: unknown) => slot.children.push(child) };
  const root = { closest: () => ({ querySelector: () => slot }) } as unknown as HTMLElement;
  const made = callingStage(values, { root });
  const gestures = tool.start(made.stage);
  gestures.traitsChanged?.();
  const strip = fake(slot.children[0]);
  const [chart, side] = strip.children.map(fake);
  const cells = fake(chart.children[1]);
  return { ...made, gestures, strip, cells: () => cells.children.map(fake), fill: fake(side.children[1]) };
}
const shown = { cells: [unknown, known], wanted: false, share: 0, advice: "", error: "" };

test("a click on a k moves the slider there, and the present k is marked", () => {
  const { calls, cells, gestures, strip } = opened(shown);
  assert.equal(strip.hidden, false);
  gestures.framed?.({ header: { parameters: { k: 3 } } } as unknown as Frame);
  assert.deepEqual(
    cells().map((one) => one.getAttribute("aria-current")),
    ["false", "true"],
  );
  assert.equal(cells()[1].getAttribute("aria-label"), cellText(known));
  cells()[0].fire("click");
  assert.deepEqual(calls, [["apply", { k: 2 }]]);
});

test("the button starts and stops what depends on the data alone, and leaves when it is complete", () => {
  const page = opened(shown);
  page.fill.fire("click");
  page.shown.values = { ...shown, wanted: true, share: 0.25 };
  page.gestures.traitsChanged?.();
  assert.equal(page.fill.textContent, "Stop (25 %)");
  page.fill.fire("click");
  assert.deepEqual(page.calls, [
    ["fill_evidence", { on: true }],
    ["fill_evidence", { on: false }],
  ]);
  page.shown.values = { ...shown, share: 1, advice: "k = 3: 3 images stand above the noise" };
  page.gestures.traitsChanged?.();
  assert.equal(page.fill.hidden, true);
});

test("there is no strip where Python cannot be called", () => {
  assert.equal(opened(null).strip.hidden, true);
});
