// Facts of the status line.

import assert from "node:assert/strict";
import { test } from "node:test";
import { StatusLine, statusFacts } from "../src/status";
import { fake } from "./fake_document";
import { header } from "./header";

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

test("during a run the values change in their elements, and another outcome makes a new line", () => {
  const status = new StatusLine();
  const present = { stale: false, waiting: false, activity: {}, error: "" };
  const show = (iteration: number, final = false) => status.show(header({ status: { iteration }, final }), present);
  const line = () => fake(status.root).all("mffnb-fact")[0];
  show(1);
  const first = line();
  assert.equal(first.textContent, "iteration 1");
  show(2);
  assert.equal(line(), first);
  assert.equal(first.textContent, "iteration 2");
  show(2, true);
  assert.notEqual(line(), first);
  assert.equal(fake(status.root).all("mffnb-outcome")[0].textContent, "done");
  assert.equal(line().textContent, "iteration 2");
});
