// Pixels that the page keeps: their position, the pixels that are averaged, and their lane among the spectra.

import { amountsAt } from "./amounts";
import { mixture } from "./mixture";
import { imageAt, type MapPoint, pixelText } from "./pointer";
import { type Binary, type Frame, floats } from "./protocol";
import type { Lane } from "./spectra";
import type { Stage } from "./tool";

/** A pixel that Python keeps. */
export interface Pin {
  readonly name: string;
  readonly pixel: readonly [number, number];
  readonly radius: number;
  /** Number of pixels that are averaged. */
  readonly pixels: number;
  /** Height and width of the image that it belongs to. */
  readonly shape: readonly [number, number];
  readonly channel: Binary;
  readonly measured: Binary;
}

/** Colours of kept pixels: darker and duller than those of components, so that they are not confused. */
const PIN_COLOURS = ["#5f5f5f", "#8c564b", "#0f7f7f", "#8a7a00", "#5b4ea3", "#3f6f3f"];

export const colourOf = (place: number) => PIN_COLOURS[place % PIN_COLOURS.length];

/** Pixels that Python keeps, on the grid that is shown. */
export function pinsOf(stage: Stage): readonly Pin[] {
  const all = stage.values<{ readonly pins: readonly Pin[] }>("drop_pin")?.pins ?? [];
  const [height, width] = stage.frame?.header.shape ?? [0, 0];
  return all.filter(({ shape }) => shape[0] === height && shape[1] === width);
}

/** The point in the middle of a pixel. */
export function pointOf([y, x]: readonly [number, number], { header }: Frame): MapPoint {
  const [height, width] = header.shape;
  const [fx, fy] = [(x + 0.5) / width, (y + 0.5) / height];
  const [rows, columns] = header.map_shape;
  return { fx, fy, x, y, index: Math.floor(fy * rows) * columns + Math.floor(fx * columns) };
}

/** The lane of a kept pixel: its measured spectrum, the model, and the contributions of the components. */
export function pinLane(pin: Pin, colour: string, frame: Frame): Lane {
  const { shape, images = [] } = frame.header;
  const own = imageAt(images, pin.pixel[0], pin.pixel[1]);
  const around = pixelsAround(pin, shape).filter(([y, x]) => imageAt(images, y, x) === own);
  const indices = around.map((pixel) => pointOf(pixel, frame).index);
  const { model, stack } = mixture(amountsAt(frame, indices), frame.spectra);
  return {
    label: `${pin.name}: ${pixelText(pin.pixel, frame.header.images)}`,
    colour,
    channel: floats(pin.channel),
    values: floats(pin.measured),
    model,
    stack: stack.map((values, i) => ({ values, colour: frame.header.colors[i] })),
    band: null,
    bright: true,
  };
}

/** Pixels within the radius of a pin, inside of the image. */
export function pixelsAround(
  { pixel, radius }: Pick<Pin, "pixel" | "radius">,
  [height, width]: readonly [number, number],
): (readonly [number, number])[] {
  const found: (readonly [number, number])[] = [];
  const reach = Math.floor(radius);
  for (let y = pixel[0] - reach; y <= pixel[0] + reach; y++) {
    for (let x = pixel[1] - reach; x <= pixel[1] + reach; x++) {
      const near = (y - pixel[0]) ** 2 + (x - pixel[1]) ** 2 <= radius ** 2;
      if (near && y >= 0 && y < height && x >= 0 && x < width) found.push([y, x]);
    }
  }
  return found;
}
