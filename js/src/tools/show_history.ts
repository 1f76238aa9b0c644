// Tool: a strip of thumbnails below the spectra, one for each settled setting; a click returns to it.
// Its functions in Python are in mffnb/widgets/tools/show_history.py.

import { button } from "../controls";
import { element } from "../dom";
import { type Binary, bytes } from "../protocol";
import type { Stage, Tool } from "../tool";

interface Entry {
  readonly position: number;
  readonly settings: string;
  readonly change: string;
  readonly outcome: string;
  readonly error: string;
  readonly shape: readonly [number, number];
  /** Red, green and blue of each pixel. */
  readonly picture: Binary;
}

/** What the function in Python shows. */
interface Shown {
  readonly shown: boolean;
  readonly position: number;
  readonly entries: readonly Entry[];
}

/** With a single answer there is nothing to return to. */
const SINGLE = "This is the first answer. Each change of the settings adds one here; a click returns to it.";

export const tool: Tool = {
  name: "show_history",
  paints: false,
  place: 3,
  start(stage) {
    const values = () => stage.values<Shown>("show_history");
    const show = button("History", "Settings so far, as thumbnails: explorer.show_history()", (shown) =>
      stage.call("show_history", { shown }),
    );
    const strip = element("div", "mffnb-strip", { role: "group", "aria-label": "History" });
    const single = element("div", "mffnb-history-note", { hidden: "" }, [SINGLE]);
    const panel = element("div", "mffnb-history", { hidden: "" }, [single, strip]);
    let source: readonly Entry[] | undefined;
    return {
      spectraControls: [show.root],
      panel,
      traitsChanged() {
        const now = values();
        show.root.hidden = now === null;
        show.press(now?.shown === true);
        const count = now?.entries?.length ?? 0;
        panel.hidden = now?.shown !== true || count === 0;
        single.hidden = count !== 1;
        strip.hidden = count < 2;
        if (!now?.entries || source === now.entries) return;
        source = now.entries;
        strip.replaceChildren(...source.map((entry) => thumbnail(stage, entry, entry.position === now.position)));
      },
    };
  },
};

/** A button with the picture of an entry, what was changed, and its error. */
function thumbnail(stage: Stage, entry: Entry, present: boolean): HTMLElement {
  const title = `${entry.settings}: ${entry.outcome}, relative error ${entry.error}. explorer.go_to(${entry.position})`;
  const root = element("button", "mffnb-thumbnail", { type: "button", title, "aria-current": String(present) }, [
    picture(entry),
    element("span", "mffnb-thumbnail-change", {}, [entry.change]),
    element("span", "mffnb-thumbnail-error", {}, [`error ${entry.error}`]),
  ]);
  root.addEventListener("click", () => stage.call("go_to", { position: entry.position }));
  return root;
}

function picture({ shape, picture: colours }: Entry): HTMLElement {
  const [height, width] = shape;
  const canvas = element("canvas", "mffnb-thumbnail-picture", { width, height, "aria-hidden": "true" });
  const context = canvas.getContext?.("2d");
  if (context) {
    const rgb = bytes(colours);
    const image = new ImageData(width, height);
    for (let i = 0; i < width * height; i++) {
      image.data.set([rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2], 255], 4 * i);
    }
    context.putImageData(image, 0, 0);
  }
  return canvas;
}
