// Tool: pointing at a map draws the spectrum of the pixel below those of the components, as measured and as modelled,
// with the contribution of each component and the residual. A click keeps the pixel; several ones have lanes of their own.
// The model is mixed on the page at once; the measured spectrum comes from mffnb/widgets/tools/probe.py.

import { amountsAt, meanAmounts } from "../amounts";
import { difference, type Mixture, mixture } from "../mixture";
import { type Pin, pinLane, pinsOf, pointOf } from "../pins";
import { betweenImages, type MapPoint, pixelText } from "../pointer";
import { type Binary, type Frame, floats, projected } from "../protocol";
import type { Lane, StackedCurve } from "../spectra";
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
const RESIDUAL = "#b4612c";
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
    /** A pixel that was clicked and that Python has not kept yet, or cannot keep. */
    let fresh: MapPoint | null = null;
    let kept: readonly Pin[] | undefined;
    let asked = { key: "", time: 0 };
    let source: Binary | undefined;
    let mean: { frame: Frame | null; mixed: Mixture | null } = { frame: null, mixed: null };
    const spectra = new Map<string, Measured>();
    let grid = "";

    const last = (): MapPoint | null => {
      const newest = pinsOf(stage).at(-1);
      return fresh ?? (newest && stage.frame ? pointOf(newest.pixel, stage.frame) : null);
    };

    const pixelOf = ({ y, x }: MapPoint) => [y, x] as const;

    /** Ask for the measured spectrum of the present pixel, unless it is known or another answer is awaited. */
    const ask = () => {
      const at = pointed;
      if (!at || stage.values("probe") === null || spectra.has(keyOf(pixelOf(at)))) return;
      if (asked.key && performance.now() - asked.time < PATIENCE) return;
      asked = { key: keyOf(pixelOf(at)), time: performance.now() };
      stage.call("probe", { pixel: pixelOf(at), pinned: false });
    };

    /** Keep the newest answer. */
    const receive = () => {
      const now = stage.values<{ readonly pins: readonly Pin[] }>("drop_pin")?.pins;
      if (now !== kept) [kept, fresh] = [now, null];
      const shown = stage.values<Shown>("probe");
      if (!shown?.pixel || !shown.measured || source === shown.measured) return;
      source = shown.measured;
      const key = keyOf(shown.pixel);
      if (spectra.size >= KEPT) spectra.delete(spectra.keys().next().value ?? "");
      spectra.set(key, { channel: floats(shown.channel), values: floats(shown.measured) });
      if (key === asked.key) asked = { key: "", time: 0 };
      ask();
    };

    const mixed = (frame: Frame, at: MapPoint | null): Mixture => {
      if (at) return mixture(amountsAt(frame, [at.index]), frame.spectra);
      if (mean.frame !== frame || !mean.mixed) mean = { frame, mixed: mixture(meanAmounts(frame), frame.spectra) };
      return mean.mixed as Mixture;
    };

    return {
      traitsChanged: receive,
      mapMove(point) {
        if (stage.frame && projected(stage.frame.header)) return;
        if (stage.frame && betweenImages(stage.frame.header, point)) return;
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
        if (stage.frame && projected(stage.frame.header)) return;
        if (stage.frame && betweenImages(stage.frame.header, point)) return;
        const there = pinsOf(stage).find(({ pixel }) => pixel[0] === point.y && pixel[1] === point.x);
        const again = fresh !== null && fresh.x === point.x && fresh.y === point.y;
        fresh = there || again ? null : point;
        if (there) stage.call("drop_pin", { name: there.name });
        else if (fresh && stage.values("drop_pin") !== null)
          stage.call("probe", { pixel: pixelOf(point), pinned: true });
        // Where Python keeps pixels, the tool "drop_pin" marks them.
        if (stage.values("drop_pin") === null)
          for (const tile of stage.maps.tiles) tile.placePins(fresh ? [{ ...fresh, text: "", colour: MEASURED }] : []);
        stage.repaintSpectra();
      },
      lanes(frame) {
        receive();
        const present = JSON.stringify([frame.header.shape, frame.header.sections]);
        if (grid && grid !== present) {
          spectra.clear(); // a preprocessing step has changed the grid, or another section is shown: other pixels
          pointed = null;
          fresh = null;
        }
        grid = present;
        const at = pointed ?? last();
        const newest = pinsOf(stage).at(-1);
        if (!pointed && !fresh && newest && at) {
          const { values, channel, stack, model } = pinLane(newest, MEASURED, frame);
          return probeLanes(frame, at, model ?? values, stack ?? [], { channel: channel ?? frame.channel, values });
        }
        const { model, stack } = mixed(frame, at);
        const measured = at ? spectra.get(keyOf(pixelOf(at))) : undefined;
        const layers = stack.map((values, i) => ({ values, colour: frame.header.colors[i] }));
        return probeLanes(frame, at, model, layers, measured);
      },
    };
  },
};

/** The spectrum of the pixel and its residual, which has no curve until the measured spectrum is known. */
function probeLanes(
  { channel, header }: Frame,
  at: MapPoint | null,
  model: Float32Array,
  stack: readonly StackedCurve[],
  measured: Measured | undefined,
): Lane[] {
  const label = at ? pixelText([at.y, at.x], header.images) : "mean model";
  const shared = { band: null, bright: true };
  const residual = measured
    ? difference(measured.channel, measured.values, channel, model)
    : new Float32Array(channel.length).fill(Number.NaN);
  return [
    {
      label,
      colour: MEASURED,
      ...(measured ? { channel: measured.channel, values: measured.values, model } : { values: model }),
      stack,
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
