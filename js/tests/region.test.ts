// Tool "region": the outline while it is drawn, what is asked of Python, and the spectrum of the region.

import "./fake_document";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { MapGrid } from "../src/maps";
import { pointOf } from "../src/pins";
import { extended, indicesOfMask, pathOf } from "../src/polygon";
import { MISSING } from "../src/protocol";
import { tool } from "../src/tools/region";
import { fake } from "./fake_document";
import { frame } from "./frame";
import { callingStage } from "./stage";

const pressed = { buttons: 1 } as PointerEvent;

test("an outline leaves out points that are close, and is a path in per cent", () => {
  const outline = extended(extended([[0, 0]], [0.001, 0]), [0.5, 0.25]);
  assert.deepEqual(outline, [
    [0, 0],
    [0.5, 0.25],
  ]);
  assert.equal(pathOf(outline), "M0.00 0.00L25.00 50.00Z");
  assert.equal(pathOf([]), "");
});

test("a mask at full resolution selects pixels of smaller maps by their centres", () => {
  const mask = Uint8Array.of(0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0);
  assert.deepEqual(indicesOfMask(mask, [4, 4], [2, 2]), [1]);
  assert.deepEqual(indicesOfMask(mask, [4, 4], [4, 4]), [3, 6, 7]);
});

test("a region is drawn while its button is pressed, and then has a spectrum", () => {
  const now = frame();
  const outlines: (readonly string[])[] = [];
  const names: unknown[] = [];
  const tiles = [
    {
      showOutlines: (paths: readonly string[]) => outlines.push(paths),
      showNames: (placed: readonly unknown[]) => names.splice(0, names.length, ...placed),
    },
  ];
  const root = { classList: { toggle() {} } } as unknown as HTMLElement;
  const { stage, calls, shown } = callingStage({}, { frame: now, maps: { tiles } as unknown as MapGrid, root });
  const gestures = tool.start(stage);
  const [draw, , clear] = (gestures.mapControls ?? []).map(fake);
  gestures.traitsChanged?.();
  assert.equal(clear.hidden, true);
  gestures.mapMove?.(pointOf([0, 0], now), pressed); // the button is not pressed
  gestures.mapUp?.();
  assert.deepEqual(calls, []);
  draw.fire("click");
  for (const pixel of [
    [0, 0],
    [0, 2],
    [1, 2],
  ] as const)
    gestures.mapMove?.(pointOf(pixel, now), pressed);
  assert.ok(outlines.at(-1)?.[0].startsWith("M"));
  gestures.mapUp?.();
  assert.equal(calls.length, 1);
  assert.deepEqual((calls[0][1] as { outline: number[][] }).outline[0], [0.25, 0.5 / 3]);
  assert.deepEqual(outlines.at(-1), [""]);
  const region = {
    name: "R1",
    pixels: 2,
    outline: [
      [0, 0],
      [0, 1],
      [1, 1],
    ],
    mask: Uint8Array.of(0, 1, 1, 0, 0, 0),
    channel: now.channel.buffer,
    measured: Float32Array.of(1, 2, 3, 4).buffer,
  };
  shown.values = { regions: [region] };
  gestures.traitsChanged?.();
  const [lane] = gestures.lanes?.(now) ?? [];
  assert.deepEqual([lane.label, [...lane.values]], ["R1", [1, 2, 3, 4]]);
  assert.deepEqual(names, [{ text: "R1", fy: 0, fx: 0 }]);
  shown.values = { regions: [{ ...region, outline: null, section: "z = 3 nm" }] };
  assert.equal(gestures.lanes?.({ ...now })[0].label, "R1, z = 3 nm");
  shown.values = { regions: [region] };
  assert.equal(lane.model?.[0], 0.75); // mean of 0.5 and 1 of the first component
  const binned = { ...now, header: { ...now.header, shape: [1, 2] as const } };
  assert.deepEqual(gestures.lanes?.(binned), []); // the mask is of another grid
  assert.equal(clear.hidden, false);
  clear.fire("click");
  assert.deepEqual(calls[1], ["drop_region", {}]);
  const buttons = () => fake(gestures.bar).all("mffnb-place-button");
  for (const one of buttons()) if (one.textContent !== "Known…") one.fire("click");
  assert.deepEqual(calls.slice(2), [
    ["hold", { what: "R1" }],
    ["leave_out", { name: "R1", on: true }],
    ["fit_only", { name: "R1", on: true }],
    ["drop_region", { name: "R1" }],
  ]);
  const parameters = { area: { left_out: ["R1"], only: [] } };
  const header = { ...now.header, parameters, labels: ["a", "R1"], held: [1] };
  Object.assign(stage, { frame: { ...now, header } });
  gestures.traitsChanged?.();
  assert.deepEqual(
    buttons().map((one) => one.getAttribute("aria-pressed")),
    ["true", "true", "false", null, null],
  );
  for (const one of buttons().slice(0, 2)) one.fire("click");
  assert.deepEqual(calls.slice(6), [
    ["release", { component: 1 }],
    ["leave_out", { name: "R1", on: false }],
  ]);
  const gaps = now.maps.map((codes) => codes.map(() => MISSING));
  assert.equal(gestures.lanes?.({ ...now, maps: gaps })[0].model, undefined); // the fit uses none of its pixels
});
