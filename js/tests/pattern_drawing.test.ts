// Shapes on patterns: gestures of pointer and keys, and calls of Python.

import "./fake_document";
import assert from "node:assert/strict";
import { test } from "node:test";
import { MapTile } from "../src/maps";
import { PatternDrawing } from "../src/pattern_drawing";
import type { Corner } from "../src/polygon";
import { outlineOf } from "../src/shapes";
import { fake } from "./fake_document";
import { frame } from "./frame";
import { callingStage } from "./stage";

function drawing() {
  const image = frame();
  const axis = { label: "k", first: 0, last: 1 };
  const pattern = { shape: [10, 20], axes: [axis, axis] } as const;
  const parameters = { area: { left_out: [], only: [], channels: ["M1"] } };
  const now = { ...image, header: { ...image.header, pattern, parameters } };
  const { stage, calls, shown } = callingStage({}, { frame: now });
  const one = new PatternDrawing(stage);
  const tile = new MapTile("a", "#123456");
  one.attach([tile]);
  const picture = fake(tile.picture);
  picture.box = [0, 0, 200, 100];
  const [spot, toggle] = fake(one.control).all("mffnb-button");
  return { one, picture, calls, spot, toggle, shown, tile };
}

test("a drag on a pattern leaves channels out, but only while drawing is on", () => {
  const { one, picture, calls, toggle } = drawing();
  const drag = () => {
    picture.fire("pointerdown", { button: 0, clientX: 20, clientY: 10 });
    picture.fire("pointermove", { clientX: 60, clientY: 50 });
    picture.fire("pointerup");
  };
  drag();
  assert.deepEqual(calls, []);
  toggle.fire("click");
  fake(fake(one.control).children[2]).value = "rectangle";
  drag();
  const expected = {
    outline: outlineOf("rectangle", [
      [0.1, 0.1],
      [0.5, 0.3],
    ]),
  };
  assert.deepEqual(calls.pop(), ["leave_out_channels", expected]);
});

test("keys move and resize a shape, and Enter leaves its channels out", () => {
  const { picture, calls, toggle } = drawing();
  toggle.fire("click");
  const key = (name: string) => picture.fire("keydown", { key: name, shiftKey: false });
  key("Enter");
  assert.deepEqual(calls, []); // there is no shape yet
  key("ArrowRight");
  key("+");
  key("Enter");
  const [name, { outline }] = calls.pop() as unknown as [string, { outline: Corner[] }];
  assert.equal(name, "leave_out_channels");
  const right = Math.max(...outline.map(([, x]) => x));
  assert.ok(Math.abs(right - (0.5 + 1 / 20 + 0.08 * 1.25)) < 1e-9);
});

test("a drag with Spot pressed asks for the image of these channels, whose outline stays", () => {
  const { one, picture, calls, spot, toggle, shown, tile } = drawing();
  toggle.fire("click");
  spot.fire("click");
  assert.deepEqual(
    [spot, toggle].map((each) => each.getAttribute("aria-pressed")),
    ["true", "false"],
  );
  picture.fire("pointerdown", { button: 0, clientX: 20, clientY: 10 });
  picture.fire("pointermove", { clientX: 60, clientY: 50 });
  picture.fire("pointerup");
  const [name, { outline }] = calls.pop() as unknown as [string, { outline: Corner[] }];
  assert.equal(name, "band");
  assert.ok(outline.length > 8); // an ellipse
  const drawn: (readonly string[])[] = [];
  tile.showOutlines = (paths) => drawn.push(paths);
  shown.values = { shown: true, outline };
  one.show();
  shown.values = { shown: false };
  one.show();
  assert.deepEqual(
    drawn.map((paths) => paths.filter(Boolean).length),
    [1, 0],
  );
});

test("channels that are left out have a chip that uses them again", () => {
  const { one, calls } = drawing();
  one.show();
  const [button] = fake(one.chips.root).all("mffnb-place-button");
  button.fire("click");
  assert.deepEqual(calls.pop(), ["use_channels", { name: "M1" }]);
});

test("spectra without two channel axes have no shapes", () => {
  const { stage } = callingStage({}, { frame: frame() });
  const one = new PatternDrawing(stage);
  one.show();
  assert.equal(fake(one.control).hidden, true);
});
