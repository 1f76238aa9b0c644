// Tool: pointing at a map shows the position and the values of all components there, and a crosshair on all maps.

import { positionText } from "../pointer";
import { valueOfCode } from "../protocol";
import type { Tool } from "../tool";

export const tool: Tool = {
  name: "read_map",
  start(stage) {
    return {
      mapMove(point, event) {
        if (!stage.frame) return;
        const { header, maps } = stage.frame;
        const size = header.pixel_size;
        for (const tile of stage.maps.tiles) tile.placeCross(point.fx, point.fy);
        const rows = maps.map((codes, i) => ({
          label: header.labels[i],
          colour: header.colors[i],
          value: valueOfCode(codes[point.index], header.ranges[i]),
          bright: stage.lanes[i].bright,
        }));
        const note = size ? `pixel ${point.x}, ${point.y}` : "pixel";
        stage.tip.show(stage.root, event, positionText(point, size), note, rows);
      },
      mapLeave: () => stage.tip.hide(stage.root),
    };
  },
};
