// Decoding of binary frames.

import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, codeOfZero, decode, LEVELS, MISSING, outdated, sharingChannels, valueOfCode } from "../src/protocol";
import { frame } from "./frame";
import { header } from "./header";

/** A view into a larger buffer at an offset that is no multiple of four, as a message delivers it. */
function view(content: Uint8Array): DataView {
  const padded = new Uint8Array(content.length + 7);
  padded.set(content, 5);
  return new DataView(padded.buffer, 5, content.length);
}

const floats = (values: number[]) => view(new Uint8Array(Float32Array.from(values).buffer));
const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

test("maps, channel and spectra are cut out of the buffers", () => {
  const frame = decode({
    header: header(),
    maps: view(Uint8Array.from(range(0, 12))),
    spectra: floats(range(100, 12)),
  });
  assert.ok(frame);
  assert.deepEqual(
    frame.maps.map((map) => Array.from(map)),
    [range(0, 6), range(6, 6)],
  );
  assert.deepEqual(Array.from(frame.channel), range(100, 4));
  assert.deepEqual(
    frame.spectra.map((row) => Array.from(row)),
    [range(104, 4), range(108, 4)],
  );
  assert.equal(frame.bands, null);
});

test("bands come after the spectra: all lower ends, then all upper ends", () => {
  const encoded = { header: header({ bands: true }), maps: new ArrayBuffer(12), spectra: floats(range(0, 28)) };
  const bands = decode(encoded)?.bands;
  assert.ok(bands);
  assert.deepEqual(
    bands.map((band) => band.map((end) => end[0])),
    [
      [12, 20],
      [16, 24],
    ],
  );
});

test("the empty view has no frame", () => {
  for (const encoded of [undefined, null, {}]) assert.equal(decode(encoded), null);
});

test("bytes of nothing, of a buffer and of a view", () => {
  assert.equal(bytes(undefined).length, 0);
  assert.deepEqual(Array.from(bytes(Uint8Array.of(1, 2).buffer)), [1, 2]);
  const copied = bytes(view(Uint8Array.of(7, 8, 9)));
  assert.deepEqual(Array.from(copied), [7, 8, 9]);
  assert.equal(copied.byteOffset, 0);
});

test("codes are linear between the ends of the range", () => {
  assert.equal(valueOfCode(0, [-2, 3]), -2);
  assert.equal(valueOfCode(LEVELS, [-2, 3]), 3);
  assert.equal(valueOfCode(127, [0, 2]), 1);
  assert.ok(Number.isNaN(valueOfCode(MISSING, [0, 1])));
});

test("the code of zero has the value zero", () => {
  assert.equal(codeOfZero([0, 0]), 0);
  for (const steps of [0, 1, 60, 127, 200, 254]) {
    const low = -steps * 0.37;
    const high = low + LEVELS * 0.37;
    assert.equal(Math.abs(codeOfZero([low, high])), steps); // not -0
    assert.ok(Math.abs(valueOfCode(codeOfZero([low, high]), [low, high])) < 1e-12);
  }
});

test("frames of an older solve are dropped until the view is cleared", () => {
  assert.equal(outdated(header({ generation: 1 }), header({ generation: 2 })), true);
  assert.equal(outdated(header({ generation: 2 }), header({ generation: 2 })), false);
  assert.equal(outdated(header({ generation: 1, epoch: 1 }), header({ generation: 2, epoch: 0 })), false);
  assert.equal(outdated(header(), undefined), false);
});

test("a frame shares the channels of the one before where they are equal", () => {
  const [before, after] = [frame(), frame()];
  assert.equal(sharingChannels(after, before).channel, before.channel);
  assert.equal(sharingChannels(after, before).spectra, after.spectra);
  assert.equal(sharingChannels(after, null), after);
  for (const channel of [Float32Array.of(1, 2, 3, 5), Float32Array.of(1, 2, 3)])
    assert.equal(sharingChannels({ ...after, channel }, before).channel, channel);
});
