// Tool "save_picture": the list calls Python, and the page saves the file of its own request alone.

import "./fake_document";
import assert from "node:assert/strict";
import { test } from "node:test";
import { tool } from "../src/tools/save_picture";
import { FakeElement, fake } from "./fake_document";
import { callingStage } from "./stage";

/** Newer versions of Node name what is mocked in an object. */
const MOCKED = { apis: ["setTimeout"] };

test("the page saves the file that it has requested, and no other one", (context) => {
  context.mock.timers.enable(MOCKED as never);
  const saved: string[] = [];
  Object.assign(FakeElement.prototype, {
    click(this: { download: string }) {
      saved.push(this.download);
    },
  });
  const { stage, calls } = callingStage({});
  const gestures = tool.start(stage);
  const list = fake(gestures.mapControls?.[0]);
  gestures.traitsChanged?.();
  assert.equal(list.hidden, false);
  list.value = "svg";
  list.fire("change");
  const [name, { path, download }] = calls[0] as [string, { path: string; download: number }];
  assert.deepEqual([name, path, list.value], ["save_picture", "figure.svg", ""]);
  assert.match(list.textContent, /^Drawing/);
  const content = new DataView(new ArrayBuffer(3));
  gestures.fileCame?.("other.svg", download + 1, content);
  assert.deepEqual(saved, []);
  gestures.fileCame?.("figure.svg", download, content);
  gestures.fileCame?.("figure.svg", download, content); // a second message is no second file
  assert.deepEqual(saved, ["figure.svg"]);
  assert.match(list.textContent, /^Save figure/);
});

test("a refusal ends the request", () => {
  const { stage, calls } = callingStage({});
  const gestures = tool.start(stage);
  const list = fake(gestures.mapControls?.[0]);
  list.value = "";
  list.fire("change");
  assert.deepEqual(calls, []);
  list.value = "pdf";
  list.fire("change");
  gestures.refused?.();
  assert.match(list.textContent, /^Save figure/);
});
