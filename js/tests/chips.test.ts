// Chips of regions: the name becomes a field for another one, and Escape keeps the present one.

import "./fake_document";
import assert from "node:assert/strict";
import { test } from "node:test";
import { ChipRow, callable } from "../src/chips";
import { type FakeElement, fake } from "./fake_document";

function rowWith(renamed?: (name: string) => void) {
  const row = new ChipRow();
  const part = { name: "R1", note: "3 px", colour: "#123456", actions: [], ...(renamed && { renamed }) };
  row.show([part]);
  return fake(row.root);
}

test("a name that cannot be changed is plain text", () => {
  assert.equal(rowWith().all("mffnb-place-name").length, 0);
});

test("buttons of tools that cannot be called are left out", () => {
  const action = (text: string, tool?: string) => ({ text, title: "", clicked() {}, ...(tool && { tool }) });
  const stage = { values: (tool: string) => (tool === "hold" ? null : {}) };
  const left = callable([action("Hold", "hold"), action("Only", "fit_only"), action("×")], stage);
  assert.deepEqual(
    left.map(({ text }) => text),
    ["Only", "×"],
  );
});

test("Enter on a name opens a field, whose Enter accepts and whose Escape refuses", () => {
  for (const [key, expected] of [
    ["Enter", ["core"]],
    ["Escape", []],
  ] as const) {
    const names: string[] = [];
    const [name] = rowWith((one) => names.push(one)).all("mffnb-place-name");
    const fields: FakeElement[] = [];
    Object.assign(name, {
      replaceWith: (one: FakeElement) => fields.push(Object.assign(one, { replaceWith() {}, select() {} })),
    });
    name.fire("keydown", { key: "x" });
    assert.equal(fields.length, 0);
    name.fire("keydown", { key: "Enter" });
    const [field] = fields;
    field.value = "core";
    field.fire("keydown", { key });
    field.fire("blur", {});
    assert.deepEqual(names, expected);
  }
});
