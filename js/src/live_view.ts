// Entry of the bundle live_view.js: the widget class `LiveView` of mffnb.

import { TOOLS } from "all-tools";
import { nameHints } from "./hints";
import type { LiveViewModel } from "./protocol";
import { nameSliders } from "./slider_names";
import { takeTypedNumbers } from "./typed_numbers";
import { LiveView } from "./view";

// JupyterLab would take letters and arrows in a drop-down list as commands to the notebook: "c" copies the cell.
document.addEventListener("focusin", ({ target }) => {
  if (target instanceof Element && target.matches(".mffnb-settings select")) {
    target.setAttribute("data-lm-suppress-shortcuts", "true");
  }
});

export default {
  render({ model, el }: { model: LiveViewModel; el: HTMLElement }): () => void {
    const view = new LiveView(model, TOOLS);
    el.append(view.root);
    const stopNaming = nameSliders(view.root);
    const stopHints = nameHints(view.root, model.get("owner") ?? "explorer");
    const stopTyping = takeTypedNumbers(view.root, model.get("typed") ?? [], (control, value) =>
      view.call("set_number", { control, value }),
    );
    return () => {
      stopNaming();
      stopHints();
      stopTyping();
      view.remove();
    };
  },
};
