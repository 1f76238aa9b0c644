// Tool "probe": the model at once, the measured spectrum when Python has answered, and the kept pixel.

import assert from "node:assert/strict";
import { test } from "node:test";
import { componentImages } from "../src/images";
import type { MapGrid, Mark } from "../src/maps";
import { pixelsAround, pointOf } from "../src/pins";
import type { Lane } from "../src/spectra";
import { tool as pinTool } from "../src/tools/drop_pin";
import { tool } from "../src/tools/probe";
import { fake } from "./fake_document";
import { frame } from "./frame";
import { callingStage } from "./stage";

function started(values: object | null) {
  const now = frame();
  const pins: string[][] = [];
  const tile = {
    placePins: (marks: readonly Mark[]) => pins.push(marks.map(({ text, fx, fy }) => `${text}:${fx},${fy}`)),
  };
  const maps = { tiles: [tile] } as unknown as MapGrid;
  const parts = callingStage(values, { frame: now, images: componentImages(now), maps });
  const gestures = tool.start(parts.stage);
  const kept = pinTool.start(parts.stage);
  const changed = () => [gestures, kept].map((one) => one.traitsChanged?.());
  const lanes = () => [gestures, kept].flatMap((one) => one.lanes?.(now) ?? []);
  return { ...parts, gestures, kept, changed, now, pins, lanes };
}

/** What Python shows: the answer to the last question, and the pixels that it keeps. */
const answer = (pixel: readonly [number, number], kept: readonly (readonly [number, number])[] = []) => ({
  pixel,
  pinned: kept.length > 0,
  pins: kept.map((one, i) => pin(`P${i + 1}`, one)),
  channel: Float32Array.of(1, 2, 3, 4).buffer,
  measured: Float32Array.of(2, 3, 0, 5).buffer,
});
const pin = (name: string, pixel: readonly [number, number], radius = 0) => ({
  name,
  pixel,
  radius,
  pixels: 1,
  shape: [2, 3],
  channel: Float32Array.of(1, 2, 3, 4).buffer,
  measured: Float32Array.of(2, 3, 0, 5).buffer,
});
const texts = (lanes: readonly Lane[]) => lanes.map(({ label }) => label);
const curve = (lane: Lane) => [...lane.values];

test("without a pointer the model of the mean pixel is drawn, and nothing is asked", () => {
  const { lanes, calls } = started({});
  assert.deepEqual(texts(lanes()), ["mean model", "residual"]);
  assert.ok(lanes()[0].values[1] > 0);
  assert.ok(curve(lanes()[1]).every(Number.isNaN)); // unknown, not zero
  assert.deepEqual(calls, []);
});

test("pointing shows the model at once, then the measured spectrum and the residual", () => {
  const { lanes, calls, gestures, shown, now } = started({});
  gestures.mapMove?.(pointOf([0, 2], now), {} as PointerEvent);
  assert.deepEqual(calls, [["probe", { pixel: [0, 2], pinned: false }]]);
  assert.deepEqual([texts(lanes())[0], curve(lanes()[0])], ["pixel x 2, y 0", [1, 0, 0, 2]]);
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

test("a click keeps the pixel, and a click on a kept one removes it", () => {
  const { lanes, calls, gestures, changed, pins, shown, now } = started({});
  const point = pointOf([1, 1], now);
  gestures.mapClick?.(point, {} as MouseEvent);
  assert.deepEqual(calls, [["probe", { pixel: [1, 1], pinned: true }]]);
  assert.equal(texts(lanes())[0], "pixel x 1, y 1"); // at once
  shown.values = answer([1, 1], [[1, 1]]);
  changed();
  assert.deepEqual(pins.at(-1), [`P1:${point.fx},${point.fy}`]);
  assert.deepEqual(
    [texts(lanes()), curve(lanes()[0])],
    [
      ["pixel x 1, y 1", "residual"],
      [2, 3, 0, 5],
    ],
  );
  gestures.mapClick?.(point, {} as MouseEvent);
  assert.deepEqual(calls[1], ["drop_pin", { name: "P1" }]);
  shown.values = answer([1, 1]);
  changed();
  assert.deepEqual([texts(lanes())[0], pins.at(-1)], ["mean model", []]);
});

test("several kept pixels have lanes, colours and chips of their own", () => {
  const { lanes, calls, kept, changed } = started(
    answer(
      [0, 1],
      [
        [0, 1],
        [1, 0],
      ],
    ),
  );
  changed();
  const all = lanes();
  assert.deepEqual(texts(all), ["pixel x 0, y 1", "residual", "P1: pixel x 1, y 0", "P2: pixel x 0, y 1"]);
  assert.notEqual(all[2].colour, all[3].colour);
  assert.ok(Math.abs((all[2].model?.[0] ?? 0) - 0.5) < 1e-6); // half of the first component
  const [fewer, more, hold, remove] = fake(kept.bar).all("mffnb-place-button");
  for (const one of [more, hold, remove, fewer]) one.fire("click");
  assert.deepEqual(calls, [
    ["probe", { pixel: [0, 1], radius: 1, pinned: true }],
    ["hold", { pixel: [0, 1], radius: 0, name: "P1" }],
    ["drop_pin", { name: "P1" }],
    ["probe", { pixel: [0, 1], radius: 0, pinned: true }],
  ]);
});

test("pixels within the radius of a pin are those that Python averages", () => {
  assert.equal(pixelsAround({ pixel: [5, 5], radius: 2 }, [11, 11]).length, 13);
  assert.deepEqual(pixelsAround({ pixel: [0, 0], radius: 1 }, [2, 3]), [
    [0, 0],
    [0, 1],
    [1, 0],
  ]);
});

test("a pixel that Python has pinned is shown after a reload", () => {
  const { lanes } = started(answer([0, 1], [[0, 1]]));
  assert.equal(texts(lanes())[0], "pixel x 1, y 0");
});

test("on another grid, neither the kept pixel nor its measured spectrum is shown", () => {
  const { stage, gestures, now, lanes } = started(answer([0, 1], [[0, 1]]));
  assert.equal(texts(lanes())[0], "pixel x 1, y 0");
  const binned = { ...now, header: { ...now.header, shape: [1, 2] as const } };
  Object.assign(stage, { frame: binned });
  const [lane] = gestures.lanes?.(binned) ?? [];
  assert.deepEqual([lane.label, lane.model], ["mean model", undefined]);
});

test("where Python cannot be called, the model is drawn and nothing is asked", () => {
  const { lanes, calls, gestures, now } = started(null);
  gestures.mapMove?.(pointOf([0, 0], now), {} as PointerEvent);
  gestures.mapClick?.(pointOf([0, 0], now), {} as MouseEvent);
  assert.deepEqual([calls, texts(lanes())[0]], [[], "pixel x 0, y 0"]);
});
