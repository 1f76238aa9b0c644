// Mixing of maps by colour: values by hand, what is reused while one weight is dragged, and the tool "composite".

import "./fake_document";
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseColour } from "../src/colour";
import { everyNth, type Layer, Mixer, previewStep, strengths } from "../src/composite";
import { greyPixels } from "../src/contrast";
import { enlargedLayout } from "../src/layout";
import { pictureSize } from "../src/png";
import { tool } from "../src/tools/composite";
import { fake } from "./fake_document";
import { frame } from "./frame";
import { generator } from "./random";
import { callingStage, fakeModel } from "./stage";

const bytesOf = (pixel: number) => [pixel & 255, (pixel >>> 8) & 255, (pixel >>> 16) & 255, pixel >>> 24];

const layer = (codes: readonly number[], colour: string, weight = 1): Layer => ({
  codes: Uint8Array.from(codes),
  colour: parseColour(colour),
  strength: strengths(Uint8Array.from(codes), [0, 1], weight, 0, 1),
});

test("a strength is the share of the maximum, times the weight, saturated", () => {
  const codes = Uint8Array.of(0, 100, 200, 255);
  const table = strengths(codes, [0, 1], 1, 0, 1);
  assert.deepEqual([table[0], table[100], table[200], table[254], table[255]], [0, 0.5, 1, 1, 0]);
  assert.equal(strengths(codes, [0, 1], 2, 0, 1)[100], 1);
  assert.equal(strengths(codes, [0, 1], 1, 0, 2)[100], 0.25);
  assert.equal(strengths(codes, [-1, 1], 1, 0, 1)[100], 0); // negative: zero is the code 127
});

test("pure pixels have the colours of their components, mixtures those weighted by squares", () => {
  const layers = [layer([254, 0, 254, 0, 255], "#ff0000"), layer([0, 254, 127, 0, 255], "#0000ff")];
  const pixels = Array.from(new Mixer().mix(layers, false), bytesOf);
  assert.deepEqual(pixels[0], [255, 0, 0, 255]);
  assert.deepEqual(pixels[1], [0, 0, 255, 255]);
  assert.deepEqual(pixels[2], [204, 0, 51, 255]); // squares 1 and 1 / 4
  assert.deepEqual(pixels[3], [13, 15, 20, 255]); // no component: dark
  assert.deepEqual(pixels[4], [0, 0, 0, 0]); // missing: clear
});

test("over an image the brightness is the opacity", () => {
  const layers = [layer([254, 127, 0], "#ff0000")];
  const pixels = Array.from(new Mixer().mix(layers, true), bytesOf);
  assert.deepEqual(
    pixels.map((pixel) => pixel[3]),
    [255, 128, 0],
  );
  assert.deepEqual(pixels[1].slice(0, 3), [255, 0, 0]);
});

test("what is reused while a weight is dragged does not change the picture", () => {
  const random = generator(1);
  const codes = Array.from({ length: 4 }, () => Array.from({ length: 50 }, () => Math.floor(255 * random())));
  const colours = ["#2b83d6", "#e69f00", "#009e73", "#cc79a7"];
  const dragged = new Mixer();
  for (const [moving, weight] of [
    [1, 1],
    [1, 0.3],
    [1, 0.1],
    [3, 2],
    [3, 1.5],
    [0, 0],
  ] as const) {
    const layers = codes.map((one, i) => layer(one, colours[i], i === moving ? weight : 1));
    const reused = Array.from(dragged.mix(layers, false), bytesOf);
    const fresh = Array.from(new Mixer().mix(layers, false), bytesOf);
    // The order of the sums differs: a rounded value may differ by one.
    const off = reused.map((pixel, j) => Math.max(...pixel.map((part, c) => Math.abs(part - fresh[j][c]))));
    assert.ok(Math.max(...off) <= 1);
  }
});

test("a grey image is stretched between its percentiles", () => {
  const pixels = Array.from(greyPixels(Uint8Array.of(100, 150, 200, 255), 0), bytesOf);
  assert.deepEqual(pixels, [
    [0, 0, 0, 255],
    [127, 127, 127, 255],
    [255, 255, 255, 255],
    [0, 0, 0, 0],
  ]);
});

test("the tool has a weight for each component that is shown", async () => {
  const now = frame();
  const { model } = fakeModel({ clip: 0, gamma: 1 });
  const { stage, calls, shown } = callingStage({}, { frame: now, model });
  const gestures = tool.start(stage);
  const [show, bar] = (gestures.mapControls ?? []).map(fake);
  gestures.traitsChanged?.();
  assert.deepEqual(gestures.images?.(now), []);
  show.fire("click");
  assert.deepEqual(calls.pop(), ["composite", { shown: true }]);
  const over = { codes: new ArrayBuffer(6), range: [0, 1], shape: [2, 3], name: "height", grid: [2, 3] };
  shown.values = { shown: true, opacity: 0.5, over };
  const [image] = gestures.images?.(now) ?? [];
  assert.deepEqual([image.shape, image.opacity, image.pixels?.length], [[2, 3], 0.5, 6]);
  const before = image.pixels?.[1];
  const sliders = bar.all("mffnb-range");
  assert.equal(sliders.length, 3);
  sliders[0].value = "0";
  sliders[0].fire("input");
  assert.deepEqual(calls, []);
  assert.notEqual(gestures.images?.(now)[0].pixels?.[1], before);
  assert.equal(sliders[0].value, "0"); // Python still has 1, and the slider does not jump back
  sliders[0].fire("change");
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.deepEqual(calls.pop(), ["composite", { weights: [[0, 0]] }]);
  sliders[2].value = "0.2";
  sliders[2].fire("input");
  assert.equal(gestures.images?.(now)[0].opacity, 0.2);
  fake(bar.all("mffnb-button")[0]).fire("click");
  assert.deepEqual(calls.pop(), ["composite", { over: false }]);
  const other = { ...now, header: { ...now.header, shape: [4, 6] as const, hidden: [1] } };
  assert.equal(gestures.images?.(other)[0].under, undefined); // the image is of another grid
  assert.equal(bar.all("mffnb-range").length, 1);
});

test("an enlarged map fills the width, within the height of the window", () => {
  assert.deepEqual(enlargedLayout(0.5, 800, 1000), { columns: 1, width: 800, height: 400 });
  assert.equal(enlargedLayout(1, 2000, 1000).width, 774);
  assert.deepEqual(pictureSize(48, 2 / 3), [1056, 704]);
  assert.deepEqual(pictureSize(100, 4), [300, 1200]);
});

test("while a weight of a large map is dragged, only some rows and columns are mixed, and all of them at rest", async () => {
  assert.deepEqual([previewStep([256, 512]), previewStep([257, 512]), previewStep([1024, 1024])], [1, 2, 3]);
  const codes = Uint8Array.from({ length: 15 }, (_, j) => j);
  assert.deepEqual([...everyNth(codes, [3, 5], 2)], [0, 2, 4, 10, 12, 14]);
  const size = 400;
  const image = frame();
  const shape = [size, size] as const;
  const maps = [new Uint8Array(size * size), new Uint8Array(size * size)];
  const now = { ...image, maps, header: { ...image.header, shape, map_shape: shape } };
  const { model } = fakeModel({ clip: 0, gamma: 1 });
  let painted = 0;
  const { stage } = callingStage({ shown: true, opacity: 1 }, { frame: now, model, repaintAdded: () => painted++ });
  const gestures = tool.start(stage);
  const width = () => gestures.images?.(now)[0].shape[1];
  assert.equal(width(), size);
  const [slider] = fake((gestures.mapControls ?? [])[1]).all("mffnb-range");
  slider.value = "0.5";
  slider.fire("input");
  assert.deepEqual([width(), painted], [size / 2, 1]);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.deepEqual([width(), painted], [size, 2]);
});
