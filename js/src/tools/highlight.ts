// Tool: a click on a map or on a spectrum highlights the component; the others fade.

import { highlightedOf, toggled } from "../highlighting";
import { setTrait } from "../model";
import type { Tool } from "../tool";

export const tool: Tool = {
  name: "highlight",
  start({ model, maps, plot }) {
    const toggle = (i: number) => {
      const count = maps.tiles.length;
      if (i < 0 || i >= count) return;
      setTrait(model, "highlighted", toggled(highlightedOf(model.get("highlighted"), count), i, count));
    };
    return {
      tileClick: toggle,
      spectraClick: (event) => toggle(plot.laneAt(event)),
    };
  },
};
