// Tool: buttons that return to earlier settings and their answers, and Ctrl+Z in the view.
// Its functions in Python are in mffnb/widgets/tools/undo.py.

import { action } from "../controls";
import type { Tool } from "../tool";

/** What Python shows: numbers of settings before and after the present one. */
interface Shown {
  readonly earlier: number;
  readonly later: number;
}

export const tool: Tool = {
  name: "undo",
  paints: false,
  place: -2,
  start(stage) {
    const undo = action("Undo", "Return to the settings before the last change (Ctrl+Z): explorer.undo()", () =>
      stage.call("undo", {}),
    );
    const redo = action("Redo", "Return to the settings that were undone (Ctrl+Shift+Z): explorer.redo()", () =>
      stage.call("redo", {}),
    );
    const values = () => stage.values<Shown>("undo");
    stage.root?.addEventListener("keydown", (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z" || values() === null) return;
      event.preventDefault();
      stage.call(event.shiftKey ? "redo" : "undo", {});
    });
    return {
      mapControls: [undo, redo],
      traitsChanged() {
        const now = values();
        for (const one of [undo, redo]) one.hidden = now === null;
        undo.disabled = !(now?.earlier && now.earlier > 0);
        redo.disabled = !(now?.later && now.later > 0);
      },
    };
  },
};
