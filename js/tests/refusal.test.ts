// The message beside the last click, where the line of the status is out of sight.

import "./fake_document";
import assert from "node:assert/strict";
import { test } from "node:test";
import { Refusal } from "../src/refusal";
import { FakeElement, fake } from "./fake_document";

/** A message in a view whose status line is covered or not. */
function started(visible: boolean) {
  const view = new FakeElement("div");
  const line = Object.assign(new FakeElement("div"), { contains: () => visible });
  Object.assign(document, { elementFromPoint: () => view });
  const refusal = new Refusal(view as unknown as HTMLElement);
  return { view, refusal, root: fake(refusal.root), line: line as unknown as Element };
}

test("a refusal out of sight appears beside the click, until the next one", () => {
  const { view, refusal, root, line } = started(false);
  refusal.show("no table", line);
  assert.equal(root.hidden, true); // from Python: there was no click
  refusal.show("", line);
  view.fire("pointerdown", { clientX: 40, clientY: 60 });
  refusal.show("no table", line);
  assert.deepEqual([root.hidden, root.textContent], [false, "no table"]);
  view.fire("pointerdown", { clientX: 90, clientY: 60 });
  refusal.show("no table", line); // the status is shown again for another reason
  assert.equal(root.hidden, true);
});

test("a refusal that the status line shows is not repeated", () => {
  const { view, refusal, root, line } = started(true);
  view.fire("pointerdown", { clientX: 40, clientY: 60 });
  refusal.show("no table", line);
  assert.equal(root.hidden, true);
});
