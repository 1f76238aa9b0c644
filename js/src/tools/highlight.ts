// Tool: a click on the name of a map or on a spectrum highlights the component; the others fade.

import { highlightedOf, toggled } from "../highlighting";
import { setTrait } from "../model";
import type { Tool } from "../tool";

export const tool: Tool = {
  name: "highlight",
  start(stage) {
    const { model, maps, plot } = stage;
    const toggle = (i: number) => {
      const count = maps.components.length;
      if (i < 0 || i >= count) return;
      setTrait(model, "highlighted", toggled(highlightedOf(model.get("highlighted"), count), i, count));
    };
    return {
      nameClick: toggle,
      spectraClick: (event) => {
        if (event.defaultPrevented) return; // the click was on a peak
        toggle(stage.lanes[plot.laneAt(event)]?.component ?? -1);
      },
    };
  },
};
