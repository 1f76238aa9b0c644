// Tool: a map of the misfit of each pixel, and a button that goes to the pixel that is fitted worst.
// Its function in Python is mffnb/widgets/tools/residual_map.py.

import { action, button } from "../controls";
import { type EncodedMap, type MapImage, toolImage } from "../images";
import type { Tool } from "../tool";

/** What the function in Python shows. */
interface Shown extends EncodedMap {
  readonly shown: boolean;
  readonly worst: readonly [number, number];
}

const COLOUR = "#b8860b";

export const tool: Tool = {
  name: "residual_map",
  start(stage) {
    const values = () => stage.values<Shown>("residual_map");
    const map = button("Residual", "Map of the misfit in units of the noise: explorer.residual_map()", (shown) =>
      stage.call("residual_map", { shown }),
    );
    const worst = action("Worst pixel", "Show the spectrum of the pixel that is fitted worst", () => {
      stage.call("probe", { pixel: values()?.worst, pinned: true });
    });
    let decoded: { source?: unknown; image?: MapImage } = {};
    return {
      mapControls: [map.root, worst],
      traitsChanged() {
        const now = values();
        map.root.hidden = now === null;
        map.press(now?.shown === true);
        worst.hidden = now?.shown !== true;
      },
      images() {
        const now = values();
        if (!now?.shown || !now.codes || !now.range || !now.shape) return [];
        if (decoded.source !== now.codes) {
          decoded = { source: now.codes, image: toolImage("misfit", COLOUR, now as Shown) };
        }
        const stale = stage.frame?.header.final === false;
        return decoded.image ? [{ ...decoded.image, stale }] : [];
      },
    };
  },
};
