// Nothing moves below a pressed pointer: notices wait for its release, and for the click after it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { element } from "../src/dom";
import { PressHold } from "../src/press_hold";
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
    if (!press.held) status.showNotices(notices, () => undefined);
  };
  const press = new PressHold([map], show, releases as unknown as EventTarget);
  const come = (newest: readonly (typeof NOTICE)[]) => {
    notices = newest;
    show();
  };
  const lines = () => fake(status.root).all("mffnb-notice").length;
  return { map: fake(map), releases, press, come, lines };
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
  const { map, releases, press, come, lines } = page();
  releases.fire("pointerup");
  await click();
  assert.equal(press.held, false);
  map.fire("pointerdown");
  press.remove();
  come([NOTICE]);
  releases.fire("pointerup");
  await click();
  assert.equal(lines(), 0);
});
