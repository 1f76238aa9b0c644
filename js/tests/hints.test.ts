// Hints of controls: the call in Python is a method of the widget that holds the view.

import assert from "node:assert/strict";
import { test } from "node:test";
import { hintFor } from "../src/hints";

test("the call of a hint is that of the widget", () => {
  assert.equal(hintFor("ranks", "Keep it: explorer.keep(). Kept: A"), "Keep it: ranks.keep(). Kept: A");
  assert.equal(hintFor("ranks", "Show the explorer on the whole screen"), "Show the explorer on the whole screen");
});
