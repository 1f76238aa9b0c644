// Keys and places of a figure that can be chosen.

import assert from "node:assert/strict";
import { test } from "node:test";
import { boxStyle, valueForKey } from "../src/spots";

test("arrow keys move to the neighbours and stop at the ends", () => {
  const values = [2, 3, 5];
  assert.equal(valueForKey("ArrowRight", values, 3), 5);
  assert.equal(valueForKey("ArrowDown", values, 5), 5);
  assert.equal(valueForKey("ArrowLeft", values, 3), 2);
  assert.equal(valueForKey("ArrowUp", values, 2), 2);
  assert.equal(valueForKey("Home", values, 5), 2);
  assert.equal(valueForKey("End", values, 2), 5);
});

test("other keys choose nothing", () => {
  assert.equal(valueForKey("Enter", [2, 3], 2), undefined);
});

test("places are percentages of the figure", () => {
  assert.deepEqual(boxStyle([0.25, 0, 0.5, 1]), { left: "25%", top: "0%", width: "50%", height: "100%" });
});
