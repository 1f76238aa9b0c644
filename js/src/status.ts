// The status line: what the kernel does, outcome of the picture, iteration, error, objective, time, and warnings.

import { element } from "./dom";
import { fixed, number } from "./format";
import type { Activity, Header, Notice, Status } from "./protocol";

/** Return name and value of everything that the solver reported. */
export function statusFacts({ iteration, relative_error, objective, milliseconds }: Status): [string, string][] {
  const facts: [string, string][] = [];
  if (iteration != null) facts.push(["iteration", fixed(iteration, 0)]);
  if (relative_error != null) facts.push(["relative error", number(relative_error)]);
  if (objective != null) facts.push(["objective", number(objective, 4)]);
  if (milliseconds != null) {
    facts.push(["", milliseconds < 1000 ? `${fixed(milliseconds, 0)} ms` : `${fixed(milliseconds / 1000, 1)} s`]);
  }
  return facts;
}

/** What the status line shows beside a frame. */
export interface Present {
  /** Whether the frame belongs to older settings. */
  readonly stale: boolean;
  /** Whether a control has moved and the kernel has not answered yet. */
  readonly waiting: boolean;
  readonly activity: Partial<Activity>;
  /** Error of the last message that failed; empty for none. */
  readonly error: string;
}

/** Return the first words of the status line, which say what is done now, and a note on what is shown. */
export function statusWords(header: Header | null, { stale, waiting, activity }: Present): [string, string] {
  const shown = header ? String(header.status.outcome || (header.final ? "done" : "solving")) : "";
  if (activity.failed && !waiting) return ["failed", header ? "the picture shows the last answer" : ""];
  if (waiting) return ["working", "settings are sent to the kernel"];
  const text = activity.text ? `on ${activity.text}` : "";
  if (!header) return ["working", text];
  if (stale) return ["working", `${text}; the picture shows the last answer, ${shown}`];
  const done = header.status.text ? String(header.status.text) : "";
  return [shown, done || (header.final ? "" : text)];
}

export class StatusLine {
  readonly root = element("div", "mffnb-status", { role: "status" });
  private readonly line = element("div", "mffnb-status-line");
  private readonly bar = element("progress", "mffnb-progress", { max: 1, hidden: "", "aria-label": "Progress" });
  private readonly notices = element("ul", "mffnb-notices", { hidden: "" });
  private shown = "";
  /** What the line consists of, and the values in it. */
  private parts = "";
  private values: readonly HTMLElement[] = [];
  private texts: readonly string[] = [];

  constructor() {
    this.root.append(this.line, this.bar, this.notices);
  }

  /** Show the status of a frame, or of a run without one. */
  show(header: Header | null, present: Present): void {
    const { stale, activity, error } = present;
    const [words, note] = statusWords(header, present);
    const progress = stale || !header ? activity.progress : header.status.progress;
    this.root.classList.toggle("mffnb-final", header?.final === true && !stale);
    this.root.classList.toggle("mffnb-failed", words === "failed");
    this.bar.hidden = progress == null;
    if (progress != null) this.bar.value = progress;
    const facts = header ? statusFacts(header.status) : [];
    this.write(words, facts, note, error);
  }

  /** Write the line. During a run only the values change: their elements stay, which costs the page less. */
  private write(words: string, facts: readonly [string, string][], note: string, error: string): void {
    const parts = JSON.stringify([words, facts.map(([name]) => name), note, error]);
    if (parts !== this.parts) {
      this.parts = parts;
      this.values = facts.map(([, value]) => element("b", "", {}, [value]));
      this.texts = facts.map(([, value]) => value);
      this.line.replaceChildren(
        element("span", "mffnb-dot"),
        element("span", "mffnb-outcome", {}, [words]),
        ...facts.map(([name], i) => element("span", "mffnb-fact", {}, [name ? `${name} ` : "", this.values[i]])),
        ...(note ? [element("span", "mffnb-text", {}, [note])] : []),
        ...(error ? [element("span", "mffnb-error", { role: "alert" }, [error])] : []),
      );
    }
    facts.forEach(([, value], i) => {
      if (value !== this.texts[i]) this.values[i].textContent = value;
    });
    this.texts = facts.map(([, value]) => value);
  }

  /** Show the warnings of a run, one in a line, with the action that cures each where there is one. */
  showNotices(notices: readonly Notice[], apply: (notice: Notice) => void): void {
    const present = JSON.stringify(notices);
    if (present === this.shown) return;
    this.shown = present;
    this.notices.hidden = notices.length === 0;
    this.notices.replaceChildren(...notices.map((notice) => noticeLine(notice, apply)));
  }
}

function noticeLine(notice: Notice, apply: (notice: Notice) => void): HTMLElement {
  const line = element("li", "mffnb-notice", {}, [element("span", "", {}, [notice.text])]);
  if (notice.action) {
    const button = element("button", "mffnb-button", { type: "button", title: `explorer.${notice.tool}()` }, [
      notice.action,
    ]);
    button.addEventListener("click", () => apply(notice));
    line.append(button);
  }
  return line;
}
