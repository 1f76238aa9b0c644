// Tool: a drawer with the Python code for what is shown, and a button that copies it.
// Its functions in Python are in mffnb/widgets/tools/reproduce.py.

import { action, button } from "../controls";
import { element } from "../dom";
import type { Tool } from "../tool";

/** What the function in Python shows. */
interface Shown {
  readonly shown: boolean;
  readonly text: string;
}

export const tool: Tool = {
  name: "code",
  paints: false,
  place: 2,
  start(stage) {
    const values = () => stage.values<Shown>("code");
    const show = button("Code", "Python code for what is shown: explorer.code()", (shown) =>
      stage.call("code", { shown }),
    );
    const copy = action("Copy", "Copy the code", () => {
      navigator.clipboard?.writeText(values()?.text ?? "").catch(() => undefined);
    });
    const rerun = action("Rerun", "Start from the data, as the code does: explorer.rerun()", () =>
      stage.call("rerun", {}),
    );
    const text = element("pre", "mffnb-code", { tabindex: 0, "aria-label": "Python code" });
    const panel = element("div", "mffnb-drawer", { hidden: "" }, [
      element("div", "mffnb-drawer-buttons", {}, [copy, rerun]),
      text,
    ]);
    return {
      spectraControls: [show.root],
      panel,
      traitsChanged() {
        const now = values();
        show.root.hidden = now === null;
        show.press(now?.shown === true);
        panel.hidden = now?.shown !== true;
        text.textContent = now?.text ?? "";
      },
    };
  },
};
