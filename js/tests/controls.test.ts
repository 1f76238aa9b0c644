// Controls on a fake document: what a gesture sends, and what a trait shows.

import "./fake_document";
import assert from "node:assert/strict";
import { test } from "node:test";
import { button, choice, slider } from "../src/controls";
import { StatusLine } from "../src/status";
import { CLIP } from "../src/tools/contrast";
import { fake } from "./fake_document";
import { header } from "./header";
import { fakeModel } from "./stage";

test("a button asks for the other state, and changes only when it is told", () => {
  const asked: boolean[] = [];
  const { root, press } = button("Mean", "Draw the mean", (on) => asked.push(on));
  const node = fake(root);
  assert.deepEqual(
    [node.textContent, node.getAttribute("title"), node.getAttribute("type")],
    ["Mean", "Draw the mean", "button"],
  );
  node.fire("click");
  node.fire("click"); // Python has not answered yet
  assert.equal(node.getAttribute("aria-pressed"), "false");
  press(true);
  assert.equal(node.getAttribute("aria-pressed"), "true");
  node.fire("click");
  assert.deepEqual(asked, [true, true, false]);
});

test("a choice sets its trait once", () => {
  const { model, state, saves } = fakeModel({ intensity_scale: "linear" });
  const select = fake(
    choice(model, "intensity_scale", "Scale", [
      ["linear", "linear"],
      ["sqrt", "square root"],
    ]),
  );
  assert.deepEqual(
    select.children.map((option) => fake(option).value),
    ["linear", "sqrt"],
  );
  assert.equal(select.getAttribute("aria-label"), "Scale");
  select.value = "sqrt";
  select.fire("change");
  assert.deepEqual([state.intensity_scale, saves()], ["sqrt", 1]);
});

test("a slider sets its trait, follows it, and returns to the neutral value", () => {
  const { model, state } = fakeModel({ clip: 5 });
  const made = slider(model, "clip", "Clip", "Share", CLIP);
  const input = fake(fake(made.root).children[1]);
  made.update();
  assert.equal(input.value, "1");
  input.value = "0";
  input.fire("input");
  assert.equal(state.clip, 0);
  input.fire("dblclick");
  assert.equal(state.clip, 0.1);
});

const calm = { stale: false, waiting: false, activity: {}, error: "" };

test("the status line shows the error of a message beside the outcome", () => {
  const status = new StatusLine();
  status.show(header({ status: { outcome: "converged" } }), { ...calm, error: "ValueError: no pixels" });
  const [alert] = fake(status.root).all("mffnb-error");
  assert.deepEqual([alert.textContent, alert.getAttribute("role")], ["ValueError: no pixels", "alert"]);
  status.show(header({ status: { outcome: "converged" } }), calm);
  assert.deepEqual(fake(status.root).all("mffnb-error"), []);
  assert.match(fake(status.root).textContent, /converged/);
});
