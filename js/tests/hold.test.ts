// The padlock of each component: what it shows, and what it calls.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { MapTile } from "../src/maps";
import { tool } from "../src/tools/hold";
import { fake } from "./fake_document";
import { frame } from "./frame";
import { callingStage } from "./stage";

function locked(held: readonly number[]) {
  const one = frame();
  const shown = { ...one, header: { ...one.header, numbers: [0, 3], held } };
  const { stage, calls } = callingStage({}, { frame: shown });
  const gestures = tool.start(stage);
  const locks: HTMLElement[] = [];
  const tile = { name: { after: (one: HTMLElement) => locks.push(one) } } as unknown as MapTile;
  for (const place of [0, 1, 2]) gestures.tileMade?.(tile, place); // the last one is a map of another tool
  gestures.lanes?.(shown);
  return { locks, calls };
}

test("a click on a padlock holds the component of its tile by number, and a second one releases it", () => {
  const open = locked([]);
  assert.equal(open.locks[1].getAttribute("aria-pressed"), "false");
  fake(open.locks[1]).fire("click");
  assert.deepEqual(open.calls, [["hold", { what: 3 }]]);
  const closed = locked([3]);
  assert.deepEqual(
    closed.locks.map((lock) => lock.getAttribute("aria-pressed")),
    ["false", "true"],
  );
  assert.match(closed.locks[1].title, /explorer\.release\(3\)/);
  fake(closed.locks[1]).fire("click");
  assert.deepEqual(closed.calls, [["release", { component: 3 }]]);
});

test("a page without tools has no padlocks", () => {
  const { stage } = callingStage(null, { frame: frame() });
  const tile = { name: { after: () => assert.fail("a padlock was made") } } as unknown as MapTile;
  tool.start(stage).tileMade?.(tile, 0);
});
