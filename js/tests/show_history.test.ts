// Tool "show_history": one thumbnail for each entry, and what a click on it calls.

import "./fake_document";
import assert from "node:assert/strict";
import { test } from "node:test";
import { tool } from "../src/tools/show_history";
import { fake } from "./fake_document";
import { callingStage } from "./stage";

const entry = (position: number) => ({
  position,
  settings: `k = ${position}`,
  change: `k = ${position}`,
  outcome: "converged",
  error: "0.1",
  shape: [1, 2],
  picture: new Uint8Array(6).buffer,
});

test("a single entry has a sentence beside it, and a click on one of several returns to it", () => {
  const { stage, calls, shown } = callingStage({});
  const gestures = tool.start(stage);
  const panel = fake(gestures.panel);
  shown.values = { shown: true, position: 0, entries: [entry(0)] };
  gestures.traitsChanged?.();
  assert.equal(panel.hidden, false);
  const note = panel.all("mffnb-history-note")[0];
  assert.equal(note.hidden, false);
  shown.values = { shown: true, position: 1, entries: [entry(0), entry(1)] };
  gestures.traitsChanged?.();
  assert.equal(panel.hidden, false);
  assert.equal(note.hidden, true);
  const found = panel.all("mffnb-thumbnail");
  assert.deepEqual(
    found.map((one) => one.getAttribute("aria-current")),
    ["false", "true"],
  );
  found[0].fire("click");
  assert.deepEqual(calls, [["go_to", { position: 0 }]]);
  shown.values = { shown: false, entries: [] };
  gestures.traitsChanged?.();
  assert.equal(panel.hidden, true);
});
