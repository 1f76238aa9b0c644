// Tool: pointing at the spectra shows the channel, or the nearest peak, and the values of all spectra there.

import { decimalsOf, fixed } from "../format";
import type { Tool } from "../tool";

export const tool: Tool = {
  name: "read_spectra",
  start(stage) {
    const { plot, root, tip } = stage;
    return {
      spectraMove(event) {
        if (!stage.frame) return;
        const index = plot.channelAt(event);
        if (index === null) return tip.hide(root);
        plot.markChannel(index);
        const values = plot.valuesAt(index);
        const rows = stage.lanes.map(({ label, colour, bright }, i) => ({ label, colour, bright, value: values[i] }));
        const channel = fixed(stage.frame.channel[index], decimalsOf(plot.channelStep, 6));
        tip.show(root, event, channel, stage.frame.header.channel_label, rows);
      },
      spectraLeave: () => tip.hide(root),
    };
  },
};
