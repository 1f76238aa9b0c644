// Tool: how far each spectrum could turn without a worse fit, as a pale band behind its curve.
// Its function in Python is mffnb/widgets/tools/freedom.py.

import { button } from "../controls";
import type { OuterBand } from "../lane";
import { type Binary, type Frame, floats } from "../protocol";
import { table } from "../table";
import type { Tool } from "../tool";

/** What the function in Python shows. */
interface Shown {
  readonly shown: boolean;
  readonly text: string;
  readonly numbers: readonly number[];
  /** Angle of each component in degrees, rounded up; -1 for one that is zero everywhere. */
  readonly degrees: readonly number[];
  readonly partners: readonly string[];
  readonly channel: Binary;
  /** All lower ends, then all upper ends. */
  readonly ends: Binary;
}

export const tool: Tool = {
  name: "freedom",
  place: 0.6,
  start(stage) {
    const values = () => stage.values<Shown>("freedom");
    const free = button(
      "Freedom",
      "Pale: how far each spectrum could turn while other non-negative maps and spectra fit as well: explorer.freedom()",
      (shown) => stage.call("freedom", { shown }),
    );
    const list = table(() => stage.call("freedom", { shown: false }), "explorer.freedom(shown=False)");
    let decoded: { source?: Binary; bands: ReadonlyMap<number, OuterBand> } = { bands: new Map() };
    let outdated: Binary | undefined; // ends of a picture that has changed since
    return {
      spectraControls: [free.root],
      panel: list.root,
      framed(frame) {
        if (!frame.header.final) outdated = values()?.ends;
      },
      traitsChanged() {
        const now = values();
        free.root.hidden = now === null;
        free.press(now?.shown === true);
        list.show(now?.shown ? contentOf(now as Shown, stage.frame) : null);
      },
      outerBands(frame) {
        const now = values();
        if (!now?.shown || !now.ends || now.ends === outdated) return [];
        if (decoded.source !== now.ends) decoded = { source: now.ends, bands: bandsOf(now as Shown) };
        return frame.header.numbers.map((number) => decoded.bands.get(number) ?? null);
      },
    };
  },
};

/** The band of each component, by its number. */
export function bandsOf({ numbers, degrees, channel, ends }: Shown): ReadonlyMap<number, OuterBand> {
  const [axis, all] = [floats(channel), floats(ends)];
  const row = (i: number) => all.subarray(i * axis.length, (i + 1) * axis.length);
  return new Map(
    numbers.map((number, i) => [
      number,
      { channel: axis, low: row(i), high: row(numbers.length + i), note: degrees[i] < 0 ? "" : `≤ ${degrees[i]}°` },
    ]),
  );
}

/** Title, heads and rows of the table of angles. */
export function contentOf({ text, numbers, degrees, partners }: Shown, frame: Frame | null) {
  const { numbers: shown = [], labels = [] } = frame?.header ?? {};
  const rows = numbers.map((number, i) => [
    labels[shown.indexOf(number)] ?? `component ${number}`,
    degrees[i] < 0 ? "zero everywhere" : `up to ${degrees[i]}°`,
    partners[i],
  ]);
  return { title: text, heads: ["component", "could turn by", "mostly towards or away from"], rows };
}
