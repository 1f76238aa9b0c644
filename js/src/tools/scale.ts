// Tool: vertical scale of the spectra.

import { choice } from "../controls";
import type { Tool } from "../tool";

const SCALES = [
  ["each", "each to its maximum"],
  ["common", "common scale"],
  ["sqrt", "square root, each to its maximum"],
] as const;

export const tool: Tool = {
  name: "scale",
  start({ model }) {
    const scales = choice(model, "spectra_scale", "Vertical scale of the spectra", SCALES);
    scales.classList.add("mffnb-of-curves");
    return {
      spectraControls: [scales],
      traitsChanged() {
        scales.value = model.get("spectra_scale");
      },
    };
  },
};
