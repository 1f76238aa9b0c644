// Shapes of regions: what is drawn while the pointer moves, and what Python gets.

import "./fake_document";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { MapGrid } from "../src/maps";
import { pointOf } from "../src/pins";
import { Drawing, outlineOf, paint } from "../src/shapes";
import { tool } from "../src/tools/region";
import { fake } from "./fake_document";
import { frame } from "./frame";
import { callingStage } from "./stage";

const pressed = { buttons: 1 } as PointerEvent;

test("a rectangle has four corners and an ellipse touches the sides of its box", () => {
  const box = [
    [0.2, 0.1],
    [0.6, 0.5],
  ] as const;
  assert.deepEqual(outlineOf("rectangle", box), [
    [0.2, 0.1],
    [0.2, 0.5],
    [0.6, 0.5],
    [0.6, 0.1],
  ]);
  const ellipse = outlineOf("ellipse", box);
  const side = (pick: 0 | 1) => ellipse.map((one) => one[pick]);
  for (const [found, wanted] of [
    [Math.min(...side(0)), 0.2],
    [Math.max(...side(0)), 0.6],
    [Math.min(...side(1)), 0.1],
    [Math.max(...side(1)), 0.5],
  ])
    assert.ok(Math.abs(found - wanted) < 1e-12);
});

test("a brush marks pixels within its radius of the path, also between two positions of the pointer", () => {
  const mask = new Uint8Array(5 * 7);
  paint(mask, [5, 7], [0.5, 0.5 / 7], [0.5, 6.5 / 7], 1);
  const rows = Array.from({ length: 5 }, (_, row) => [...mask.subarray(7 * row, 7 * row + 7)].join(""));
  assert.deepEqual(rows, ["0000000", "1111111", "1111111", "1111111", "0000000"]);
});

test("equal corners and too few positions make no region", () => {
  const grid = { shape: [4, 4] as const, width: 1 };
  const drawn = new Drawing();
  drawn.add("rectangle", [0.1, 0.1], grid);
  assert.equal(drawn.finished("rectangle"), null);
  drawn.add("rectangle", [0.1, 0.6], grid);
  assert.equal(drawn.finished("rectangle"), null);
  drawn.add("rectangle", [0.7, 0.6], grid);
  assert.deepEqual(drawn.finished("rectangle"), [
    [0.1, 0.1],
    [0.7, 0.6],
  ]);
});

test("the chosen shape is drawn, and Python gets its name and the diameter of the brush", () => {
  const now = frame();
  const outlines: (readonly string[])[] = [];
  const tiles = [{ showOutlines: (paths: readonly string[]) => outlines.push(paths), showNames() {} }];
  const root = { classList: { toggle() {} } } as unknown as HTMLElement;
  const { stage, calls } = callingStage({}, { frame: now, maps: { tiles } as unknown as MapGrid, root });
  const gestures = tool.start(stage);
  const [draw, choices] = (gestures.mapControls ?? []).map(fake);
  assert.equal(choices.getAttribute("hidden"), "");
  draw.fire("click");
  assert.equal(choices.hidden, false);
  const [list] = choices.all("mffnb-select");
  const drag = () => {
    for (const pixel of [
      [0, 0],
      [0, 1],
      [1, 2],
    ] as const)
      gestures.mapMove?.(pointOf(pixel, now), pressed);
    const path = outlines.at(-1)?.[0] ?? "";
    gestures.mapUp?.();
    return path;
  };
  const corners = [
    [0.25, 0.5 / 3],
    [0.75, 2.5 / 3],
  ];
  for (const shape of ["rectangle", "ellipse"]) {
    list.value = shape;
    list.fire("change");
    assert.ok(drag().startsWith("M"));
    assert.deepEqual(calls.pop(), ["region", { outline: corners, shape }]);
  }
  list.value = "brush";
  list.fire("change");
  assert.equal(choices.all("mffnb-field")[0].hidden, false);
  choices.all("mffnb-fraction")[0].value = "1";
  const path = drag();
  assert.ok(path.startsWith("M") && path.includes("H")); // around its pixels
  const [, called] = calls.pop() as [string, { outline: number[][]; shape: string; width: number }];
  assert.deepEqual([called.outline.length, called.shape, called.width], [3, "brush", 1]);
});
