// Sizes of the view: grid of the maps, scale bar, height of the plot of spectra.

import { lengthText } from "./format";
import type { Header } from "./protocol";
import { niceBelow } from "./ticks";

/** Pixels between two maps, and pixels of the caption under a map. */
const GAP = 12;
const CAPTION = 26;
/** Height that all maps together should not exceed in a notebook, and width of one map. */
const GRID_HEIGHT = 540;
const MAP_WIDTH = 400;

/** Height over width of a map, by physical size where it is known; bounded, so that extreme ones stay visible. */
export function aspectRatio({ shape, pixel_size }: Pick<Header, "shape" | "pixel_size">): number {
  const [pixelHeight, pixelWidth] = pixel_size ?? [1, 1];
  const ratio = (shape[0] * pixelHeight) / (shape[1] * pixelWidth);
  return Math.min(Math.max(ratio, 1 / 12), 6);
}

export interface GridLayout {
  readonly columns: number;
  /** Size of one map in CSS pixels. */
  readonly width: number;
  readonly height: number;
}

/** Choose the number of columns that makes `k` maps large without pushing the spectra off the screen. */
export function gridLayout(k: number, aspect: number, available: number, height = GRID_HEIGHT): GridLayout {
  const widest = (MAP_WIDTH * height) / GRID_HEIGHT;
  let best = { score: -1, columns: 1, width: 0 };
  for (let columns = 1; columns <= k; columns++) {
    const rows = Math.ceil(k / columns);
    const space = (available - GAP * (columns - 1)) / columns;
    const tall = (height - rows * (CAPTION + GAP)) / rows / aspect;
    const width = Math.floor(Math.min(space, Math.max(tall, 96), widest));
    const used = Math.min((columns * width) / available, 1);
    // Large maps, full width, no empty cells in the last row.
    const score = width * used * (k / (rows * columns)) ** 2;
    if (score > best.score) best = { score, columns, width };
  }
  return { columns: best.columns, width: best.width, height: Math.max(Math.round(best.width * aspect), 8) };
}

/** Size of a single map that fills the width, within the height of the window. */
export function enlargedLayout(aspect: number, available: number, windowHeight: number): GridLayout {
  const tall = Math.max(windowHeight * 0.8 - CAPTION, 160) / aspect;
  const width = Math.floor(Math.min(available, tall));
  return { columns: 1, width, height: Math.max(Math.round(width * aspect), 8) };
}

/** Height of the plot of `count` spectra in CSS pixels. */
export function plotHeight(count: number): number {
  return Math.min(Math.max(160 + 44 * count, 230), 640);
}

export interface ScaleBar {
  /** Length as a share of the width of the map. */
  readonly share: number;
  readonly text: string;
}

/** Choose a scale bar of round length; null where the pixel size is unknown or the map is small. */
export function scaleBar(
  { shape, pixel_size }: Pick<Header, "shape" | "pixel_size">,
  width: number,
  height: number,
): ScaleBar | null {
  if (!pixel_size || width < 80 || height < 48) return null;
  const extent = pixel_size[1] * shape[1];
  const length = niceBelow(extent * 0.38);
  return { share: length / extent, text: lengthText(length, pixel_size[2]) };
}

/** Height for all maps: on a page of its own, the explorer gives them what its controls and spectra leave. */
export function gridHeight(root: HTMLElement): number {
  const alone = document.fullscreenElement?.contains(root) ?? false;
  return alone ? Math.max(GRID_HEIGHT, 0.62 * window.innerHeight) : GRID_HEIGHT;
}
