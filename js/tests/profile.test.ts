// Tool "profile": geometry of a line with a width, the chart, the table, gestures and calls of Python.

import "./fake_document";
import assert from "node:assert/strict";
import { test } from "node:test";
import { csvOf, curvePath, rangeOf } from "../src/line_chart";
import { MapTile } from "../src/maps";
import { areaOfLine, distanceAcross, pointOn } from "../src/profile_line";
import { chartData, tool } from "../src/tools/profile";
import { fake } from "./fake_document";
import { frame } from "./frame";
import { callingStage } from "./stage";

const line = { start: [0.5, 0], end: [0.5, 1], width: 4 } as const;

test("the area of a line is a rectangle of its width, in shares of an image of 10 x 20 units", () => {
  const [height, width] = [10, 20];
  const corners = areaOfLine(line, [height, width]);
  assert.deepEqual(corners.map(([y, x]) => [y * height, x * width]).sort(), [
    [3, 0],
    [3, 20],
    [7, 0],
    [7, 20],
  ]);
  assert.deepEqual(pointOn(line, [height, width], 0.25), [0.5, 0.25]);
  assert.equal(distanceAcross(line, [height, width], [0.75, 0.3]), 2.5);
});

test("a curve has gaps where values are missing, and the table has empty cells there", () => {
  const [x, values] = [Float32Array.of(0, 1, 2, 3), Float32Array.of(1, Number.NaN, 2, 3)];
  const same = (value: number) => value;
  assert.equal(curvePath(x, values, same, same), "M0.0 1.0M2.0 2.0L3.0 3.0");
  const curves = [{ label: 'a, "b"', colour: "#000", values }];
  assert.equal(
    csvOf({ x, xLabel: "distance (nm)", yLabel: "abundance", curves }),
    'distance (nm),"a, ""b"""\n0,1\n1,\n2,2\n3,3\n',
  );
  assert.deepEqual(rangeOf(curves), [0, 3]);
  assert.deepEqual(rangeOf([{ label: "", colour: "", values: new Float32Array(2) }]), [0, 1]);
});

function shown(more: object = {}) {
  return {
    shown: true,
    line: [line.start, line.end],
    width: 4,
    extent: [10, 20],
    pixel: 2,
    units: "µm",
    numbers: [1, 0],
    distance: Float32Array.of(0, 20).buffer,
    values: Float32Array.of(1, 2, 3, 4).buffer,
    python: "explorer.profile(...)",
    ...more,
  };
}

test("curves have the colours of their components, and hidden ones are left out", () => {
  const image = frame();
  const all = chartData(shown() as never, image);
  assert.deepEqual(
    all?.curves.map(({ colour, values }) => [colour, ...values]),
    [
      [image.header.colors[1], 1, 2],
      [image.header.colors[0], 3, 4],
    ],
  );
  assert.equal(all?.xLabel, "distance (µm)");
  const header = { ...image.header, hidden: [1] };
  assert.deepEqual(
    chartData(shown() as never, { ...image, header })?.curves.map(({ label }) => label),
    [header.labels[0]],
  );
});

test("the button draws a first line; dragging on a map draws another one, a handle moves it", () => {
  const tile = new MapTile("a", "#123456");
  const image = { label: "a", colour: "#123456", codes: new Uint8Array(6), range: [0, 1], shape: [2, 3] } as const;
  const root = fake(document.createElement("div"));
  const parts = { frame: frame(), images: [image], root: root as never, tip: { hide() {} } as never };
  const { stage, calls, shown: state } = callingStage({}, parts);
  const gestures = tool.start(stage);
  const [toggle] = (gestures.mapControls ?? []).map(fake);
  gestures.traitsChanged?.();
  gestures.tileMade?.(tile, 0);
  toggle.fire("click");
  const first = { line: [[0.5, 0.1] as const, [0.5, 0.9] as const] };
  assert.deepEqual(calls.pop(), ["profile", first]);
  const picture = fake(tile.picture);
  picture.box = [0, 0, 300, 200];
  const drag = (from: number[], to: number[]) => {
    picture.fire("pointerdown", { button: 0, clientX: from[0], clientY: from[1] });
    picture.fire("pointermove", { buttons: 1, clientX: to[0], clientY: to[1], pointerId: 1 });
    picture.fire("pointerup");
  };
  drag([30, 20], [90, 20]);
  assert.deepEqual(calls, []); // the tool is off
  state.values = shown();
  gestures.traitsChanged?.();
  drag([30, 20], [31, 20]);
  assert.deepEqual(calls, []); // a click
  drag([30, 20], [330, 120]);
  const drawn = {
    line: [
      [0.1, 0.1],
      [0.6, 1],
    ],
    width: 4,
  };
  assert.deepEqual(calls.splice(0), [
    ["profile", { ...drawn, moving: true }],
    ["profile", drawn],
  ]);
  state.values = shown({ line: drawn.line, values: Float32Array.of(1, 2, 3, 4).buffer });
  gestures.traitsChanged?.();
  const [handle] = picture.all("mffnb-line-end");
  handle.fire("keydown", { key: "ArrowUp", shiftKey: false });
  const moved = calls.pop() as unknown as [string, { line: number[][] }];
  assert.deepEqual(moved[1].line[1], [0.6 - 2 / 10, 1]);
  const [side] = picture.all("mffnb-line-width");
  side.fire("keydown", { key: "ArrowRight", shiftKey: false });
  assert.equal((calls.pop() as unknown as [string, { width: number }])[1].width, 6);
  toggle.fire("click");
  assert.deepEqual(calls.pop(), ["profile", { shown: false }]);
});
