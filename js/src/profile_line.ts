// Geometry of a line with a width on a map, in shares of height and width of the picture.

import type { Corner } from "./polygon";

/** Height and width of the image in the units of the line. */
export type Extent = readonly [height: number, width: number];

export interface ProfileLine {
  readonly start: Corner;
  readonly end: Corner;
  /** In the units of the image. */
  readonly width: number;
}

/** A position within the picture. */
export function inside([y, x]: Corner): Corner {
  const share = (value: number) => Math.min(Math.max(value, 0), 1);
  return [share(y), share(x)];
}

/** Unit vector across the line, as shares of height and width for a length of one unit; zero for a point. */
function across({ start, end }: ProfileLine, [height, width]: Extent): Corner {
  const [dy, dx] = [(end[0] - start[0]) * height, (end[1] - start[1]) * width];
  const length = Math.hypot(dy, dx);
  return length > 0 ? [dx / length / height, -dy / length / width] : [0, 0];
}

/** A point of the line: its share of the length, and its distance to the side in units. */
export function pointOn(line: ProfileLine, extent: Extent, share: number, side = 0): Corner {
  const [{ start, end }, [y, x]] = [line, across(line, extent)];
  return [start[0] + share * (end[0] - start[0]) + side * y, start[1] + share * (end[1] - start[1]) + side * x];
}

/** Corners of the area over which the profile is averaged. */
export function areaOfLine(line: ProfileLine, extent: Extent): readonly Corner[] {
  const half = line.width / 2;
  return [
    [0, half],
    [1, half],
    [1, -half],
    [0, -half],
  ].map(([share, side]) => pointOn(line, extent, share, side));
}

/** Distance of a point from the middle of the line, across it, in units. */
export function distanceAcross(line: ProfileLine, [height, width]: Extent, [y, x]: Corner): number {
  const [dy, dx] = [(line.end[0] - line.start[0]) * height, (line.end[1] - line.start[1]) * width];
  const [py, px] = [(y - line.start[0]) * height, (x - line.start[1]) * width];
  return Math.abs(dx * py - dy * px) / (Math.hypot(dy, dx) || 1);
}
