// Tool "freedom": what its button calls, the bands behind the curves, and when they are outdated.

import "./fake_document";
import assert from "node:assert/strict";
import { test } from "node:test";
import { contentOf, tool } from "../src/tools/freedom";
import { fake } from "./fake_document";
import { frame } from "./frame";
import { callingStage } from "./stage";

const picture = frame();
const shownValues = {
  shown: true,
  text: "spectra could turn by up to 5 degrees",
  numbers: [1, 0],
  degrees: [5, -1],
  partners: ["component 0", ""],
  channel: Float32Array.of(1, 2).buffer,
  ends: Float32Array.of(10, 11, 20, 21, 12, 13, 22, 23).buffer,
};

test("a click calls Python, and the bands belong to components by their numbers", () => {
  const { stage, calls, shown } = callingStage({});
  const gestures = tool.start(stage);
  const button = fake(gestures.spectraControls?.[0]);
  gestures.traitsChanged?.();
  assert.equal(button.hidden, false);
  assert.deepEqual(gestures.outerBands?.(picture), []);
  button.fire("click");
  assert.deepEqual(calls, [["freedom", { shown: true }]]);
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
});

test("bands of an earlier picture are not shown until new ones come", () => {
  const { stage, shown } = callingStage(shownValues);
  const gestures = tool.start(stage);
  gestures.traitsChanged?.();
  gestures.framed?.({ ...picture, header: { ...picture.header, final: false } });
  assert.deepEqual(gestures.outerBands?.(picture), []);
  shown.values = { ...shownValues, ends: Float32Array.from(new Float32Array(shownValues.ends)).buffer };
  assert.equal(gestures.outerBands?.(picture).length, picture.header.numbers.length);
});

test("the table has a row for each component", () => {
  const { title, rows } = contentOf(shownValues, picture);
  assert.equal(title, shownValues.text);
  assert.deepEqual(
    rows.map((row) => row.slice(1)),
    [
      ["up to 5°", "component 0"],
      ["zero everywhere", ""],
    ],
  );
});
