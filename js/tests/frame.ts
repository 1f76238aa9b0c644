// A frame of two components with maps of 2 x 3 pixels and four channels, for the tests.

import type { Frame } from "../src/protocol";
import { header } from "./header";

export function frame(): Frame {
  return {
    header: header({
      shape: [2, 3],
      ranges: [
        [0, 1],
        [0, 2],
      ],
    }),
    maps: [Uint8Array.of(0, 127, 254, 0, 0, 255), Uint8Array.of(254, 0, 0, 0, 127, 254)],
    channel: Float32Array.of(1, 2, 3, 4),
    spectra: [Float32Array.of(1, 0, 0, 2), Float32Array.of(0, 3, 0, 1)],
    gain: null,
    bands: null,
    patterns: [],
  };
}
