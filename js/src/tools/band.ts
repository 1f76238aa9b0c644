// Tool: dragging over the spectra with the Shift key, or with the button "Band" pressed, shows the image of these channels.
// While dragging it is that of the model, mixed on the page; then the measured one of mffnb/widgets/tools/band.py.

import { action, button } from "../controls";
import { decimalsOf, fixed } from "../format";
import { type EncodedMap, type MapImage, toolImage } from "../images";
import { sumsOver } from "../mixture";
import { type Frame, LEVELS, MISSING, projected, valueOfCode } from "../protocol";
import type { Tool } from "../tool";

/** What the function in Python shows. */
interface Shown extends EncodedMap {
  readonly shown: boolean;
  /** Ends of a range of channels; null for a spot of a pattern. */
  readonly ends: readonly [number, number] | null;
  readonly text: string;
}

const COLOUR = "#6b8e9e";

/** Class of the view while a drag over the spectra chooses a band without the Shift key, which a finger does not have. */
export const CHOOSING = "mffnb-choosing-band";

export const tool: Tool = {
  name: "band",
  start(stage) {
    const { plot } = stage;
    const values = () => stage.values<Shown>("band");
    const clear = action("Clear band", "Remove the band image: explorer.band(shown=False)", () =>
      stage.call("band", { shown: false }),
    );
    const choose = button(
      "Band",
      "Drag over the spectra for the image of these channels (or drag with Shift)",
      (on) => {
        choose.press(on);
        stage.root.classList.toggle(CHOOSING, on);
      },
    );
    choose.root.classList.add("mffnb-of-curves");
    const chooses = (event: PointerEvent) => event.shiftKey || choose.root.getAttribute("aria-pressed") === "true";
    let dragged: readonly [number, number] | null = null;
    let decoded: { source?: unknown; image?: MapImage } = {};
    return {
      spectraControls: [choose.root, clear],
      traitsChanged() {
        const now = values();
        choose.root.hidden = now === null;
        clear.hidden = now?.shown !== true;
        clear.textContent = now?.shown && !now.ends ? "Clear spot" : "Clear band";
        dragged = null;
        plot.markRange(now?.shown && now.ends ? now.ends : null);
      },
      spectraDown(event) {
        const value = chooses(event) && values() !== null ? plot.valueAt(event) : null;
        if (value === null) return;
        plot.root.setPointerCapture(event.pointerId);
        dragged = [value, value];
      },
      spectraMove(event) {
        const value = dragged && plot.root.hasPointerCapture(event.pointerId) ? plot.valueAt(event) : null;
        if (!dragged || value === null) return;
        dragged = [dragged[0], value];
        plot.markRange(dragged);
        stage.repaintAdded();
      },
      spectraUp(event) {
        if (!dragged || !plot.root.hasPointerCapture(event.pointerId)) return;
        plot.root.releasePointerCapture(event.pointerId);
        stage.call("band", { start: Math.min(...dragged), stop: Math.max(...dragged) });
      },
      images(frame) {
        // The sum of maxima over sections is not the maximum of sums.
        if (dragged && !projected(frame.header)) return [modelImage(frame, dragged)];
        const now = values();
        if (!now?.shown || !now.codes || !now.range || !now.shape) return [];
        if (decoded.source !== now.codes) {
          const label = now.ends ? `band ${rangeText(now.ends, plot.channelStep)}` : (now.text ?? "band");
          decoded = { source: now.codes, image: toolImage(label, COLOUR, now as Shown) };
        }
        return decoded.image ? [decoded.image] : [];
      },
    };
  },
};

/** Image of a range of channels according to the model: each map times the sum of its spectrum over the range. */
export function modelImage({ header, maps, channel, spectra }: Frame, [from, to]: readonly [number, number]): MapImage {
  const sums = sumsOver(channel, spectra, from, to);
  const image = new Float32Array(maps[0].length);
  maps.forEach((codes, i) => {
    const values = Float32Array.from({ length: 256 }, (_, code) => sums[i] * valueOfCode(code, header.ranges[i]));
    for (let j = 0; j < codes.length; j++) image[j] += values[codes[j]];
  });
  let high = 0;
  for (const value of image) if (value > high) high = value; // missing values are not larger
  const codes = new Uint8Array(image.length);
  const unit = LEVELS / (high || 1);
  for (let j = 0; j < image.length; j++)
    codes[j] = Number.isNaN(image[j]) ? MISSING : Math.round(Math.max(image[j], 0) * unit);
  return { label: "band", colour: COLOUR, codes, range: [0, high], shape: header.map_shape };
}

/** Text of a range of channels. */
export function rangeText([from, to]: readonly [number, number], step: number): string {
  const text = (value: number) => fixed(value, decimalsOf(step, 6));
  return text(from) === text(to) ? text(from) : `${text(from)} to ${text(to)}`;
}
