// The pixel adjacency graph of an image, as in mffnb/graphs/grid.py: degree 1, and mirrored at the border.

export interface Grid {
  readonly height: number;
  readonly width: number;
  /** Limits of the bands of pixels that are swept in turn, even ones first. */
  readonly bands: readonly number[];
}

/** Weight of an edge: 1 / (2 d) for d axes that are longer than one pixel. */
export function edgeWeight({ height, width }: Grid): number {
  return 1 / (2 * Math.max(1, Number(height > 1) + Number(width > 1)));
}

/** Sum over all edges of weight times squared difference, over the rows of a factor (k, pixels). */
export function roughness(F: Float64Array, grid: Grid): number {
  const { height, width } = grid;
  let sum = 0;
  for (let at = 0; at < F.length; at++) {
    const [x, y] = [at % width, Math.floor(at / width) % height];
    if (x + 1 < width) sum += (F[at] - F[at + 1]) ** 2;
    if (y + 1 < height) sum += (F[at] - F[at + width]) ** 2;
  }
  return edgeWeight(grid) * sum;
}

/** The pixels next to a pixel: their number, and the sum of their values in the row that begins at `from`. */
export function neighbours(F: Float64Array, from: number, pixel: number, { height, width }: Grid): [number, number] {
  const [x, y, at] = [pixel % width, Math.floor(pixel / width), from + pixel];
  let [count, sum] = [0, 0];
  if (x > 0) [count, sum] = [count + 1, sum + F[at - 1]];
  if (x + 1 < width) [count, sum] = [count + 1, sum + F[at + 1]];
  if (y > 0) [count, sum] = [count + 1, sum + F[at - width]];
  if (y + 1 < height) [count, sum] = [count + 1, sum + F[at + width]];
  return [count, sum];
}
