// Tool: the explorer alone on the screen, with maps as large as it allows; Escape returns to the notebook.

import { button } from "../controls";
import type { Tool } from "../tool";

export const tool: Tool = {
  name: "full_page",
  place: 9,
  start({ root, relayout }) {
    const whole = () => root.closest<HTMLElement>(".mffnb-explorer") ?? root;
    const toggle = button("Full page", "Show the explorer on the whole screen; Escape returns", (on) => {
      const done = on ? whole().requestFullscreen() : document.exitFullscreen();
      done.catch(() => {}); // a browser may refuse it, for example inside a frame; the page stays as it is
    });
    document.addEventListener("fullscreenchange", changed);
    function changed(): void {
      if (!root.isConnected) document.removeEventListener("fullscreenchange", changed);
      const alone = document.fullscreenElement?.contains(root) ?? false;
      toggle.press(alone);
      if (alone) whole().scrollTop = 0;
      relayout();
    }
    return { mapControls: [toggle.root] };
  },
};
