// Nothing moves below a pointer: notices wait for the end of a press and of its click, and until it has left or rested.

import assert from "node:assert/strict";
import { test } from "node:test";
import { element } from "../src/dom";
import { PointerHold } from "../src/pointer_hold";
import { StatusLine } from "../src/status";
import { fake } from "./fake_document";

/** The time until the click after a release has been handled. */
const click = () => new Promise((resolve) => setTimeout(resolve, 0));

const NOTICE = { text: "data have negative values" };

/** The part of the view that shows notices, with a map, and a window that reports releases. */
function page() {
  const [map, status] = [element("div", "mffnb-grid"), new StatusLine()];
  const releases = fake(document.createElement("div"));
  let notices: readonly (typeof NOTICE)[] = [];
  const show = () => {
    if (!hold.held) status.showNotices(notices, () => undefined);
  };
  const hold = new PointerHold([map], show, releases as unknown as EventTarget, 30);
  const come = (newest: readonly (typeof NOTICE)[]) => {
    notices = newest;
    show();
  };
  const lines = () => fake(status.root).all("mffnb-notice").length;
  return { map: fake(map), releases, hold, come, lines };
}

test("notices that come while a pointer is pressed on the picture are shown after its click", async () => {
  const { map, releases, come, lines } = page();
  map.fire("pointerdown");
  come([NOTICE]);
  assert.equal(lines(), 0);
  releases.fire("pointerup");
  assert.equal(lines(), 0); // the click comes now, on the pixel that was pressed
  await click();
  assert.equal(lines(), 1);
});

test("notices that leave while a pointer is pressed stay until its release", async () => {
  const { map, releases, come, lines } = page();
  come([NOTICE]);
  assert.equal(lines(), 1);
  map.fire("pointerdown");
  come([]);
  assert.equal(lines(), 1);
  releases.fire("pointercancel");
  await click();
  assert.equal(lines(), 0);
});

test("a release without a press on the picture does nothing, and a view that has left hears none", async () => {
  const { map, releases, hold, come, lines } = page();
  releases.fire("pointerup");
  await click();
  assert.equal(hold.held, false);
  map.fire("pointerdown");
  hold.remove();
  come([NOTICE]);
  releases.fire("pointerup");
  await click();
  assert.equal(lines(), 0);
});

test("notices wait while a pointer moves over the picture, until it leaves", () => {
  const { map, come, lines } = page();
  map.fire("pointermove");
  come([NOTICE]);
  assert.equal(lines(), 0);
  map.fire("pointerleave");
  assert.equal(lines(), 1);
});

test("a pointer that rests holds nothing back for long, and each move begins anew", async () => {
  const { map, come, lines, hold } = page();
  map.fire("pointermove");
  come([NOTICE]);
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.equal(hold.held, false);
  assert.equal(lines(), 1);
  map.fire("pointermove");
  assert.equal(hold.held, true);
  map.fire("pointerleave");
});

test("a pointer that leaves while it is pressed holds on until its release", async () => {
  const { map, releases, come, lines } = page();
  map.fire("pointermove");
  map.fire("pointerdown");
  come([NOTICE]);
  map.fire("pointerleave");
  assert.equal(lines(), 0);
  releases.fire("pointerup");
  await click();
  assert.equal(lines(), 1);
});
