// Outlines of regions on the maps: drawing, and which pixels are inside.

/** Row and column as shares of height and width. */
export type Corner = readonly [number, number];

/** Points closer than this share of the map are one corner. */
const CLOSE = 0.008;

/** Add a corner to an outline, unless it is close to the last one. */
export function extended(outline: readonly Corner[], corner: Corner): readonly Corner[] {
  const last = outline.at(-1);
  if (last && Math.hypot(last[0] - corner[0], last[1] - corner[1]) < CLOSE) return outline;
  return [...outline, corner];
}

/** SVG path of an outline in a box of 100 x 100. */
export function pathOf(outline: readonly Corner[]): string {
  if (outline.length === 0) return "";
  return `M${outline.map(([y, x]) => `${(100 * x).toFixed(2)} ${(100 * y).toFixed(2)}`).join("L")}Z`;
}

/**
 * Indices of the pixels of a map of this shape whose centre is in a mask of another shape, row by row: maps may be sent
 * at a lower resolution.
 */
export function indicesOfMask(
  mask: Uint8Array,
  [maskHeight, maskWidth]: readonly [number, number],
  [height, width]: readonly [number, number],
): number[] {
  const found: number[] = [];
  for (let i = 0; i < height; i++) {
    const row = Math.floor(((i + 0.5) * maskHeight) / height) * maskWidth;
    for (let j = 0; j < width; j++) {
      if (mask[row + Math.floor(((j + 0.5) * maskWidth) / width)]) found.push(i * width + j);
    }
  }
  return found;
}
