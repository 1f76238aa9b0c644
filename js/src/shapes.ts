// Shapes of regions while they are drawn: lasso, rectangle, ellipse and brush.
// Python draws the same ones, see mffnb/widgets/region_shapes.py.

import { type Corner, edgesOfMask, extended, pathOf } from "./polygon";

export type Shape = "polygon" | "rectangle" | "ellipse" | "brush";

/** Names of the shapes in the page. */
export const SHAPES: readonly (readonly [Shape, string])[] = [
  ["polygon", "Lasso"],
  ["rectangle", "Rectangle"],
  ["ellipse", "Ellipse"],
  ["brush", "Brush"],
];

/** Corners of the outline of an ellipse. */
const CORNERS = 64;

/** A shape for which there are too few positions is not made. */
const LEAST: Readonly<Record<Shape, number>> = { polygon: 3, rectangle: 2, ellipse: 2, brush: 1 };

/** What has been drawn: positions as shares of height and width. */
export class Drawing {
  private points: readonly Corner[] = [];
  private painted: Uint8Array | null = null;

  get empty(): boolean {
    return this.points.length === 0;
  }

  clear(): void {
    this.points = [];
    this.painted = null;
  }

  /** Continue with a position; `grid` has the shape of the image and the diameter of the brush, both in pixels. */
  add(shape: Shape, corner: Corner, grid: { shape: readonly [number, number]; width: number }): void {
    if (shape === "brush") {
      const [height, width] = grid.shape;
      this.painted = this.painted?.length === height * width ? this.painted : new Uint8Array(height * width);
      paint(this.painted, grid.shape, this.points.at(-1) ?? corner, corner, grid.width / 2);
      this.points = [...this.points, corner];
    } else if (shape === "polygon") {
      this.points = extended(this.points, corner);
    } else {
      this.points = this.empty ? [corner] : [this.points[0], corner];
    }
  }

  /** SVG path of the outline in a box of 100 x 100: for a brush, around its pixels. */
  path(shape: Shape, grid: readonly [number, number]): string {
    if (shape === "brush") return this.painted ? edgesOfMask(this.painted, grid) : "";
    return pathOf(outlineOf(shape, this.points));
  }

  /** The positions that Python gets; null if they are too few, or two equal corners. */
  finished(shape: Shape): readonly Corner[] | null {
    if (this.points.length < LEAST[shape]) return null;
    if (shape !== "rectangle" && shape !== "ellipse") return this.points;
    const [[y0, x0], [y1, x1]] = this.points;
    return y0 === y1 || x0 === x1 ? null : this.points;
  }
}

/** Corners of the outline of a shape, from the positions that were drawn. */
export function outlineOf(shape: Shape, points: readonly Corner[]): readonly Corner[] {
  if (points.length < 2 || shape === "polygon") return points;
  const [[y0, x0], [y1, x1]] = points;
  if (shape === "rectangle") {
    return [
      [y0, x0],
      [y0, x1],
      [y1, x1],
      [y1, x0],
    ];
  }
  const [cy, cx, ry, rx] = [(y0 + y1) / 2, (x0 + x1) / 2, (y1 - y0) / 2, (x1 - x0) / 2];
  return Array.from({ length: CORNERS }, (_, i) => {
    const angle = (2 * Math.PI * i) / CORNERS;
    return [cy + ry * Math.sin(angle), cx + rx * Math.cos(angle)] as const;
  });
}

/** Mark the pixels whose centre is within a radius, in pixels, of a straight piece of a path. */
export function paint(
  mask: Uint8Array,
  [height, width]: readonly [number, number],
  from: Corner,
  to: Corner,
  radius: number,
): void {
  const [y0, x0] = [from[0] * height - 0.5, from[1] * width - 0.5];
  const [dy, dx] = [to[0] * height - 0.5 - y0, to[1] * width - 0.5 - x0];
  const square = dy * dy + dx * dx;
  const limits = (start: number, step: number, size: number) => [
    Math.max(0, Math.floor(Math.min(start, start + step) - radius)),
    Math.min(size - 1, Math.ceil(Math.max(start, start + step) + radius)),
  ];
  const [top, bottom] = limits(y0, dy, height);
  const [left, right] = limits(x0, dx, width);
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      const at = square > 0 ? ((row - y0) * dy + (column - x0) * dx) / square : 0;
      const along = Math.min(Math.max(at, 0), 1);
      const [offY, offX] = [row - y0 - along * dy, column - x0 - along * dx];
      if (offY * offY + offX * offX <= radius * radius) mask[row * width + column] = 1;
    }
  }
}
