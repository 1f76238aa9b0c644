// Tool: pointing at a map shows the position and the values of all components there, and a crosshair on all maps.

import { valueAt } from "../images";
import { pixelText, positionText } from "../pointer";
import type { Tool } from "../tool";

export const tool: Tool = {
  name: "read_map",
  start(stage) {
    return {
      mapMove(point, event) {
        if (!stage.frame) return;
        const size = stage.frame.header.pixel_size;
        for (const tile of stage.maps.tiles) tile.placeCross(point.fx, point.fy);
        const rows = stage.images.flatMap((image, i) => {
          if (image.hidden || image.pixels) return [];
          const bright = stage.lanes.find(({ component }) => component === i)?.bright ?? true;
          return [{ label: image.label, colour: image.colour, value: valueAt(image, point), bright }];
        });
        const maxima = stage.frame.header.sections.filter(({ maximum }) => maximum).map(({ text }) => text);
        const pixel = size ? pixelText([point.y, point.x]) : "pixel";
        const note = maxima.length > 0 ? maxima.join(", ") : pixel;
        stage.tip.show(stage.root, event, positionText(point, size), note, rows);
      },
      mapLeave: () => stage.tip.hide(stage.root),
    };
  },
};
