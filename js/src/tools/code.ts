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

/** Milliseconds for which the button says that the code was copied. */
const SAYING = 2000;

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
      // Without a secure connection a page has no clipboard; the text is selected, so that Ctrl+C copies it.
      const copied = navigator.clipboard?.writeText(values()?.text ?? "") ?? Promise.reject();
      copied.then(
        () => say("Copied"),
        () => {
          window.getSelection()?.selectAllChildren(text);
          say("Press Ctrl+C");
        },
      );
    });
    const say = (words: string) => {
      copy.textContent = words;
      copy.setAttribute("aria-live", "polite");
      clearTimeout(saying);
      saying = setTimeout(() => {
        copy.textContent = "Copy";
      }, SAYING);
    };
    let saying: ReturnType<typeof setTimeout> | undefined;
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
        rerun.hidden = stage.values("rerun") === null;
      },
    };
  },
};
