// Tool: table of the library spectra that are most similar to each component.
// Its function in Python is mffnb/widgets/tools/match.py, which has the library.

import { fixed } from "../format";
import { table } from "../table";
import type { Tool } from "../tool";

/** What the function in Python shows: columns of a table. */
interface Shown {
  readonly shown: boolean;
  readonly component: readonly string[];
  readonly spectrum: readonly string[];
  readonly angle: readonly number[];
}

export const tool: Tool = {
  name: "match",
  place: 1,
  start(stage) {
    const list = table(() => stage.call("match", { shown: false }), "explorer.match(shown=False)");
    return {
      panel: list.root,
      traitsChanged() {
        const now = stage.values<Shown>("match");
        list.show(now?.shown ? contentOf(now as Shown) : null);
      },
    };
  },
};

/** Title, heads and rows: one row per component, the most similar spectrum first. */
export function contentOf({ component, spectrum, angle }: Shown) {
  const names = [...new Set(component)];
  const rows = names.map((name) => [
    name,
    ...component.flatMap((one, i) => (one === name ? [`${spectrum[i]} (${fixed(angle[i], 3)})`] : [])),
  ]);
  const most = Math.max(...rows.map((row) => row.length - 1), 0);
  const ranks = Array.from({ length: most }, (_, i) => (i === 0 ? "most similar" : `${i + 1}.`));
  return {
    title: "Library spectra with their angles (rad; 0 is the same shape)",
    heads: ["component", ...ranks],
    rows,
  };
}
