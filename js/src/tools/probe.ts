// Tool: pointing at a map draws the spectrum of the pixel below those of the components, as measured and as modelled,
// with the contribution of each component and the residual. A click keeps the pixel.
// The model is mixed on the page at once; the measured spectrum comes from mffnb/widgets/tools/probe.py.

import { meanOf, valueAt } from "../images";
import { difference, type Mixture, mixture } from "../mixture";
import type { MapPoint } from "../pointer";
import { type Binary, type Frame, floats } from "../protocol";
import type { Lane } from "../spectra";
import type { Tool } from "../tool";

/** What the function in Python shows. */
interface Shown {
  /** Row and column of the pixel. */
  readonly pixel: readonly [number, number];
  readonly pinned: boolean;
  readonly channel: Binary;
  readonly measured: Binary;
}

interface Measured {
  readonly channel: Float32Array;
  readonly values: Float32Array;
}

/** Colour of measured curves: that of text is dark on light and light on dark pages. */
const MEASURED = "#808080";
const RESIDUAL = "#a0522d";
/** Spectra that are kept for pixels that were pointed at. */
const KEPT = 64;
/** Milliseconds after which a request without an answer no longer holds up the next one. */
const PATIENCE = 1000;

const keyOf = ([row, column]: readonly [number, number]) => `${row},${column}`;

export const tool: Tool = {
  name: "probe",
  place: -1,
  start(stage) {
    let pointed: MapPoint | null = null;
    let pinned: MapPoint | null = null;
    let asked = { key: "", time: 0 };
    let source: Binary | undefined;
    let mean: { frame: Frame | null; mixed: Mixture | null } = { frame: null, mixed: null };
    const spectra = new Map<string, Measured>();
    let grid = "";

    const pixelOf = ({ y, x }: MapPoint) => [y, x] as const;

    /** Ask for the measured spectrum of the present pixel, unless it is known or another answer is awaited. */
    const ask = () => {
      const at = pointed ?? pinned;
      if (!at || stage.values("probe") === null || spectra.has(keyOf(pixelOf(at)))) return;
      if (asked.key && performance.now() - asked.time < PATIENCE) return;
      asked = { key: keyOf(pixelOf(at)), time: performance.now() };
      stage.call("probe", { pixel: pixelOf(at), pinned: false });
    };

    /** Keep the newest answer. */
    const receive = () => {
      const shown = stage.values<Shown>("probe");
      if (!shown?.pixel || !shown.measured || source === shown.measured) return;
      source = shown.measured;
      const key = keyOf(shown.pixel);
      if (spectra.size >= KEPT) spectra.delete(spectra.keys().next().value ?? "");
      spectra.set(key, { channel: floats(shown.channel), values: floats(shown.measured) });
      if (key === asked.key) asked = { key: "", time: 0 };
      if (shown.pinned && stage.frame) pinned = pointOf(shown.pixel, stage.frame);
      ask();
    };

    const mixed = (frame: Frame, at: MapPoint | null): Mixture => {
      const images = stage.images.slice(0, frame.spectra.length);
      if (at)
        return mixture(
          images.map((image) => valueAt(image, at)),
          frame.spectra,
        );
      if (mean.frame !== frame || !mean.mixed) mean = { frame, mixed: mixture(images.map(meanOf), frame.spectra) };
      return mean.mixed as Mixture;
    };

    return {
      traitsChanged: receive,
      mapMove(point) {
        if (pointed && pointed.x === point.x && pointed.y === point.y) return;
        pointed = point;
        ask();
        stage.repaintSpectra();
      },
      mapLeave() {
        pointed = null;
        stage.repaintSpectra();
      },
      mapClick(point) {
        const again = pinned !== null && pinned.x === point.x && pinned.y === point.y;
        pinned = again ? null : point;
        if (stage.values("probe") !== null) stage.call("probe", { pixel: pixelOf(point), pinned: !again });
        for (const tile of stage.maps.tiles) tile.placePin(pinned);
        stage.repaintSpectra();
      },
      lanes(frame) {
        receive();
        const present = String(frame.header.shape);
        if (grid && grid !== present) {
          spectra.clear(); // a preprocessing step has changed the grid: the pixels are others
          pointed = null;
          pinned = null;
        }
        grid = present;
        for (const tile of stage.maps.tiles) tile.placePin(pinned);
        const at = pointed ?? pinned;
        const { model, stack } = mixed(frame, at);
        const measured = at ? spectra.get(keyOf(pixelOf(at))) : undefined;
        return probeLanes(frame, at, model, stack, measured);
      },
    };
  },
};

/** The spectrum of the pixel and its residual, which is zero until the measured spectrum is known. */
function probeLanes(
  { header, channel }: Frame,
  at: MapPoint | null,
  model: Float32Array,
  stack: readonly Float32Array[],
  measured: Measured | undefined,
): Lane[] {
  const layers = stack.map((values, i) => ({ values, colour: header.colors[i] }));
  const label = at ? `pixel ${at.x}, ${at.y}` : "mean model";
  const shared = { band: null, bright: true };
  const residual = measured
    ? difference(measured.channel, measured.values, channel, model)
    : new Float32Array(channel.length);
  return [
    {
      label,
      colour: MEASURED,
      ...(measured ? { channel: measured.channel, values: measured.values, model } : { values: model }),
      stack: layers,
      ...shared,
    },
    {
      label: "residual",
      colour: RESIDUAL,
      values: residual,
      ...(measured && { channel: measured.channel }),
      reference: measured ?? { values: model },
      ...shared,
    },
  ];
}

/** The point in the middle of a pixel. */
export function pointOf([y, x]: readonly [number, number], { header }: Frame): MapPoint {
  const [height, width] = header.shape;
  const [fx, fy] = [(x + 0.5) / width, (y + 0.5) / height];
  const [rows, columns] = header.map_shape;
  return { fx, fy, x, y, index: Math.floor(fy * rows) * columns + Math.floor(fx * columns) };
}
