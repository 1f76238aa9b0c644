// Parts of a living figure around its solver: stored data, starts, frames, sliders, and tools that answer in the page.

import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { arraysOf, type Facts, inflated } from "../src/living/facts";
import { encodedFrame } from "../src/living/frames";
import { localModel } from "../src/living/local_model";
import { answer, channelsBetween } from "../src/living/local_tools";
import type { Opening } from "../src/living/messages";
import { Run, startNumbers } from "../src/living/run";
import { POSITIONS, positionOf, weightAt } from "../src/living/weight_slider";
import { decode, type LiveViewTraits, valueOfCode } from "../src/protocol";

test("arrays are views of the compressed block", async () => {
  const block = new Uint8Array(16);
  block.set([7, 8, 9]);
  new Float32Array(block.buffer, 8, 2).set([1.5, -2]);
  const found = arraysOf(await inflated(deflateSync(block).toString("base64")), [
    { name: "codes", type: "uint8", first: 0, length: 3 },
    { name: "channel", type: "float32", first: 8, length: 2 },
    { name: "table_gray", type: "uint8", first: 0, length: 1 },
  ]);
  assert.deepEqual([[...found.codes], [...found.channel], [...found.tables.gray]], [[7, 8, 9], [1.5, -2], [7]]);
});

test("fewer components are those with the largest share, in their order; more of them add the stored ones", () => {
  const starts = { A: new Float32Array(0), E: new Float32Array(0), ranked: [2, 0, 1] };
  assert.deepEqual(
    [1, 2, 3, 5].map((k) => startNumbers(starts, k)),
    [[2], [0, 2], [0, 1, 2], [0, 1, 2, 3, 4]],
  );
});

const CODES = Uint8Array.of(2, 0, 2, 0, 6, 0, 1, 3, 1, 3, 4, 3);
const OPENING: Opening = {
  type: "open",
  matrix: { codes: CODES, step: 0.5, pixels: 4, channels: 3 },
  grid: { height: 2, width: 2, bands: [0, 4] },
  starts: { A: Float32Array.of(2, 1, 1, 2, 1, 5, 1, 4), E: Float32Array.of(1, 0.1, 1, 0.1, 1, 0.1), ranked: [0, 1] },
  tolerance: 1e-5,
  iterations: 500,
};

/** Run to the end; return the last state. */
function solved(run: Run) {
  let last = run.advance();
  while (run.running) last = run.advance();
  return last;
}

test("a run continues from its factors when a weight moves, and starts again when k changes or it is told to", () => {
  const run = new Run(OPENING);
  assert.equal(run.advance(), null);
  const settings = { k: 2, sparsity: 0, smoothness: 0 };
  run.request({ type: "solve", generation: 1, settings, fresh: true });
  const first = solved(run);
  assert.equal(first?.outcome, "converged");
  assert.ok((first?.relativeError ?? 1) < 1e-3);
  run.request({ type: "solve", generation: 2, settings, fresh: false });
  assert.equal(solved(run)?.iteration, 1);
  run.request({ type: "solve", generation: 3, settings, fresh: true });
  assert.equal(solved(run)?.iteration, first?.iteration);
  run.request({ type: "solve", generation: 4, settings: { ...settings, k: 1 }, fresh: false });
  const fewer = solved(run);
  assert.deepEqual([fewer?.generation, fewer?.numbers, fewer?.E.length], [4, [0], 3]);
});

test("a frame is decoded to its maps and spectra", () => {
  const facts = {
    shape: [1, 2],
    colors: ["#111111", "#222222"],
    channel_label: "m/z",
    intensity_label: "counts",
    pixel_size: null,
  } as unknown as Facts;
  const shown = {
    generation: 3,
    final: true,
    numbers: [1],
    A: Float32Array.of(0, 2),
    E: Float32Array.of(5, 6, 7),
    status: {},
    parameters: {},
    labels: ["a", "b"],
    weights: [1, 0.5],
  };
  const frame = decode(encodedFrame(facts, Float32Array.of(10, 20, 30), shown, 9));
  assert.deepEqual(frame?.header.labels, ["b"]);
  assert.deepEqual([frame?.header.colors, frame?.header.weights, frame?.header.sequence], [["#222222"], [0.5], 9]);
  assert.deepEqual(
    [...(frame?.maps[0] ?? [])].map((code) => valueOfCode(code, [0, 2])),
    [0, 2],
  );
  assert.deepEqual(
    [[...(frame?.channel ?? [])], [...(frame?.spectra[0] ?? [])]],
    [
      [10, 20, 30],
      [5, 6, 7],
    ],
  );
});

test("the slider of a weight begins at zero, and its positions and weights agree", () => {
  const limits = { low: 1e-4, high: 1 };
  assert.deepEqual(
    [0, 1, POSITIONS].map((position) => weightAt(position, limits)),
    [0, 1e-4, 1],
  );
  for (let position = 0; position <= POSITIONS; position++)
    assert.equal(positionOf(weightAt(position, limits), limits), position);
  assert.deepEqual(
    [1e-9, 50].map((weight) => positionOf(weight, limits)),
    [1, POSITIONS],
  );
});

test("tools answer from the data: spectrum of a pixel, mean, and image of a range of channels", () => {
  const channel = Float32Array.of(1, 2, 3);
  const call = (tool: string, args: object) => answer(tool, { ...args }, OPENING.matrix, channel, [2, 2]) ?? {};
  assert.deepEqual([...(call("probe", { pixel: [1, 1] }).measured as Float32Array)], [1.5, 2, 1.5]);
  assert.deepEqual([...(call("mean_spectrum", { shown: true }).values as Float32Array)], [0.75, 1.625, 0.75]);
  const band = call("band", { start: 3.2, stop: 1.8 });
  assert.deepEqual(
    [band.ends, band.range, [...(band.codes as Uint8Array)]],
    [
      [2, 3],
      [0, 3.5],
      [73, 218, 145, 254],
    ],
  );
  assert.deepEqual(call("band", { shown: false }), { shown: false });
  assert.deepEqual(call("residual_map", {}), {});
  assert.deepEqual(
    [channelsBetween(channel, 2.1, 2.2), channelsBetween(channel, 9, 12)],
    [
      [1, 1],
      [2, 2],
    ],
  );
});

test("a model without a kernel tells of changes and passes messages on", () => {
  const [received, told]: [unknown[], string[]] = [[], []];
  const { model, set } = localModel({ gamma: 1, error: "" } as LiveViewTraits, (message) => received.push(message));
  const listen = () => told.push(model.get("error") || "gamma");
  model.on("change:error", listen);
  model.on("change:gamma", listen);
  model.set("gamma", 1);
  model.set("gamma", 2);
  set({ error: "stopped" });
  model.off("change:error", listen);
  set({ error: "again" });
  model.send({ type: "drawn", sequence: 1 });
  assert.deepEqual([told, received], [["gamma", "stopped"], [{ type: "drawn", sequence: 1 }]]);
});
