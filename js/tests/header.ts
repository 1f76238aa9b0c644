// A header of a frame with two components, for the tests.

import type { Header } from "../src/protocol";

export function header(changes: Partial<Header> = {}): Header {
  return {
    labels: ["a", "b"],
    held: [],
    colors: ["#2b83d6", "#d62728"],
    numbers: [0, 1],
    hidden: [],
    weights: [1, 1],
    shape: [4, 6],
    map_shape: [2, 3],
    ranges: [
      [0, 1],
      [-1, 1],
    ],
    channels: 4,
    bands: false,
    channel_label: "m/z (u)",
    intensity_label: "intensity (counts)",
    pixel_size: null,
    status: {},
    parameters: { k: 2 },
    final: true,
    sections: [],
    pattern: null,
    gain_range: null,
    generation: 1,
    epoch: 0,
    sequence: 1,
    ...changes,
  };
}
