// Facts of the status line.

import assert from "node:assert/strict";
import { test } from "node:test";
import { statusFacts } from "../src/status";

test("only what was reported is shown", () => {
  assert.deepEqual(statusFacts({}), []);
  assert.deepEqual(statusFacts({ iteration: null, objective: null }), []);
  assert.deepEqual(statusFacts({ iteration: 0 }), [["iteration", "0"]]);
});

test("numbers are rounded, and long times are in seconds", () => {
  const facts = statusFacts({ iteration: 12345, relative_error: 0.012345, objective: 1.23456, milliseconds: 999.4 });
  assert.deepEqual(facts, [
    ["iteration", "12\u2009345"],
    ["relative error", "0.0123"],
    ["objective", "1.235"],
    ["", "999 ms"],
  ]);
  assert.deepEqual(statusFacts({ milliseconds: 2340 }), [["", "2.3 s"]]);
});
