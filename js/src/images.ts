// Maps of the page: those of the components, and those that tools add.

import type { MapPoint } from "./pointer";
import { type Binary, bytes, type Frame, type Range, valueOfCode } from "./protocol";

/** A map with what its tile shows. */
export interface MapImage {
  readonly label: string;
  readonly colour: string;
  /** Codes row by row, see `frame.py`. */
  readonly codes: Uint8Array;
  readonly range: Range;
  /** Height and width. */
  readonly shape: readonly [number, number];
  /** True while the map belongs to an older state than those of the components. */
  readonly stale?: boolean;
  /** True for a map around zero that shares its range with others, so that its contrast is that of the whole range. */
  readonly aroundZero?: boolean;
  /** True for a component that is hidden: its tile takes no room. */
  readonly hidden?: boolean;
  /** Colours of the pixels, in place of those of the codes. */
  readonly pixels?: Uint32Array;
  /** A grey image below these pixels, and their opacity over it. */
  readonly under?: EncodedMap;
  readonly opacity?: number;
  /** For a plot in the room of a map, whose points are no positions in the image: text of its axes. */
  readonly plot?: string;
}

/** A map as `tile.py` encodes it. */
export interface EncodedMap {
  readonly codes: Binary;
  readonly range: Range;
  readonly shape: readonly [number, number];
}

/** The maps of the components. */
export function componentImages({ header, maps }: Frame): MapImage[] {
  return header.labels.map((label, i) => ({
    label,
    colour: header.colors[i],
    codes: maps[i],
    range: header.ranges[i],
    shape: header.map_shape,
    hidden: header.hidden.includes(i),
  }));
}

/** A map that a tool shows. */
export function toolImage(label: string, colour: string, { codes, range, shape }: EncodedMap): MapImage {
  return { label, colour, codes: bytes(codes), range, shape };
}

/** Value of a map at a position. */
export function valueAt({ codes, range, shape }: MapImage, { fx, fy }: Pick<MapPoint, "fx" | "fy">): number {
  const [height, width] = shape;
  return valueOfCode(codes[Math.floor(fy * height) * width + Math.floor(fx * width)], range);
}
