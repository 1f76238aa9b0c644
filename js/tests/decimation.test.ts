// Reduction of curves to the columns of the screen.

import assert from "node:assert/strict";
import { test } from "node:test";
import { columnsOf, fillBetween, points, strokeLine, visibleIndices } from "../src/decimation";
import { ChannelAxis } from "../src/plot_geometry";
import { generator } from "./random";

const area = { left: 100, right: 200, top: 0, bottom: 100 };
const same = (value: number) => value;

function curve(length: number, seed = 1) {
  const random = generator(seed);
  return {
    channel: Float32Array.from({ length }, (_, j) => j),
    values: Float32Array.from({ length }, () => random()),
  };
}

/** Records what is drawn. */
function recorder() {
  const paths: [number, number][][] = [];
  const rects: number[][] = [];
  let strokes = 0;
  return {
    paths,
    rects,
    strokes: () => strokes,
    beginPath: () => void paths.push([]),
    moveTo: (x: number, y: number) => void paths.at(-1)?.push([x, y]),
    lineTo: (x: number, y: number) => void paths.at(-1)?.push([x, y]),
    stroke: () => {
      strokes += 1;
    },
    fillRect: (...words: number[]) => void rects.push(words),
  };
}

test("the visible channels are those of the axis and one more on each side", () => {
  const channel = Float32Array.of(0, 1, 2, 3, 4, 5);
  assert.deepEqual(visibleIndices(channel, { from: 2, to: 3 }), { first: 1, last: 4 });
  assert.deepEqual(visibleIndices(channel, { from: 5, to: 0 }), { first: 0, last: 5 });
});

test("a curve with few channels keeps all of its points", () => {
  const { channel, values } = curve(50);
  const line = points(channel, values, new ChannelAxis(area, 0, 49), same);
  assert.deepEqual(
    [...line].filter((_, i) => i % 2 === 1),
    [...values],
  );
});

test("a curve with many channels keeps the extremes of each column, and gaps", () => {
  const { channel, values } = curve(10_000);
  values[5432] = Number.NaN;
  const line = points(channel, values, new ChannelAxis(area, 0, 9999), same);
  assert.ok(line.length / 2 <= 5 * 102);
  const columns = new Map<number, number[]>();
  channel.forEach((value, j) => {
    const column = Math.floor(100 + (value / 9999) * 100);
    if (j !== 5432) columns.set(column, [...(columns.get(column) ?? []), values[j]]);
  });
  for (const [column, all] of columns) {
    const kept: number[] = [];
    for (let i = 0; i < line.length; i += 2) if (Math.floor(line[i]) === column) kept.push(line[i + 1]);
    const finite = kept.filter((value) => !Number.isNaN(value));
    assert.deepEqual([Math.min(...finite), Math.max(...finite)], [Math.min(...all), Math.max(...all)]);
  }
  assert.ok(line.some((value) => Number.isNaN(value)));
  for (let i = 2; i < line.length; i += 2) assert.ok(line[i] >= line[i - 2]);
});

test("a long line is drawn in connected parts, a gap interrupts it, and level runs have two points", () => {
  const { channel, values } = curve(300);
  values[150] = Number.NaN;
  const g = recorder();
  strokeLine(g, points(channel, values, new ChannelAxis(area, 0, 299), same));
  const drawn = g.paths.filter((path) => path.length > 0);
  assert.equal(g.strokes(), g.paths.length);
  assert.equal(new Set(drawn.flat().map(([x]) => x)).size, 299);
  const level = recorder();
  strokeLine(level, Float64Array.of(0, 1, 1, 1, 2, 1, 3, 1, 4, 7));
  assert.deepEqual(level.paths, [
    [
      [0, 1],
      [3, 1],
      [4, 7],
    ],
  ]);
});

test("columns have the height of the line at their middle, or of the highest point inside", () => {
  const slope = columnsOf(Float64Array.of(100, 0, 110, 10), 100, 110, 1);
  slope.heights.slice(1, 9).forEach((height, i) => {
    assert.ok(Math.abs(height - (i + 1.5)) < 1e-9);
  });
  const spike = columnsOf(Float64Array.of(100, 50, 100.4, 3, 100.6, 50, 103, 50), 100, 103, 1);
  assert.deepEqual([...spike.heights], [3, 50, 50]);
  const fine = columnsOf(Float64Array.of(100, 0, 110, 10), 100, 110, 0.5);
  assert.equal(fine.heights.length, 20);
});

test("an area is filled between curves, in one piece where both are level, and not in gaps", () => {
  const g = recorder();
  const upper = { left: 10, step: 1, heights: Float64Array.of(5, 5, 2, Number.NaN, 9) };
  fillBetween(g, upper, 9);
  assert.deepEqual(g.rects, [
    [10, 5, 2, 4],
    [12, 2, 1, 7],
  ]);
  const between = recorder();
  fillBetween(between, upper, { ...upper, heights: Float64Array.of(6, 7, 7, 7, 9) });
  assert.deepEqual(between.rects, [
    [10, 5, 1, 1],
    [11, 5, 1, 2],
    [12, 2, 1, 5],
  ]);
});
