// The picture is outdated from the move of a control until a frame of the newest settings.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Freshness } from "../src/freshness";
import type { LiveViewModel } from "../src/protocol";
import { statusWords } from "../src/status";
import { header } from "./header";

/** A model with one control. */
function models() {
  const listeners: Record<string, () => void> = {};
  const traits: Record<string, unknown> = { watched: ["a"], activity: {} };
  const on = (event: string, callback: () => void) => {
    listeners[event] = callback;
  };
  const control = { on, off: (event: string) => delete listeners[event] };
  const model = { get: (name: string) => traits[name], on, off: control.off };
  const manager = { get_model: () => Promise.resolve(control) };
  return { model: { ...model, widget_manager: manager } as unknown as LiveViewModel, traits, listeners };
}

test("a move makes the picture outdated until a frame of the newest settings", async () => {
  const { model, traits, listeners } = models();
  let changes = 0;
  const freshness = new Freshness(model, () => {
    changes += 1;
  });
  await Promise.resolve();
  assert.equal(freshness.stale(1), false);
  listeners["change:value change:index"]();
  assert.deepEqual([freshness.stale(1), freshness.waiting, changes], [true, true, 1]);
  traits.activity = { generation: 2, text: "k = 4", progress: null, failed: false };
  listeners["change:activity"]();
  assert.deepEqual([freshness.stale(1), freshness.stale(2), freshness.waiting], [true, false, false]);
  freshness.remove();
  assert.deepEqual(Object.keys(listeners), []);
});

test("the outcome belongs to what is shown", () => {
  const shown = header({ status: { outcome: "converged" }, final: true });
  const activity = { generation: 2, text: "k = 4", progress: null, failed: false };
  const present = { stale: true, waiting: false, activity, error: "" };
  assert.deepEqual(statusWords(shown, present), ["working", "on k = 4; the picture shows the last answer, converged"]);
  assert.equal(statusWords(shown, { ...present, stale: false })[0], "converged");
  assert.equal(statusWords(shown, { ...present, activity: { ...activity, failed: true } })[0], "failed");
  assert.deepEqual(statusWords(null, present), ["working", "on k = 4"]);
});
