// Tool: pointing at a map shows the position and the values of all components there, and a crosshair on all maps.

import { valueAt } from "../images";
import { betweenImages, imageAt, pixelText, positionText } from "../pointer";
import type { Tool } from "../tool";

export const tool: Tool = {
  name: "read_map",
  start(stage) {
    return {
      mapMove(point, event) {
        if (!stage.frame) return;
        const { header } = stage.frame;
        if (betweenImages(header, point)) return stage.tip.hide(stage.root);
        const image = imageAt(header.images ?? [], point.y, point.x);
        const size = image ? image.pixel_size : header.pixel_size;
        const at = image ? { ...point, y: point.y - image.top, x: point.x - image.left } : point;
        for (const tile of stage.maps.tiles) tile.placeCross(point.fx, point.fy);
        const rows = stage.images.flatMap((image, i) => {
          if (image.hidden || image.pixels) return [];
          const bright = stage.lanes.find(({ component }) => component === i)?.bright ?? true;
          return [{ label: image.label, colour: image.colour, value: valueAt(image, point), bright }];
        });
        const maxima = header.sections.filter(({ maximum }) => maximum).map(({ text }) => text);
        const pixel = size ? pixelText([at.y, at.x]) : "pixel";
        const note = maxima.length > 0 ? maxima.join(", ") : pixel;
        const place = `${image ? `${image.name}: ` : ""}${positionText(at, size)}`;
        stage.tip.show(stage.root, event, place, note, rows);
      },
      mapLeave: () => stage.tip.hide(stage.root),
    };
  },
};
