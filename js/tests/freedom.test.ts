// Tool "freedom": what its button sets, the bands behind the curves, and to which picture they belong.

import "./fake_document";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Frame } from "../src/protocol";
import { contentOf, tool } from "../src/tools/freedom";
import { fake } from "./fake_document";
import { frame } from "./frame";
import { callingStage, fakeModel } from "./stage";

const plain = frame();
const picture: Frame = { ...plain, header: { ...plain.header, generation: 7, final: true } };
const shownValues = {
  generation: 7,
  text: "spectra could turn by up to 5 degrees",
  numbers: [1, 0],
  complete: true,
  degrees: [5, -1],
  partners: [0, -1],
  channel: Float32Array.of(1, 2).buffer,
  ends: Float32Array.of(10, 11, 20, 21, 12, 13, 22, 23).buffer,
};

function started(values: object) {
  const { model, state } = fakeModel({ freedom_bands: true });
  const { stage, calls, shown } = callingStage(values, { model, frame: picture });
  return { gestures: tool.start(stage), calls, shown, state };
}

test("bands belong to components by their numbers, and a click hides them without a call of Python", () => {
  const { gestures, calls, shown, state } = started({});
  const button = fake(gestures.spectraControls?.[0]);
  gestures.traitsChanged?.();
  assert.equal(button.hidden, false);
  assert.deepEqual(gestures.outerBands?.(picture), []);
  shown.values = shownValues;
  gestures.traitsChanged?.();
  assert.equal(button.getAttribute("aria-pressed"), "true");
  const bands = gestures.outerBands?.(picture) ?? [];
  const places = picture.header.numbers.map((number) => [1, 0].indexOf(number));
  assert.deepEqual(
    bands.map((band) => band && [[...band.low], [...band.high], band.note]),
    places.map((i) =>
      [
        [
          [[10, 11], [12, 13], "≤ 5°"],
          [[20, 21], [22, 23], ""],
        ][i],
      ].flat(),
    ),
  );
  button.fire("click");
  assert.equal(state.freedom_bands, false);
  assert.deepEqual(gestures.outerBands?.(picture), []);
  assert.deepEqual(calls, []);
});

test("bands of another run are not shown, nor while a run goes on", () => {
  const { gestures } = started(shownValues);
  gestures.traitsChanged?.();
  const panel = fake(gestures.panel);
  assert.equal(panel.hidden, false);
  for (const change of [{ final: false }, { generation: 8 }]) {
    const other: Frame = { ...picture, header: { ...picture.header, ...change } };
    gestures.framed?.(other);
    assert.deepEqual(gestures.outerBands?.(other), []);
    assert.equal(panel.hidden, true);
  }
  gestures.framed?.(picture);
  assert.equal(gestures.outerBands?.(picture).length, picture.header.numbers.length);
});

test("while the search goes on, angles and sentence say so", () => {
  const { gestures } = started({ ...shownValues, complete: false });
  gestures.traitsChanged?.();
  const notes = (gestures.outerBands?.(picture) ?? []).map((band) => band?.note);
  assert.ok(notes.includes("≤ 5° …"));
  assert.match(fake(gestures.panel).textContent, /searching on/);
});

test("where there is no freedom, the sentence says why", () => {
  const { gestures } = started({ generation: 7, text: "leave out transform", numbers: [] });
  gestures.traitsChanged?.();
  assert.equal(fake(gestures.panel).textContent, "leave out transform");
  assert.deepEqual(gestures.outerBands?.(picture), []);
});

test("the table has a row for each component", () => {
  const { rows } = contentOf(shownValues, picture);
  const name = picture.header.labels[picture.header.numbers.indexOf(0)];
  assert.deepEqual(
    rows.map((row) => row.slice(1)),
    [
      ["up to 5°", name],
      ["zero everywhere", ""],
    ],
  );
});
