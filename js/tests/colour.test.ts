// Colours and the ramp of a component.

import assert from "node:assert/strict";
import { test } from "node:test";
import { NEGATIVE_RAMP, parseColour, ramp, withOpacity } from "../src/colour";

const at = (table: Uint8Array, i: number) => Array.from(table.subarray(3 * i, 3 * i + 3));

test("hexadecimal colours are parsed", () => {
  assert.deepEqual(parseColour("#2b83d6"), [0x2b, 0x83, 0xd6]);
  assert.equal(withOpacity("#ff0080", 0.45), "rgba(255,0,128,0.45)");
});

test("a ramp starts dark, passes its colour at three quarters and ends in a tint", () => {
  const table = ramp("#2b83d6");
  assert.equal(table.length, 768);
  assert.deepEqual(at(table, 0), [13, 15, 20]);
  const colour = parseColour("#2b83d6");
  assert.ok(at(table, 191).every((part, c) => Math.abs(part - colour[c]) <= 1));
  assert.deepEqual(at(table, 255), [159, 199, 236]);
});

test("ramps become brighter step by step", () => {
  for (const table of [ramp("#d62728"), ramp("#2ca02c"), NEGATIVE_RAMP]) {
    const brightness = Array.from({ length: 256 }, (_, i) => at(table, i).reduce((sum, part) => sum + part, 0));
    assert.ok(brightness.every((value, i) => i === 0 || value >= brightness[i - 1]));
    assert.ok(brightness[255] > brightness[0] + 300);
  }
});
