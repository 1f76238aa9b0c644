// Tools: their pure functions, and their gestures on a stage without a page.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { TOOLS } from "all-tools";
import { brightOf, highlightedOf, toggled } from "../src/highlighting";
import { componentImages } from "../src/images";
import type { MapGrid } from "../src/maps";
import type { Frame } from "../src/protocol";
import type { SpectraPlot } from "../src/spectra";
import type { Tip } from "../src/tip";
import type { Stage } from "../src/tool";
import { CLIP, GAMMA } from "../src/tools/contrast";
import { tool as highlight } from "../src/tools/highlight";
import { tool as readMap } from "../src/tools/read_map";
import { header } from "./header";
import { fakeModel, fakeStage } from "./stage";

test("every module in tools/ is listed, under its own name", () => {
  const modules = readdirSync("src/tools").map((file) => file.replace(/\.ts$/, ""));
  assert.deepEqual(TOOLS.map((tool) => tool.name).sort(), modules.sort());
});

test("tools are ordered by their places", () => {
  const places = TOOLS.map((tool) => tool.place ?? 0);
  assert.deepEqual(
    places,
    [...places].sort((a, b) => a - b),
  );
});

test("highlighting: one, another, none, and all is none", () => {
  assert.deepEqual(toggled([], 1, 3), [1]);
  assert.deepEqual(toggled([1], 2, 3), [1, 2]);
  assert.deepEqual(toggled([1, 2], 1, 3), [2]);
  assert.deepEqual(toggled([1, 2], 0, 3), []);
  assert.deepEqual(highlightedOf([0, 5], 3), [0]);
});

test("components fade only while others are highlighted", () => {
  assert.deepEqual(brightOf([], 3), [true, true, true]);
  assert.deepEqual(brightOf([2], 3), [false, false, true]);
});

test("a click on a name or on a lane highlights the component", () => {
  const { model, state, saves } = fakeModel({ highlighted: [7] });
  const maps = { components: [1, 2, 3] } as unknown as MapGrid;
  let lane = 2;
  const plot = { laneAt: () => lane } as unknown as SpectraPlot;
  const lanes = [0, 1, 2].map((component) => ({ component })) as unknown as Stage["lanes"];
  const gestures = highlight.start(fakeStage({ model, maps, plot, lanes }));
  gestures.nameClick?.(0, {} as MouseEvent);
  assert.deepEqual(state.highlighted, [0]); // 7 is left over from more components
  gestures.spectraClick?.({} as MouseEvent);
  assert.deepEqual(state.highlighted, [0, 2]);
  lane = -1;
  gestures.spectraClick?.({} as MouseEvent);
  lane = 3; // a spectrum that a tool added
  gestures.spectraClick?.({} as MouseEvent);
  assert.deepEqual(state.highlighted, [0, 2]);
  assert.equal(saves(), 2);
});

test("pointing at a map shows the values of all components and moves all crosshairs", () => {
  const maps = [Uint8Array.of(0, 127, 254, 0, 0, 255), Uint8Array.of(0, 0, 0, 0, 127, 254)];
  const frame = { header: header({ pixel_size: [2, 2, "nm"] }), maps } as unknown as Frame;
  const added = {
    label: "band",
    colour: "#000000",
    codes: Uint8Array.of(0, 254),
    range: [0, 8],
    shape: [1, 2],
  } as const;
  const crosses: number[][] = [];
  const tiles = [0, 1].map(() => ({ placeCross: (fx: number, fy: number) => crosses.push([fx, fy]) }));
  const shown: unknown[][] = [];
  const tip = { show: (...words: unknown[]) => shown.push(words) } as unknown as Tip;
  const lanes = [
    { component: 1, bright: false },
    { component: 0, bright: true },
  ] as unknown as Stage["lanes"];
  const grid = { tiles, components: tiles } as unknown as MapGrid;
  const images = [...componentImages(frame), added];
  const gestures = readMap.start(fakeStage({ frame, images, lanes, tip, maps: grid }));
  gestures.mapMove?.({ fx: 0.8, fy: 0.8, x: 4, y: 3, index: 5 }, {} as PointerEvent);
  assert.deepEqual(crosses, [
    [0.8, 0.8],
    [0.8, 0.8],
  ]);
  const [, , title, note, rows] = shown[0];
  assert.deepEqual([title, note], ["x 8 nm, y 6 nm", "pixel x 4, y 3"]);
  assert.deepEqual(rows, [
    { label: "a", colour: "#2b83d6", value: Number.NaN, bright: true },
    { label: "b", colour: "#d62728", value: 1, bright: false },
    { label: "band", colour: "#000000", value: 8, bright: true },
  ]);
});

test("positions of the sliders and values of the traits are inverse to each other", () => {
  for (let position = CLIP.min; position <= CLIP.max; position += CLIP.step) {
    assert.ok(Math.abs(CLIP.toPosition(CLIP.toTrait(position)) - position) < 0.02);
  }
  for (let position = GAMMA.min; position <= GAMMA.max; position += GAMMA.step) {
    assert.ok(Math.abs(GAMMA.toPosition(GAMMA.toTrait(position)) - position) < 0.002);
  }
  assert.equal(CLIP.toTrait(1), 5);
  assert.equal(GAMMA.toTrait(0), 1);
});
