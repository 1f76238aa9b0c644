// Tool: a button that draws the mean spectrum of the image below the spectra of the components.
// Its function in Python is mffnb/widgets/tools/mean_spectrum.py.

import { button } from "../controls";
import { type Binary, floats } from "../protocol";
import type { Lane } from "../spectra";
import type { Tool } from "../tool";

/** What the function in Python shows. */
interface Shown {
  readonly shown: boolean;
  readonly channel: Binary;
  readonly values: Binary;
}

const COLOUR = "#7f7f7f";

export const tool: Tool = {
  name: "mean_spectrum",
  start(stage) {
    const mean = button("Mean", "Draw the mean spectrum of the image: explorer.mean_spectrum()", (shown) =>
      stage.call("mean_spectrum", { shown }),
    );
    const values = () => stage.values<Shown>("mean_spectrum");
    let decoded: { source?: Binary; lane?: Lane } = {};
    return {
      spectraControls: [mean.root],
      traitsChanged() {
        mean.root.hidden = values() === null;
        mean.press(values()?.shown === true);
      },
      lanes() {
        const now = values();
        if (!now?.shown) return [];
        if (decoded.source !== now.values) {
          const [channel, curve] = [floats(now.channel), floats(now.values)];
          const lane = { label: "mean", colour: COLOUR, channel, values: curve, band: null, bright: true, peaks: true };
          decoded = { source: now.values, lane };
        }
        return decoded.lane ? [decoded.lane] : [];
      },
    };
  },
};
