// Tool: buttons that keep the present answer and show how later ones differ from it, as maps around zero.
// Its functions in Python are in mffnb/widgets/tools/compare.py.

import { action, button } from "../controls";
import { type EncodedMap, type MapImage, toolImage } from "../images";
import type { Tool } from "../tool";

interface Difference extends EncodedMap {
  readonly label: string;
  readonly colour: string;
}

/** What the functions in Python show. */
interface Shown {
  readonly kept: readonly string[];
  readonly shown: boolean;
  readonly tiles: readonly Difference[];
}

export const tool: Tool = {
  name: "compare",
  place: 2,
  start(stage) {
    const values = () => stage.values<Shown>("compare");
    const keep = action("Keep", "Keep this answer, to compare later ones with it: explorer.keep()", () =>
      stage.call("keep", {}),
    );
    const compare = button("Compare", "Present minus kept answer: explorer.compare()", (shown) =>
      stage.call("compare", { shown }),
    );
    let decoded: { source?: readonly Difference[]; images: readonly MapImage[] } = { images: [] };
    return {
      mapControls: [keep, compare.root],
      traitsChanged() {
        const now = values();
        keep.hidden = now === null;
        compare.root.hidden = !now?.kept?.length;
        compare.press(now?.shown === true);
      },
      images() {
        const now = values();
        if (!now?.shown || !now.tiles) return [];
        if (decoded.source !== now.tiles) {
          decoded = { source: now.tiles, images: now.tiles.map((one) => toolImage(one.label, one.colour, one)) };
        }
        const stale = stage.frame?.header.final === false;
        return decoded.images.map((image) => ({ ...image, stale, aroundZero: true }));
      },
    };
  },
};
