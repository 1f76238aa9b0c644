// Normalisation of spectra, the title of their axis, and which lanes have changed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { areaOf, intensityTitle, type Lane, normalizationFactor, sameLane } from "../src/lane";

const channel = Float32Array.of(0, 2, 3);
const lane: Lane = {
  label: "a",
  colour: "#111111",
  values: Float32Array.of(1, 4, -2),
  band: null,
  bright: true,
  abundance: 0.25,
};

test("the area is the integral over the channels, in either direction", () => {
  assert.equal(areaOf(channel, lane.values), 5 + 1);
  assert.equal(areaOf(channel.slice().reverse(), lane.values.slice().reverse()), 6);
  assert.equal(areaOf(channel, Float32Array.of(1, Number.NaN, 3)), 0);
});

test("normalisation by maximum, by area, and to the contribution of a component", () => {
  assert.equal(normalizationFactor(lane, channel, "none"), 1);
  assert.equal(normalizationFactor(lane, channel, "max"), 1 / 4);
  assert.equal(normalizationFactor(lane, channel, "area"), 1 / 6);
  assert.equal(normalizationFactor(lane, channel, "abundance"), 0.25);
  const { abundance, ...measured } = lane;
  assert.equal(normalizationFactor(measured, channel, "abundance"), 1);
  assert.equal(normalizationFactor({ ...lane, values: Float32Array.of(0, 0, 0) }, channel, "max"), 1);
});

test("a residual is normalised as the spectrum that it belongs to", () => {
  const residual = { ...lane, values: Float32Array.of(0.1, 0, 0), reference: { values: Float32Array.of(0, 8, 0) } };
  assert.equal(normalizationFactor(residual, channel, "max"), 1 / 8);
});

test("the title of the axis names quantity and unit", () => {
  assert.deepEqual(
    (["none", "max", "area", "abundance"] as const).map((how) => intensityTitle("secondary ions (counts)", how)),
    ["secondary ions (counts)", "secondary ions / maximum", "secondary ions / area", "contribution (counts)"],
  );
  assert.equal(intensityTitle("intensity", "abundance"), "contribution");
});

test("a lane with the same arrays is the same, and any change of what is seen makes another one", () => {
  assert.ok(sameLane(lane, { ...lane }));
  const stack = [{ values: lane.values, colour: "#222222" }];
  const others: Partial<Lane>[] = [
    { label: "b" },
    { colour: "#333333" },
    { values: lane.values.slice() },
    { channel },
    { band: [lane.values, lane.values] },
    { stack },
    { model: lane.values },
    { bright: false },
    { peaks: true },
  ];
  for (const change of others) assert.ok(!sameLane(lane, { ...lane, ...change }), JSON.stringify(change));
  assert.ok(sameLane({ ...lane, stack }, { ...lane, stack: [...stack] }));
});
