// Tools "identify" and "match": clicks on peaks, keys, and the tables of what Python has found.

import "./fake_document";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SpectraPlot } from "../src/spectra";
import { tool as highlight } from "../src/tools/highlight";
import { contentOf, tool } from "../src/tools/identify";
import { tool as match, contentOf as matches } from "../src/tools/match";
import { FakeElement, fake } from "./fake_document";
import { callingStage, fakeModel } from "./stage";

const found = {
  shown: true,
  channel: 43,
  tolerance: 0.25,
  table: "ions",
  label: "m/z (u)",
  assignment: ["C₂H₃O⁺", "C₃H₇⁺"],
  position: [43.01784, 43.05423],
  difference: [-0.01784, -0.05423],
  note: ["fragment", ""],
};

function started(values: object | null, peak: object | null = null, measured: number | null = null) {
  const keys: ((event: object) => void)[] = [];
  const root = Object.assign(new FakeElement("div"), {
    addEventListener: (_: string, listener: (event: object) => void) => keys.push(listener),
  });
  const plot = {
    root,
    channelStep: 0.25,
    peakAt: () => peak,
    measuredPeakAt: () => measured,
    channelOf: () => 43,
    peakChannels: () => [23, 43, 57],
    laneAt: () => 1,
  } as unknown as SpectraPlot;
  const { model, state } = fakeModel({ highlighted: [] });
  const maps = { components: [1, 2, 3] } as never;
  const lanes = [{ component: 0 }, { component: 1 }] as never;
  const parts = callingStage(values, { plot, model, maps, lanes });
  const gestures = tool.start(parts.stage);
  const press = (key: string, shiftKey = false) => {
    for (const listener of keys) listener({ key, shiftKey, preventDefault() {} });
  };
  return { ...parts, gestures, press, state, root, others: highlight.start(parts.stage) };
}

/** A click that tells whether a tool has taken it. */
function click() {
  const event = { defaultPrevented: false, preventDefault: () => Object.assign(event, { defaultPrevented: true }) };
  return event as unknown as MouseEvent;
}

test("a click on a peak asks for its candidates and highlights nothing", () => {
  const { gestures, others, calls, state } = started({}, {});
  const event = click();
  gestures.spectraClick?.(event);
  others.spectraClick?.(event);
  assert.deepEqual(calls, [["identify", { channel: 43 }]]);
  assert.deepEqual(state.highlighted, []);
});

test("a click on a measured spectrum or a residual asks for its channel, which has no label", () => {
  const { gestures, calls, state, root } = started({}, null, 8.05);
  const event = click();
  gestures.spectraMove?.(event as PointerEvent);
  gestures.spectraClick?.(event);
  assert.deepEqual([calls, event.defaultPrevented], [[["identify", { channel: 8.05 }]], true]);
  assert.deepEqual([state.highlighted, root.className.includes("mffnb-on-peak")], [[], true]);
});

test("a click elsewhere, or where Python cannot be called, highlights", () => {
  for (const { gestures, others, calls, state } of [started({}), started(null, {})]) {
    const event = click();
    gestures.spectraClick?.(event);
    others.spectraClick?.(event);
    assert.deepEqual([calls, state.highlighted], [[], [1]]);
  }
});

test("the key P goes through the peaks in both directions", () => {
  const { press, calls } = started({});
  for (const [key, shift] of [
    ["p", false],
    ["p", false],
    ["P", true],
    ["P", true],
    ["x", false],
  ] as const) {
    press(key, shift);
  }
  assert.deepEqual(
    calls.map(([, words]) => (words as { channel: number }).channel),
    [23, 43, 23, 57],
  );
  const silent = started(null);
  silent.press("p");
  assert.deepEqual(silent.calls, []);
});

test("the pointer shows where a peak can be clicked", () => {
  const { gestures, root } = started({}, {});
  gestures.spectraMove?.({} as PointerEvent);
  assert.ok(root.classList.contains("mffnb-on-peak"));
});

test("candidates stand in a table that a button removes", () => {
  const { gestures, shown, calls } = started({});
  const panel = fake(gestures.panel);
  gestures.traitsChanged?.();
  assert.equal(panel.hidden, true);
  shown.values = found;
  gestures.traitsChanged?.();
  assert.equal(panel.hidden, false);
  assert.match(panel.textContent, /Peak at 43\.0 u: 2 candidates within 0\.25 u \(ions\)/);
  assert.match(panel.textContent, /C₂H₃O⁺43\.018−0\.018fragment/);
  panel.all("mffnb-button")[0].fire("click");
  assert.deepEqual(calls, [["identify", { shown: false }]]);
});

test("a peak without candidates says so", () => {
  const nothing = { ...found, assignment: [], position: [], difference: [], note: [] };
  const { title, rows } = contentOf(nothing, 0.25);
  assert.match(title, /no candidate within 0\.25 u/);
  assert.deepEqual(rows, []);
});

test("a position without a unit follows the name of the axis", () => {
  const { title, heads } = contentOf({ ...found, label: "m/z" }, 0.25);
  assert.match(title, /^Peak at m\/z 43\.0: 2 candidates within 0\.25 \(ions\)$/);
  assert.equal(heads[1], "position");
});

test("matches have one row per component, the most similar spectrum first", () => {
  const shown = {
    shown: true,
    component: ["component 0", "component 0", "lignin", "lignin"],
    spectrum: ["a", "b", "b", "a"],
    angle: [0.1, 0.5, 0.05, 1],
  };
  const { heads, rows } = matches(shown);
  assert.deepEqual(heads, ["component", "most similar", "2."]);
  assert.deepEqual(rows, [
    ["component 0", "a (0.100)", "b (0.500)"],
    ["lignin", "b (0.050)", "a (1.000)"],
  ]);
  const { stage, calls } = callingStage(shown);
  const gestures = match.start(stage);
  gestures.traitsChanged?.();
  const panel = fake(gestures.panel);
  assert.equal(panel.hidden, false);
  panel.all("mffnb-button")[0].fire("click");
  assert.deepEqual(calls, [["match", { shown: false }]]);
});
