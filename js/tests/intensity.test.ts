// Vertical axis of a spectrum: scales, strips, ticks.

import assert from "node:assert/strict";
import { test } from "node:test";
import { intensityTicks, kneeOf, laneScale, stripOf, tickText, valueTransform } from "../src/intensity";
import type { IntensityScale } from "../src/protocol";
import { generator } from "./random";

const area = { left: 100, right: 500, top: 8, bottom: 208 };
const SCALES: readonly IntensityScale[] = ["linear", "sqrt", "log"];

test("strips are whole pixels and fill the area without gaps", () => {
  for (const count of [1, 3, 7]) {
    const strips = Array.from({ length: count }, (_, i) => stripOf(area, i, count));
    assert.deepEqual([strips[0].top, strips[count - 1].bottom], [8, 208]);
    strips.slice(1).forEach((strip, i) => {
      assert.equal(strip.top, strips[i].bottom);
    });
  }
});

test("scales are odd, increasing, and zero at zero", () => {
  const random = generator(3);
  for (const scale of SCALES) {
    const transform = valueTransform(scale, 0.1);
    assert.equal(transform(0), 0);
    for (let trial = 0; trial < 100; trial++) {
      const [a, b] = [10 * random(), 10 * random()];
      assert.ok(Math.abs(transform(-a) + transform(a)) < 1e-12);
      assert.equal(Math.sign(transform(a) - transform(b)), Math.sign(a - b));
    }
  }
});

test("far above the knee a logarithmic scale has equal distances between powers of ten", () => {
  const transform = valueTransform("log", 0.01);
  const steps = [1, 10, 100].map((value) => transform(10 * value) - transform(value));
  for (const step of steps) assert.ok(Math.abs(step - Math.log(10)) < 1e-3);
});

test("the knee is a power of ten near the smallest values, within two to five decades of the largest", () => {
  assert.equal(kneeOf([Float32Array.of(0, 1, 2, 500, 1000)], 1), 1);
  assert.equal(kneeOf([Float32Array.of(0, 1, 2, 500, 1000)], 0.001), 0.001);
  assert.equal(kneeOf([Float32Array.of(1e-20, 2, 500, 1000)], 1), 0.01);
  assert.equal(kneeOf([Float32Array.of(900, 1000)], 1), 10);
  assert.equal(kneeOf([Float32Array.of(0, -3)], 1), 1);
});

test("curves stay inside of their lane, and zero is at its level", () => {
  for (const scale of SCALES) {
    const strip = { top: 60, bottom: 110 };
    const lane = laneScale(strip, [-2, 18], valueTransform(scale, 0.1), 2);
    assert.ok(Math.abs(lane.y(-1) - lane.floor) < 1e-9 && lane.floor < strip.bottom);
    assert.ok(lane.y(9) > strip.top);
    assert.equal(lane.y(0), lane.zero);
    assert.equal(lane.y(9), lane.shown(18));
  }
});

test("ticks are round, inside of the range, start at zero, and can be read apart", () => {
  for (const scale of SCALES) {
    for (const range of [
      [0, 27],
      [-3, 9],
      [0, 4e-7],
      [-5, 0],
      [0, 8e6],
    ] as const) {
      const knee = Math.max(range[1], -range[0]) * 1e-3;
      const lane = laneScale({ top: 0, bottom: 90 }, range, valueTransform(scale, knee));
      const values = intensityTicks(range, scale, knee, lane);
      assert.ok(values.length >= 2 && values[0] === 0, `${scale} ${range}: ${values}`);
      const places = values.map((value) => lane.shown(value)).sort((a, b) => a - b);
      places.slice(1).forEach((place, i) => {
        assert.ok(place - places[i] >= 15 - 1e-9);
      });
      for (const value of values) assert.ok(value >= range[0] && value <= range[1]);
    }
  }
});

test("an empty lane has one tick", () => {
  for (const scale of SCALES) {
    const lane = laneScale({ top: 0, bottom: 90 }, [0, 0], valueTransform(scale));
    assert.deepEqual(intensityTicks([0, 0], scale, 1, lane), [0]);
  }
});

test("large and small numbers are short", () => {
  assert.deepEqual([0, 20, -2, 0.05, 1e6, 2e-5].map(tickText), ["0", "20", "\u22122", "0.05", "10⁶", "2·10⁻⁵"]);
});
