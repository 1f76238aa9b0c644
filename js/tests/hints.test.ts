// Hints of controls: the call in Python is a method of the widget that holds the view.

import assert from "node:assert/strict";
import { test } from "node:test";
import { hintFor, withoutCall } from "../src/hints";

test("the call of a hint is that of the widget", () => {
  assert.equal(hintFor("ranks", "Keep it: explorer.keep(). Kept: A"), "Keep it: ranks.keep(). Kept: A");
  assert.equal(hintFor("ranks", "Show the explorer on the whole screen"), "Show the explorer on the whole screen");
});

test("a page without Python has hints without calls", () => {
  const cases = [
    ["Mix the components by colour: explorer.composite()", "Mix the components by colour"],
    ['Intensity axis: explorer.show_spectra(scale="log")', "Intensity axis"],
    ["explorer.rename()", ""],
    ["Show the explorer on the whole screen", "Show the explorer on the whole screen"],
  ];
  for (const [hint, shown] of cases) assert.equal(withoutCall(hint), shown);
});
