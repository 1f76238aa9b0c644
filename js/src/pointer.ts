// Geometry of pointing: from a position on the screen to a pixel of the image or to a channel.

import { decimalsOf, fixed } from "./format";
import type { Header, ImageTile } from "./protocol";

/** A position in a map. */
export interface MapPoint {
  /** Position as a share of the width and of the height. */
  readonly fx: number;
  readonly fy: number;
  /** Pixel of the image. */
  readonly x: number;
  readonly y: number;
  /** Index into the maps that were sent, whose pixels may be averages of blocks. */
  readonly index: number;
}

type Box = Pick<DOMRect, "left" | "top" | "width" | "height">;
type Position = Pick<MouseEvent, "clientX" | "clientY">;

/** Return the position in a map that fills `box`; null outside of it. */
export function mapPoint({ clientX, clientY }: Position, box: Box, header: Header): MapPoint | null {
  const [fx, fy] = [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
  if (!(fx >= 0 && fy >= 0 && fx < 1 && fy < 1)) return null;
  const [rows, columns] = header.map_shape;
  const [height, width] = header.shape;
  return {
    fx,
    fy,
    x: Math.floor(fx * width),
    y: Math.floor(fy * height),
    index: Math.floor(fy * rows) * columns + Math.floor(fx * columns),
  };
}

/** The image of a pixel where the maps show several images; null between them. */
export function imageAt(images: readonly ImageTile[], y: number, x: number): ImageTile | null {
  const inside = ({ top, left, height, width }: ImageTile) =>
    y >= top && y < top + height && x >= left && x < left + width;
  return images.find(inside) ?? null;
}

/** Whether a pixel lies between several images, where nothing was measured. */
export function betweenImages({ images = [] }: Pick<Header, "images">, { y, x }: { y: number; x: number }): boolean {
  return images.length > 0 && imageAt(images, y, x) === null;
}

/**
 * Text of a pixel, given as row and column: with the names of the axes, because Python takes the row first.
 * Of several images, with the name of the image and the pixel in this image.
 */
export function pixelText([y, x]: readonly [number, number], images: readonly ImageTile[] = []): string {
  const image = imageAt(images, y, x);
  return image ? `${image.name}: pixel x ${x - image.left}, y ${y - image.top}` : `pixel x ${x}, y ${y}`;
}

/** Text of a position: in units of length where the pixel size is known, else in pixels. */
export function positionText({ x, y }: MapPoint, size: Header["pixel_size"]): string {
  if (!size) return `x ${x}, y ${y}`;
  const [height, width, unit] = size;
  const text = (pixel: number, step: number) => `${fixed(pixel * step, decimalsOf(step, 6))} ${unit}`;
  return `x ${text(x, width)}, y ${text(y, height)}`;
}

/** Distance of two channels on average. */
export function meanStep(channel: Float32Array): number {
  return Math.abs(channel[channel.length - 1] - channel[0]) / Math.max(channel.length - 1, 1);
}

/** Return the index of the channel nearest to a value. The channels rise or fall. */
export function nearestChannel(channel: Float32Array, value: number): number {
  const sign = Math.sign(channel[channel.length - 1] - channel[0]) || 1;
  let [first, last] = [0, channel.length - 1];
  while (last - first > 1) {
    const middle = (first + last) >> 1;
    if ((channel[middle] - value) * sign <= 0) first = middle;
    else last = middle;
  }
  return Math.abs(channel[first] - value) <= Math.abs(channel[last] - value) ? first : last;
}

/** A curve to search for peaks. */
export interface PeakCurve {
  readonly values: Float32Array;
  /** Largest absolute value. */
  readonly top: number;
}

/** Peaks below this share of the largest value are not found. */
const SMALLEST_PEAK = 0.02;

/**
 * Return the index of the highest local maximum within a distance of a channel, so that a narrow line can be hit;
 * the index itself if there is none. Heights are relative to the largest value of each curve.
 */
export function highestPeak(
  channel: Float32Array,
  curves: readonly PeakCurve[],
  index: number,
  distance: number,
): number {
  let [best, height] = [index, SMALLEST_PEAK];
  const near = (j: number) => Math.abs(channel[j] - channel[index]) <= distance;
  for (const { values, top } of curves) {
    if (!(top > 0)) continue;
    const visit = (j: number) => {
      const relative = values[j] / top;
      const isMaximum = values[j] >= (values[j - 1] ?? -Infinity) && values[j] >= (values[j + 1] ?? -Infinity);
      if (relative > height && isMaximum) [best, height] = [j, relative];
    };
    for (let j = index; j >= 0 && near(j); j--) visit(j);
    for (let j = index + 1; j < channel.length && near(j); j++) visit(j);
  }
  return best;
}
