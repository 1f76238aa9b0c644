// Tool: a button in the corner of each map lets it fill the room of all maps, another one downloads it as a picture.

import { element, svg } from "../dom";
import { setTrait } from "../model";
import { download } from "../png";
import type { Tool } from "../tool";

const LARGER = "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4";
const SMALLER = "M6 2v4H2M14 6h-4V2M10 14v-4h4M2 10h4v4";
const SAVE = "M8 2v8M4.5 7L8 10.5 11.5 7M3 13.5h10";

export const tool: Tool = {
  name: "enlarge",
  start(stage) {
    const { model, root } = stage;
    let refocused = "";
    const toggle = (label: string) => {
      refocused = label;
      setTrait(model, "enlarged", model.get("enlarged") === label ? "" : label);
    };
    root?.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !model.get("enlarged") || event.defaultPrevented) return;
      refocused = model.get("enlarged");
      setTrait(model, "enlarged", "");
    });
    return {
      tileMade(tile, place) {
        const label = stage.images[place]?.label ?? "";
        const large = model.get("enlarged") === label;
        const title = large ? "Show all maps (Escape)" : `Enlarge ${label} (F)`;
        const enlarge = corner(title, large ? SMALLER : LARGER, () => toggle(label));
        const save = corner(`Download ${label} as PNG`, SAVE, () => {
          const image = stage.images[place];
          if (stage.frame) download(tile, image, stage.frame.header);
        });
        tile.picture.append(element("div", "mffnb-corner", {}, [enlarge, save]));
        tile.root.addEventListener("keydown", (event) => {
          const typing = event.target instanceof Element && event.target.matches("input, select");
          if (event.key.toLowerCase() === "f" && !event.ctrlKey && !event.metaKey && !typing) toggle(label);
        });
        if (refocused !== label || tile.root.hidden) return;
        refocused = "";
        enlarge.focus({ preventScroll: true });
      },
    };
  },
};

/** A small button over a map. Its clicks are none on the map. */
function corner(title: string, path: string, clicked: () => void): HTMLElement {
  const icon = svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, [svg("path", { d: path })]);
  const made = element("button", "mffnb-corner-button", { type: "button", title, "aria-label": title });
  made.append(icon);
  made.addEventListener("click", (event) => {
    event.stopPropagation();
    clicked();
  });
  for (const name of ["pointerdown", "pointerup", "pointermove"]) {
    made.addEventListener(name, (event) => event.stopPropagation());
  }
  return made;
}
