// Tool: a double click on the name of a component turns it into a field for a new name.
// Its function in Python is mffnb/widgets/tools/rename.py.

import { editName } from "../name_field";
import type { Tool } from "../tool";

export const tool: Tool = {
  name: "rename",
  start(stage) {
    return {
      nameDoubleClick(place) {
        const { labels, numbers } = stage.frame?.header ?? { labels: [], numbers: [] };
        const [label, component] = [labels[place], numbers[place]];
        if (label === undefined || stage.values("rename") === null) return;
        editName(stage.maps.tiles[place].name, label, (name) => stage.call("rename", { component, name }));
      },
    };
  },
};
