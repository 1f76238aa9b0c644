// Shapes that are drawn by dragging from one corner to the opposite one, as outlines in shares of height and width.

import type { Corner } from "./polygon";

export type Shape = "ellipse" | "rectangle" | "lasso";

/** Corners of the polygon that stands for an ellipse. */
const CORNERS = 48;

export function rectangle([y0, x0]: Corner, [y1, x1]: Corner): readonly Corner[] {
  return [
    [y0, x0],
    [y0, x1],
    [y1, x1],
    [y1, x0],
  ];
}

export function ellipse([y0, x0]: Corner, [y1, x1]: Corner): readonly Corner[] {
  const [y, x, height, width] = [(y0 + y1) / 2, (x0 + x1) / 2, Math.abs(y1 - y0) / 2, Math.abs(x1 - x0) / 2];
  return Array.from({ length: CORNERS }, (_, i) => {
    const angle = (2 * Math.PI * i) / CORNERS;
    return [y + height * Math.sin(angle), x + width * Math.cos(angle)] as const;
  });
}
