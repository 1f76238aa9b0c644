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

/** The uppermost corner of an outline. */
export function topOf(outline: readonly Corner[]): Corner {
  return outline.reduce((top, corner) => (corner[0] < top[0] ? corner : top));
}

/** The upper left corner of the first pixel of a mask, row by row; null if it has none. */
export function topOfMask(mask: Uint8Array, [height, width]: readonly [number, number]): Corner | null {
  const first = mask.findIndex((one) => one > 0);
  return first < 0 ? null : [Math.floor(first / width) / height, (first % width) / width];
}

/** Largest side of the grid on which the edge of a mask is drawn. */
const EDGE_GRID = 256;

/** SVG path around the pixels of a mask, in a box of 100 x 100: its edges, joined along rows and columns. */
export function edgesOfMask(mask: Uint8Array, [height, width]: readonly [number, number]): string {
  const step = Math.max(1, Math.ceil(Math.max(height, width) / EDGE_GRID));
  const [rows, columns] = [Math.ceil(height / step), Math.ceil(width / step)];
  const at = (row: number, column: number) =>
    row >= 0 && column >= 0 && row < rows && column < columns && mask[row * step * width + column * step] > 0;
  const [unitY, unitX] = [(100 * step) / height, (100 * step) / width];
  const parts: string[] = [];
  /** Runs of edges along one direction: `edge` says whether there is one between two neighbours. */
  const runs = (count: number, edge: (i: number) => boolean, draw: (from: number, to: number) => string) => {
    for (let i = 0; i < count; ) {
      const from = i;
      while (i < count && edge(i)) i++;
      if (i > from) parts.push(draw(from, i));
      else i++;
    }
  };
  const text = (value: number) => Math.min(value, 100).toFixed(2);
  for (let row = 0; row <= rows; row++) {
    const y = text(row * unitY);
    runs(
      columns,
      (j) => at(row - 1, j) !== at(row, j),
      (from, to) => `M${text(from * unitX)} ${y}H${text(to * unitX)}`,
    );
  }
  for (let column = 0; column <= columns; column++) {
    const x = text(column * unitX);
    runs(
      rows,
      (i) => at(i, column - 1) !== at(i, column),
      (from, to) => `M${x} ${text(from * unitY)}V${text(to * unitY)}`,
    );
  }
  return parts.join("");
}
