// Tool "probe": the model at once, the measured spectrum when Python has answered, and the kept pixel.

import assert from "node:assert/strict";
import { test } from "node:test";
import { componentImages } from "../src/images";
import type { MapGrid } from "../src/maps";
import type { MapPoint } from "../src/pointer";
import type { Lane } from "../src/spectra";
import { pointOf, tool } from "../src/tools/probe";
import { frame } from "./frame";
import { callingStage } from "./stage";

function started(values: object | null) {
  const now = frame();
  const pins: (MapPoint | null)[] = [];
  const maps = { tiles: [{ placePin: (point: MapPoint | null) => pins.push(point) }] } as unknown as MapGrid;
  const parts = callingStage(values, { frame: now, images: componentImages(now), maps });
  const gestures = tool.start(parts.stage);
  return { ...parts, gestures, now, pins, lanes: () => gestures.lanes?.(now) ?? [] };
}

const answer = (pixel: readonly [number, number], pinned = false) => ({
  pixel,
  pinned,
  channel: Float32Array.of(1, 2, 3, 4).buffer,
  measured: Float32Array.of(2, 3, 0, 5).buffer,
});
const texts = (lanes: readonly Lane[]) => lanes.map(({ label }) => label);
const curve = (lane: Lane) => [...lane.values];

test("without a pointer the model of the mean pixel is drawn, and nothing is asked", () => {
  const { lanes, calls } = started({});
  assert.deepEqual(texts(lanes()), ["mean model", "residual"]);
  assert.ok(lanes()[0].values[1] > 0);
  assert.deepEqual(curve(lanes()[1]), [0, 0, 0, 0]);
  assert.deepEqual(calls, []);
});

test("pointing shows the model at once, then the measured spectrum and the residual", () => {
  const { lanes, calls, gestures, shown, now } = started({});
  gestures.mapMove?.(pointOf([0, 2], now), {} as PointerEvent);
  assert.deepEqual(calls, [["probe", { pixel: [0, 2], pinned: false }]]);
  assert.deepEqual([texts(lanes())[0], curve(lanes()[0])], ["pixel 2, 0", [1, 0, 0, 2]]);
  assert.deepEqual(
    lanes()[0].stack?.map(({ values }) => values[3]),
    [2, 2],
  );
  shown.values = answer([0, 2]);
  gestures.traitsChanged?.();
  assert.deepEqual(
    [curve(lanes()[0]), [...(lanes()[0].model ?? [])]],
    [
      [2, 3, 0, 5],
      [1, 0, 0, 2],
    ],
  );
  assert.deepEqual(curve(lanes()[1]), [1, 3, 0, 3]);
  gestures.mapLeave?.();
  assert.equal(texts(lanes())[0], "mean model");
  gestures.mapMove?.(pointOf([0, 2], now), {} as PointerEvent);
  assert.equal(calls.length, 1); // the answer is kept
});

test("while an answer is awaited only the newest pixel is asked afterwards", () => {
  const { calls, gestures, shown, now } = started({});
  for (const x of [0, 1, 2]) gestures.mapMove?.(pointOf([1, x], now), {} as PointerEvent);
  assert.deepEqual(calls, [["probe", { pixel: [1, 0], pinned: false }]]);
  shown.values = answer([1, 0]);
  gestures.traitsChanged?.();
  assert.deepEqual(calls[1], ["probe", { pixel: [1, 2], pinned: false }]);
});

test("a click keeps the pixel, a second one releases it", () => {
  const { lanes, calls, gestures, pins, now } = started({});
  const point = pointOf([1, 1], now);
  gestures.mapClick?.(point, {} as MouseEvent);
  assert.deepEqual(calls, [["probe", { pixel: [1, 1], pinned: true }]]);
  assert.deepEqual([texts(lanes())[0], pins.at(-1)], ["pixel 1, 1", point]);
  gestures.mapClick?.(point, {} as MouseEvent);
  assert.deepEqual([texts(lanes())[0], pins.at(-1)], ["mean model", null]);
});

test("a pixel that Python has pinned is shown after a reload", () => {
  const { lanes } = started(answer([0, 1], true));
  assert.equal(texts(lanes())[0], "pixel 1, 0");
});

test("on another grid, neither the kept pixel nor its measured spectrum is shown", () => {
  const { gestures, now, lanes } = started(answer([0, 1], true));
  assert.equal(texts(lanes())[0], "pixel 1, 0");
  const binned = { ...now, header: { ...now.header, shape: [1, 2] as const } };
  const [lane] = gestures.lanes?.(binned) ?? [];
  assert.deepEqual([lane.label, lane.model], ["mean model", undefined]);
});

test("where Python cannot be called, the model is drawn and nothing is asked", () => {
  const { lanes, calls, gestures, now } = started(null);
  gestures.mapMove?.(pointOf([0, 0], now), {} as PointerEvent);
  gestures.mapClick?.(pointOf([0, 0], now), {} as MouseEvent);
  assert.deepEqual([calls, texts(lanes())[0]], [[], "pixel 0, 0"]);
});
