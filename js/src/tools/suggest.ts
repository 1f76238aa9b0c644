// Tool: settings that the data suggest, as a list of reasons; a button beside each applies its setting.
// Its functions in Python are in mffnb/widgets/tools/suggest.py.

import { action, button } from "../controls";
import { element } from "../dom";
import type { Stage, Tool } from "../tool";

/** A property of the data, and the setting that follows from it; an empty `setting` where none does. */
export interface Reason {
  readonly topic: string;
  readonly text: string;
  readonly setting: string;
  /** The setting as a keyword of a call. */
  readonly call?: string;
  /** Whether it is worth a trial, and not part of the suggestion. */
  readonly optional: boolean;
  /** Value of a setting that the open explorer can change. */
  readonly value?: number | string | boolean;
  /** Whether a setting that is set at the opening only has the suggested value. */
  readonly given?: boolean;
}

/** What the functions in Python show. */
interface Shown {
  readonly shown: boolean;
  readonly busy: boolean;
  readonly error: string;
  readonly line: string;
  readonly reasons: readonly Reason[];
  readonly doubts: readonly string[];
  /** Preprocessing steps that were on (empty: all), and a digest of the pixels and channels that were examined. */
  readonly steps: readonly boolean[];
  readonly pixels: string;
}

type Settings = Readonly<Record<string, unknown>>;

/** Whether the picture has the suggested value; a slider rounds weights in their last digits. */
export function inForce({ setting, value, given }: Reason, settings: Settings): boolean {
  if (value === undefined) return given === true;
  const present = settings[setting];
  if (typeof value !== "number" || typeof present !== "number") return present === value;
  return Math.abs(present - value) <= 1e-6 * Math.abs(value);
}

/** Steps that are on, as a text; a list in which all are on means the same as an empty one. */
function stepsText(steps: unknown): string {
  const given = Array.isArray(steps) ? steps : [];
  return given.every(Boolean) ? "" : JSON.stringify(given);
}

/** Whether the picture has other pixels, channels or preprocessing than the ones that were examined. */
export function isOutdated({ steps, pixels = "" }: Partial<Shown>, settings: Settings): boolean {
  return stepsText(steps) !== stepsText(settings.steps) || pixels !== (settings.pixels ?? "");
}

export const tool: Tool = {
  name: "suggest",
  place: 2.5,
  paints: false,
  start(stage) {
    const values = () => stage.values<Shown>("suggest");
    const settings = () => (stage.frame?.header.parameters ?? {}) as Settings;
    const ask = (shown: boolean) => stage.call("suggest", { shown, wait: false });
    const open = button("Suggest", "Settings that the data suggest, with reasons: explorer.suggest()", ask);
    const title = element("span", "mffnb-table-title", { role: "status" });
    const again = action("Examine again", "Examine the present pixels: explorer.suggest()", () => ask(true));
    const close = action("Close", "explorer.suggest(shown=False)", () => ask(false));
    const body = element("table", "mffnb-table mffnb-suggestions");
    const panel = element("div", "mffnb-drawer", { hidden: "" }, [
      element("div", "mffnb-drawer-buttons", {}, [title, again, close]),
      body,
    ]);
    let written = "";
    const update = () => {
      const now = values();
      open.root.hidden = now === null;
      open.press(now?.shown === true);
      panel.hidden = now?.shown !== true;
      if (!now?.shown) return;
      const present = settings();
      const outdated = !now.busy && !now.error && isOutdated(now, present);
      title.textContent = titleOf(now, outdated);
      again.hidden = !outdated;
      const reasons = now.busy ? [] : (now.reasons ?? []);
      const doubts = now.busy ? [] : (now.doubts ?? []);
      const states = reasons.map((reason) => inForce(reason, present));
      const content = JSON.stringify([reasons, doubts, states, outdated]);
      if (content === written) return; // a button keeps the focus while frames come
      written = content;
      body.replaceChildren(
        ...reasons.map((reason, i) => row(reason.topic, reason.text, cellOf(stage, reason, states[i], outdated))),
        ...doubts.map((text) => row("doubt", text, "")),
      );
    };
    return { spectraControls: [open.root], panel, framed: update, traitsChanged: update };
  },
};

function titleOf({ busy, error, line }: Partial<Shown>, outdated: boolean): string {
  if (busy) return "Examining the data …";
  if (error) return error;
  return outdated ? "These were suggested for other pixels, channels or preprocessing" : `The data suggest ${line}`;
}

function row(topic: string, text: string, cell: Node | string): HTMLElement {
  const cells = [element("b", "", {}, [topic]), text, cell];
  return element(
    "tr",
    "",
    {},
    cells.map((content) => element("td", "", {}, [content])),
  );
}

/** The button that applies the setting of a reason, or what is done instead. */
function cellOf(stage: Stage, reason: Reason, present: boolean, outdated: boolean): Node | string {
  const { setting, call = "", value, optional } = reason;
  if (!setting) return "";
  if (value === undefined) return present ? `${call} is in force` : `at opening: mf.explore(cube, ${call})`;
  const words = present ? `${call} is in force` : `${optional ? "Try" : "Apply"} ${call}`;
  const root = action(words, `explorer.apply_suggestion("${setting}")`, () =>
    stage.call("apply_suggestion", { setting }),
  );
  root.disabled = present || outdated;
  return root;
}
