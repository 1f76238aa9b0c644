// Numbers that are typed beside a slider.

import assert from "node:assert/strict";
import { test } from "node:test";
import { typedNumber } from "../src/typed_numbers";

test("a number that is not negative is taken, with point or comma", () => {
  assert.equal(typedNumber(" 0.0123 "), 0.0123);
  assert.equal(typedNumber("1e-3"), 0.001);
  assert.equal(typedNumber("0,5"), 0.5);
  assert.equal(typedNumber("0"), 0);
});

test("anything else is not", () => {
  for (const text of ["", "  ", "abc", "-1", "1e999", "1 2", "NaN"]) assert.equal(typedNumber(text), null);
});
