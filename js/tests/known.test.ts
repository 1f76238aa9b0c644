// What is known of components in a region: the buttons of its chip, and the menu that adds a fact.

import assert from "node:assert/strict";
import { test } from "node:test";
import { knownActions, wordsOf } from "../src/known";
import type { Menu } from "../src/menu";
import { fake, fakeDocument } from "./fake_document";
import { frame } from "./frame";
import { callingStage } from "./stage";

/** A menu that keeps its parts; its place on the page is tested in the browser. */
function openedMenu() {
  let parts: readonly HTMLElement[] = [];
  let closed = 0;
  const menu = {
    toggle: (_: HTMLElement, __: HTMLElement, ___: string, given: readonly HTMLElement[]) => {
      parts = given;
    },
    close: () => {
      closed += 1;
    },
  } as unknown as Menu;
  return { menu, parts: () => parts.map(fake), closed: () => closed };
}

test("a known fraction is said in words", () => {
  assert.deepEqual([0, 1, 0.3, 1 / 3].map(wordsOf), ["absent", "pure", "fixed to 0.3", "fixed to 0.3333"]);
});

test("a fact is shown by the name of its component, and a click takes it back", () => {
  const now = frame();
  const fixed = [
    { component: now.header.numbers[1], region: "R1", fraction: 0 },
    { component: now.header.numbers[0], region: "R2", fraction: 1 },
  ];
  const shown = { ...now, header: { ...now.header, parameters: { fixed } } };
  const { stage, calls } = callingStage({}, { frame: shown });
  const [fact, add] = knownActions(stage, openedMenu().menu, "R1");
  assert.equal(fact.text, `${now.header.labels[1]} absent`);
  assert.equal(fact.colour, now.header.colors[1]);
  assert.equal(add.text, "Known…");
  fact.clicked(fakeDocument as unknown as HTMLElement);
  assert.deepEqual(calls, [["fix", { component: now.header.numbers[1], region: "R1", on: false }]]);
});

test("the menu fixes the chosen component; a fraction needs a sum of one", () => {
  const now = frame();
  for (const sum_to_one of [false, true]) {
    const shown = { ...now, header: { ...now.header, parameters: { sum_to_one } } };
    const { stage, calls } = callingStage({}, { frame: shown });
    const opened = openedMenu();
    const [add] = knownActions(stage, opened.menu, "R1");
    add.clicked(fakeDocument as unknown as HTMLElement);
    const [component, absent, pure, row] = opened.parts();
    const [set] = row.all("mffnb-item");
    const [value] = row.all("mffnb-fraction");
    component.value = String(now.header.numbers[1]);
    absent.fire("click");
    pure.fire("click");
    assert.equal((set as unknown as HTMLButtonElement).disabled, !sum_to_one);
    value.value = "0.3";
    if (sum_to_one) set.fire("click");
    const number = now.header.numbers[1];
    const wanted = [0, 1, ...(sum_to_one ? [0.3] : [])];
    assert.deepEqual(
      calls,
      wanted.map((fraction) => ["fix", { component: number, region: "R1", fraction }]),
    );
    assert.equal(opened.closed(), wanted.length);
  }
});
