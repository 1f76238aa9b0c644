// Layout: aspect of maps, columns of the grid, scale bar.

import assert from "node:assert/strict";
import { test } from "node:test";
import { aspectRatio, gridLayout, plotHeight, scaleBar } from "../src/layout";

test("maps have their physical aspect, within bounds", () => {
  assert.equal(aspectRatio({ shape: [48, 128], pixel_size: null }), 48 / 128);
  assert.equal(aspectRatio({ shape: [48, 128], pixel_size: [2, 0.5, "nm"] }), 1.5);
  assert.equal(aspectRatio({ shape: [1, 500], pixel_size: null }), 1 / 12);
  assert.equal(aspectRatio({ shape: [500, 1], pixel_size: null }), 6);
});

test("four square maps stand side by side on a wide view and in two rows on a narrow one", () => {
  assert.equal(gridLayout(4, 1, 1300).columns, 4);
  assert.equal(gridLayout(4, 1, 500).columns, 2);
});

test("maps fit the width and keep their aspect", () => {
  for (let k = 1; k <= 16; k++) {
    for (const aspect of [0.2, 1, 3]) {
      for (const available of [260, 700, 1300]) {
        const { columns, width, height } = gridLayout(k, aspect, available);
        assert.ok(columns >= 1 && columns <= k);
        assert.ok(columns * width + (columns - 1) * 12 <= available);
        assert.ok(width <= 400 && Math.abs(height - aspect * width) <= 0.5);
      }
    }
  }
});

test("the plot grows with the number of spectra, within bounds", () => {
  assert.deepEqual([1, 4, 50].map(plotHeight), [230, 336, 640]);
});

test("the scale bar is a round length below 38 % of the map", () => {
  assert.deepEqual(scaleBar({ shape: [96, 128], pixel_size: [0.5, 0.5, "µm"] }, 300, 200), {
    share: 20 / 64,
    text: "20 µm",
  });
  for (let columns = 3; columns < 500; columns += 7) {
    const bar = scaleBar({ shape: [columns, columns], pixel_size: [0.3, 0.3, "nm"] }, 300, 300);
    assert.ok(bar && bar.share <= 0.38 && bar.share > 0.38 / 2.5 - 1e-9);
  }
});

test("small maps and maps without a pixel size have no scale bar", () => {
  assert.equal(scaleBar({ shape: [9, 9], pixel_size: null }, 300, 300), null);
  assert.equal(scaleBar({ shape: [9, 9], pixel_size: [1, 1, "nm"] }, 79, 300), null);
  assert.equal(scaleBar({ shape: [9, 9], pixel_size: [1, 1, "nm"] }, 300, 47), null);
});
