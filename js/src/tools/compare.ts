// Tool: buttons that keep the present answer and show how later ones differ from it, as maps around zero.
// Its functions in Python are in mffnb/widgets/tools/compare.py.

import { action, button } from "../controls";
import { type EncodedMap, type MapImage, toolImage } from "../images";
import { table } from "../table";
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
  /** Title of the table, name of the kept answer, and rows of present component, kept component and angle. */
  readonly title: string;
  readonly answer: string;
  readonly pairs: readonly (readonly string[])[];
}

const KEEP = "Keep this answer, to compare later ones with it: explorer.keep()";

export const tool: Tool = {
  name: "compare",
  place: 2,
  start(stage) {
    const values = () => stage.values<Shown>("compare");
    const keep = action("Keep", KEEP, () => stage.call("keep", {}));
    const compare = button("Compare", "Present minus kept answer: explorer.compare()", (shown) =>
      stage.call("compare", { shown }),
    );
    const partners = table(() => stage.call("compare", { shown: false }), "explorer.compare(shown=False)");
    let decoded: { source?: readonly Difference[]; images: readonly MapImage[] } = { images: [] };
    return {
      mapControls: [keep, compare.root],
      bar: partners.root,
      traitsChanged() {
        const now = values();
        keep.hidden = now === null;
        compare.root.hidden = !now?.kept?.length;
        compare.press(now?.shown === true);
        if (now?.kept?.length) keep.setAttribute("title", `${KEEP}. Kept so far: ${now.kept.join(", ")}`);
        partners.show(now?.shown && now.pairs ? contentOf(now as Shown) : null);
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

/** Title, heads and rows: which component became which. */
function contentOf({ title, answer, pairs }: Shown) {
  return { title, heads: ["now", `in ${answer}`, "angle"], rows: pairs };
}
