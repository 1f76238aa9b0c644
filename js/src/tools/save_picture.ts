// Tool: a list that saves a figure of what the page shows, which Python draws: mffnb/widgets/tools/save_picture.py.

import { element, saveFile } from "../dom";
import type { Tool } from "../tool";

const CHOICES: readonly (readonly [suffix: string, text: string])[] = [
  ["", "Save figure"],
  ["png", "PNG"],
  ["svg", "SVG"],
  ["pdf", "PDF"],
];

export const tool: Tool = {
  name: "save_picture",
  paints: false,
  place: 3,
  start(stage) {
    const title = 'Save maps and spectra as a figure: explorer.save_picture("figure.pdf")';
    const list = element("select", "mffnb-select", { title, "aria-label": title });
    const options = CHOICES.map(([suffix, text]) => new Option(text, suffix));
    list.append(...options);
    /** Request of this page whose file has not come yet: another page of the same explorer ignores the file. */
    let requested: number | null = null;
    const end = () => {
      requested = null;
      options[0].textContent = CHOICES[0][1];
    };
    list.addEventListener("change", () => {
      const suffix = list.value;
      list.value = "";
      if (!suffix) return;
      requested = Math.floor(Math.random() * 2 ** 31);
      options[0].textContent = "Drawing …";
      stage.call("save_picture", { path: `figure.${suffix}`, download: requested });
    });
    return {
      mapControls: [list],
      traitsChanged() {
        list.hidden = stage.values("save_picture") === null;
      },
      refused: end, // the status line says why there is no figure
      fileCame(name, request, content) {
        if (request !== requested) return;
        end();
        saveFile(new Blob([content]), name);
      },
    };
  },
};
