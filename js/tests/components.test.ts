// Tool "components": orders, drops of a dragged tile, keys, the list of hidden components; hidden tiles and lanes.

import "./fake_document";
import assert from "node:assert/strict";
import { test } from "node:test";
import { componentImages } from "../src/images";
import type { MapGrid, MapTile } from "../src/maps";
import { dropAt, moved, stepped } from "../src/order";
import { tool } from "../src/tools/components";
import { FakeElement, fake, fakeDocument } from "./fake_document";
import { frame } from "./frame";
import { header } from "./header";
import { callingStage } from "./stage";

test("a component moves beside another one, and all others keep their order", () => {
  assert.deepEqual(moved([0, 1, 2, 3], 3, 1, "before"), [0, 3, 1, 2]);
  assert.deepEqual(moved([0, 1, 2, 3], 0, 2, "after"), [1, 2, 0, 3]);
  assert.deepEqual(
    [0.1, 0.5, 0.9].map((fx) => dropAt(fx)),
    ["before", "onto", "after"],
  );
  assert.deepEqual(
    [0.1, 0.4, 0.9].map((fx) => dropAt(fx, false)),
    ["before", "before", "after"],
  );
});

test("a step passes hidden components, and ends at either end", () => {
  assert.deepEqual(stepped([4, 7, 5], [1], 4, 1), [7, 5, 4]);
  assert.deepEqual(stepped([4, 7, 5], [], 5, -1), [4, 5, 7]);
  assert.equal(stepped([4, 7, 5], [], 5, 1), null);
  assert.equal(stepped([4, 7, 5], [0], 7, -1), null);
});

/** Tiles side by side, 100 pixels wide. */
function fakeTiles(count: number) {
  const tiles = Array.from({ length: count }, (_, i) => {
    const [root, caption, name] = [new FakeElement("div"), new FakeElement("div"), new FakeElement("button")];
    root.box = [100 * i, 0, 100, 100];
    return { root, caption, name };
  });
  return { tiles, components: tiles } as unknown as MapGrid;
}

function started(values: (tool: string) => object | null = () => ({})) {
  const now = {
    ...frame(),
    header: header({ labels: ["a", "b", "c"], numbers: [5, 0, 3], colors: ["#1", "#2", "#3"] }),
  };
  const maps = fakeTiles(3);
  const { stage, calls } = callingStage({}, { frame: now, maps });
  stage.values = <Values extends object>(tool: string) => values(tool) as Partial<Values> | null;
  const gestures = tool.start(stage);
  maps.tiles.forEach((tile, i) => {
    gestures.tileMade?.(tile, i);
  });
  return { gestures, calls, maps, now };
}

const drag = ({ caption }: MapTile, to: readonly [number, number]) => {
  fake(caption).fire("pointerdown", { button: 0, clientX: 50, clientY: 90, target: null });
  fakeDocument.fire("pointermove", { clientX: 52, clientY: 90 });
  fakeDocument.fire("pointermove", { clientX: to[0], clientY: to[1] });
};

test("a tile that is dropped beside another one moves, and onto another one merges", () => {
  const { calls, maps } = started();
  const [first, second, third] = maps.tiles;
  drag(first, [295, 50]);
  assert.ok(fake(third.root).classList.contains("mffnb-drop-after"));
  fakeDocument.fire("pointerup");
  assert.ok(!fake(third.root).className.includes("drop"));
  assert.deepEqual(calls.pop(), ["reorder", { components: [0, 3, 5] }]);
  drag(first, [150, 50]);
  assert.equal(fake(second.root).dataset.drop, "merge into b");
  fakeDocument.fire("pointerup");
  assert.deepEqual(calls.pop(), ["merge", { component: 0, other: 5 }]);
  drag(first, [50, 50]); // over itself
  fakeDocument.fire("pointerup");
  drag(first, [150, 50]);
  fakeDocument.fire("pointercancel");
  assert.deepEqual(calls, []);
});

test("where components cannot be merged, a tile is always dropped beside another one", () => {
  const { calls, maps } = started((tool) => (tool === "merge" ? null : {}));
  drag(maps.tiles[0], [145, 50]);
  fakeDocument.fire("pointerup");
  drag(maps.tiles[0], [155, 50]);
  fakeDocument.fire("pointerup");
  assert.deepEqual(
    calls.map(([name]) => name),
    ["reorder", "reorder"],
  );
});

test("Alt with an arrow key moves a component", () => {
  const { calls, maps } = started();
  fake(maps.tiles[1].name).fire("keydown", { key: "ArrowLeft", altKey: true });
  fake(maps.tiles[1].name).fire("keydown", { key: "ArrowLeft", altKey: false });
  fake(maps.tiles[0].name).fire("keydown", { key: "ArrowLeft", altKey: true });
  assert.deepEqual(calls, [["reorder", { components: [0, 5, 3] }]]);
});

test("hidden components are listed, and a click shows one again", () => {
  const { gestures, calls, now } = started();
  const list = fake(gestures.mapControls?.[0]);
  gestures.images?.(now);
  assert.equal(list.hidden, true);
  Object.assign(now, { header: { ...now.header, hidden: [2] } });
  assert.deepEqual(
    componentImages(now).map((image) => image.hidden),
    [false, false, true],
  );
  gestures.images?.(now);
  const [chip] = list.all("mffnb-chip");
  assert.deepEqual([list.hidden, chip.textContent], [false, "c"]);
  chip.fire("click");
  assert.deepEqual(calls, [["show", { component: 3 }]]);
});
