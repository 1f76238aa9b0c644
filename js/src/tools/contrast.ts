// Tool: colour map, clipping and gamma of the maps.

import { choice, type SliderScale, slider } from "../controls";
import type { Tool } from "../tool";

const COLOUR_MAPS = [
  ["component", "Component colour"],
  ["viridis", "Viridis"],
  ["cividis", "Cividis"],
  ["gray", "Gray"],
] as const;

/** The right end of the slider clips 5 %; squared, because useful values are far below one per cent. */
export const CLIP: SliderScale = {
  min: 0,
  max: 1,
  step: 0.01,
  neutral: 0.1,
  toTrait: (position) => Math.round(5000 * position * position) / 1000,
  toPosition: (value) => Math.sqrt(value / 5),
};

/** To the right is brighter, as on a camera. */
export const GAMMA: SliderScale = {
  min: -1,
  max: 1,
  step: 0.02,
  neutral: 1,
  toTrait: (position) => Number((3 ** -position).toFixed(3)),
  toPosition: (value) => -Math.log(value) / Math.log(3),
};

export const tool: Tool = {
  name: "contrast",
  start({ model }) {
    const clip = slider(
      model,
      "clip",
      "Clip",
      "Share of the brightest pixels shown saturated (double click: 0.1 %)",
      CLIP,
    );
    const gamma = slider(model, "gamma", "Gamma", "Lift faint features (double click: linear)", GAMMA);
    const colours = choice(model, "color_map", "Colour map", COLOUR_MAPS);
    colours.classList.add("mffnb-colormap");
    return {
      mapControls: [clip.root, gamma.root, colours],
      traitsChanged() {
        clip.update();
        gamma.update();
        colours.value = model.get("color_map");
      },
    };
  },
};
