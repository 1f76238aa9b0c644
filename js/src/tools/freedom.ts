// Tool: how far each spectrum could turn without a worse fit, as a pale band behind its curve, which grows while Python
// searches on. Its function in Python is mffnb/widgets/tools/freedom.py.

import { button } from "../controls";
import { element } from "../dom";
import type { OuterBand } from "../lane";
import { setTrait } from "../model";
import { type Binary, type Frame, floats } from "../protocol";
import { rowsOf } from "../table";
import type { Tool } from "../tool";

/** What Python shows. */
interface Shown {
  /** Number of the run whose answer it belongs to. */
  readonly generation: number;
  readonly text: string;
  /** Numbers of the components; empty where the text says why there is no freedom. */
  readonly numbers: readonly number[];
  /** Whether the search has ended. */
  readonly complete: boolean;
  /** Angle of each component in degrees, rounded up; -1 for one that is zero everywhere. */
  readonly degrees: readonly number[];
  /** Number of the component with which each one mixes farthest; -1 for none. */
  readonly partners: readonly number[];
  readonly channel: Binary;
  /** All lower ends, then all upper ends. */
  readonly ends: Binary;
}

export const tool: Tool = {
  name: "freedom",
  place: 0.6,
  start(stage) {
    const { model } = stage;
    const values = () => stage.values<Shown>("freedom");
    const free = button(
      "Freedom",
      "Pale: how far each spectrum could turn while other non-negative maps and spectra fit as well: explorer.freedom()",
      (shown) => setTrait(model, "freedom_bands", shown),
    );
    const line = element("summary", "mffnb-details-line");
    const body = element("table", "mffnb-table");
    const details = element("details", "mffnb-details", { hidden: "" }, [line, body]);
    let decoded: { source?: Binary; bands: ReadonlyMap<number, OuterBand> } = { bands: new Map() };
    /** What Python shows for the picture on the screen; null for an older one or while a run goes on. */
    const present = (frame: Frame | null): Shown | null => {
      const now = values();
      const mine = now?.generation !== undefined && now.generation === frame?.header.generation && frame.header.final;
      return mine && model.get("freedom_bands") ? (now as Shown) : null;
    };
    const describe = (frame: Frame | null) => {
      const now = present(frame);
      details.hidden = now === null;
      if (!now || !frame) return;
      line.textContent = now.complete === false ? `${now.text} (searching on)` : now.text;
      body.replaceChildren(...(now.numbers.length > 0 ? rowsOf(contentOf(now, frame)) : []));
    };
    return {
      spectraControls: [free.root],
      panel: details,
      framed: describe,
      traitsChanged() {
        free.root.hidden = values() === null;
        free.press(model.get("freedom_bands"));
        describe(stage.frame);
      },
      outerBands(frame) {
        const now = present(frame);
        if (!now?.ends) return [];
        if (decoded.source !== now.ends) decoded = { source: now.ends, bands: bandsOf(now) };
        return frame.header.numbers.map((number) => decoded.bands.get(number) ?? null);
      },
    };
  },
};

/** The band of each component, by its number. */
export function bandsOf({ numbers, degrees, channel, ends, complete }: Shown): ReadonlyMap<number, OuterBand> {
  const [axis, all] = [floats(channel), floats(ends)];
  const row = (i: number) => all.subarray(i * axis.length, (i + 1) * axis.length);
  const note = (angle: number) => (angle < 0 ? "" : `≤ ${angle}°${complete === false ? " …" : ""}`);
  return new Map(
    numbers.map((number, i) => [
      number,
      { channel: axis, low: row(i), high: row(numbers.length + i), note: note(degrees[i]) },
    ]),
  );
}

/** Heads and rows of the table of angles. */
export function contentOf({ numbers, degrees, partners }: Shown, { header }: Frame) {
  const name = (number: number) => header.labels[header.numbers.indexOf(number)] ?? "";
  const rows = numbers.map((number, i) => [
    name(number),
    degrees[i] < 0 ? "zero everywhere" : `up to ${degrees[i]}°`,
    name(partners[i]),
  ]);
  return { heads: ["component", "could turn by", "mostly towards or away from"], rows };
}
