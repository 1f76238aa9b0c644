// Tool: a click on a labelled peak, or on a measured spectrum or residual, lists what it may be; the key P goes through
// the labelled peaks.
// Its function in Python is mffnb/widgets/tools/identify.py.

import { decimalsOf, fixed } from "../format";
import { table } from "../table";
import type { Tool } from "../tool";

/** What the function in Python shows. */
interface Shown {
  readonly shown: boolean;
  readonly channel: number;
  readonly tolerance: number;
  readonly table: string;
  readonly label: string;
  readonly assignment: readonly string[];
  readonly position: readonly number[];
  readonly difference: readonly number[];
  readonly note: readonly string[];
}

export const tool: Tool = {
  name: "identify",
  place: -0.5, // before "highlight", which takes the clicks that this tool leaves
  start(stage) {
    const { plot } = stage;
    const values = () => stage.values<Shown>("identify");
    const list = table(() => stage.call("identify", { shown: false }), "explorer.identify(shown=False)");
    let present = Number.NaN;
    const ask = (channel: number) => {
      present = channel;
      stage.call("identify", { channel });
    };
    /** Channel of the labelled peak under the pointer. Noisy spectra have no labels: any of their channels can be clicked. */
    const channelAt = (event: MouseEvent) => {
      const peak = plot.peakAt(event);
      return peak ? plot.channelOf(peak) : plot.measuredPeakAt(event);
    };
    plot.root.addEventListener("keydown", (event) => {
      if (event.key.toLowerCase() !== "p" || event.ctrlKey || event.metaKey || values() === null) return;
      const peaks = plot.peakChannels();
      if (peaks.length === 0) return;
      event.preventDefault();
      const at = peaks.indexOf(present);
      const step = event.shiftKey ? -1 : 1;
      const next = at < 0 ? 0 : (at + step + peaks.length) % peaks.length;
      ask(peaks[next]);
    });
    return {
      panel: list.root,
      traitsChanged() {
        const now = values();
        list.show(now?.shown ? contentOf(now as Shown, plot.channelStep) : null);
      },
      spectraMove(event) {
        plot.root.classList.toggle("mffnb-on-peak", values() !== null && channelAt(event) !== null);
      },
      spectraClick(event) {
        const channel = values() === null ? null : channelAt(event);
        if (channel === null) return;
        event.preventDefault(); // a click elsewhere highlights the component
        ask(channel);
      },
    };
  },
};

/** Title, heads and rows of the table of candidates. */
export function contentOf(now: Shown, step: number) {
  const decimals = Math.max(decimalsOf(Math.min(step, now.tolerance), 4), 1);
  const count = now.assignment.length;
  const [, name = "", unit = ""] = /^(.*?)(?: \((.*)\))?$/.exec(now.label) ?? [];
  const position = fixed(now.channel, decimals);
  const where = unit ? `${position} ${unit}` : `${name} ${position}`; // m/z has no unit
  const within = `within ${fixed(now.tolerance, Math.max(decimals, 2))} ${unit}`.trim();
  const found = count > 0 ? `${count} ${count === 1 ? "candidate" : "candidates"}` : "no candidate";
  const title = `Peak at ${where}: ${found} ${within} (${now.table})`;
  const rows = now.assignment.map((text, i) => [
    text,
    fixed(now.position[i], decimals + 2),
    `${now.difference[i] < 0 ? "\u2212" : "+"}${fixed(Math.abs(now.difference[i]), decimals + 2)}`,
    now.note[i],
  ]);
  return { title, heads: ["candidate", `position${unit && ` (${unit})`}`, "peak \u2212 position", "note"], rows };
}
