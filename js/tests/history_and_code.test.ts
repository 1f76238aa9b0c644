// Tools "undo" and "code": what their buttons and keys call, and what the drawer shows.

import "./fake_document";
import assert from "node:assert/strict";
import { test } from "node:test";
import { tool as code } from "../src/tools/code";
import { tool as undo } from "../src/tools/undo";
import { fake } from "./fake_document";
import { callingStage } from "./stage";

/** Newer versions of Node name what is mocked in an object. */
const MOCKED = { apis: ["setTimeout"] };

test("undo and redo are enabled where there is something to return to", () => {
  const keys: ((event: unknown) => void)[] = [];
  const root = { addEventListener: (_: string, listener: (event: unknown) => void) => keys.push(listener) };
  const { stage, calls, shown } = callingStage({}, { root: root as unknown as HTMLElement });
  const gestures = undo.start(stage);
  const buttons = gestures.mapControls as readonly HTMLButtonElement[];
  gestures.traitsChanged?.();
  assert.deepEqual(
    buttons.map(({ disabled }) => disabled),
    [true, true],
  );
  shown.values = { earlier: 2, later: 1 };
  gestures.traitsChanged?.();
  assert.deepEqual(
    buttons.map(({ disabled }) => disabled),
    [false, false],
  );
  for (const one of buttons) fake(one).fire("click");
  const key = { ctrlKey: true, key: "z", preventDefault() {} };
  keys[0]({ ...key, shiftKey: false });
  keys[0]({ ...key, key: "Z", shiftKey: true });
  keys[0]({ ...key, ctrlKey: false });
  assert.deepEqual(
    calls.map(([name]) => name),
    ["undo", "redo", "undo", "redo"],
  );
});

test("the drawer shows the newest code", () => {
  const { stage, calls, shown } = callingStage({});
  const gestures = code.start(stage);
  const panel = fake(gestures.panel);
  gestures.traitsChanged?.();
  assert.equal(panel.hidden, true);
  fake(gestures.spectraControls?.[0]).fire("click");
  assert.deepEqual(calls, [["code", { shown: true }]]);
  shown.values = { shown: true, text: "mf.unmix(cube, 3)" };
  gestures.traitsChanged?.();
  assert.equal(panel.hidden, false);
  assert.equal((panel.all("mffnb-code")[0] as unknown as HTMLElement).textContent, "mf.unmix(cube, 3)");
  fake(panel.all("mffnb-button")[1]).fire("click");
  assert.deepEqual(calls[1], ["rerun", {}]);
});

test("Copy says whether the code was copied", async (context) => {
  context.mock.timers.enable(MOCKED as never);
  const copied: string[] = [];
  let allowed = true;
  const clipboard = {
    writeText: (text: string) => (allowed ? Promise.resolve(void copied.push(text)) : Promise.reject(new Error("no"))),
  };
  Object.defineProperty(globalThis, "navigator", { value: { clipboard }, configurable: true });
  Object.defineProperty(globalThis, "window", { value: { getSelection: () => null }, configurable: true });
  const { stage } = callingStage({ shown: true, text: "mf.unmix(cube, 3)" });
  const gestures = code.start(stage);
  gestures.traitsChanged?.();
  const [copy] = fake(gestures.panel).all("mffnb-button");
  const clicked = async () => {
    copy.fire("click");
    await new Promise((resolve) => setImmediate(resolve));
    return copy.textContent;
  };
  assert.equal(await clicked(), "Copied");
  assert.deepEqual(copied, ["mf.unmix(cube, 3)"]);
  context.mock.timers.tick(3000);
  assert.equal(copy.textContent, "Copy");
  allowed = false;
  assert.equal(await clicked(), "Press Ctrl+C");
});
