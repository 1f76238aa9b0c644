// Tool: a double click on the name of a component turns it into a field for a new name.
// Its function in Python is mffnb/widgets/tools/rename.py.

import { element } from "../dom";
import type { Tool } from "../tool";

export const tool: Tool = {
  name: "rename",
  start(stage) {
    return {
      nameDoubleClick(place) {
        const { labels, numbers } = stage.frame?.header ?? { labels: [], numbers: [] };
        const [label, component] = [labels[place], numbers[place]];
        if (label === undefined || stage.values("rename") === null) return;
        const { name } = stage.maps.tiles[place];
        const field = element("input", "mffnb-name-field", { "aria-label": `Name of ${label}`, value: label });
        let open = true;
        const close = (accepted: boolean) => {
          if (!open) return;
          open = false;
          field.replaceWith(name);
          if (accepted && field.value !== label) stage.call("rename", { component, name: field.value });
        };
        field.addEventListener("keydown", (event) => {
          if (event.key === "Enter" || event.key === "Escape") close(event.key === "Enter");
        });
        field.addEventListener("blur", () => close(true));
        name.replaceWith(field);
        field.focus();
        field.select();
      },
    };
  },
};
