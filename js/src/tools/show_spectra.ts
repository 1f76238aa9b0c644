// Tool: vertical scale, normalisation and labelled peaks of the spectra.
// Its function in Python is mffnb/widgets/tools/show_spectra.py; without one the lists and buttons work too.

import { button, choice } from "../controls";
import { setTrait } from "../model";
import type { Tool } from "../tool";

const SCALES = [
  ["linear", "linear"],
  ["sqrt", "square root"],
  ["log", "logarithmic"],
] as const;

const NORMALIZATIONS = [
  ["none", "as fitted"],
  ["max", "maximum = 1"],
  ["area", "area = 1"],
  ["abundance", "times mean abundance"],
] as const;

export const tool: Tool = {
  name: "show_spectra",
  place: 0.5,
  start({ model }) {
    const scale = choice(model, "intensity_scale", 'Intensity axis: explorer.show_spectra(scale="log")', SCALES);
    const normalize = choice(
      model,
      "normalization",
      'Normalisation of the spectra; times mean abundance is what a component contributes to the mean spectrum: explorer.show_spectra(normalize="area")',
      NORMALIZATIONS,
    );
    const common = button("Common axis", "One range for all components: explorer.show_spectra(common=True)", (on) =>
      setTrait(model, "common_scale", on),
    );
    const peaks = button("Peaks", "Label the highest peaks: explorer.show_spectra(peaks=True)", (on) =>
      setTrait(model, "peak_labels", on),
    );
    for (const one of [scale, normalize, common.root, peaks.root]) one.classList.add("mffnb-of-curves");
    return {
      spectraControls: [scale, normalize, common.root, peaks.root],
      traitsChanged() {
        scale.value = model.get("intensity_scale");
        normalize.value = model.get("normalization");
        common.press(model.get("common_scale"));
        peaks.press(model.get("peak_labels"));
      },
    };
  },
};
