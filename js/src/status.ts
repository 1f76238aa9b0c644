// The status line: outcome of the solve, iteration, error, objective, time.

import { element } from "./dom";
import { fixed, number } from "./format";
import type { Header, Status } from "./protocol";

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

export class StatusLine {
  readonly root = element("div", "mffnb-status");

  /** Show the status of a frame, and the error of the last message that failed. */
  show({ status, final }: Header, error = ""): void {
    const { outcome, text } = status;
    this.root.classList.toggle("mffnb-final", final);
    this.root.replaceChildren(
      element("span", "mffnb-dot"),
      element("span", "mffnb-outcome", {}, [String(outcome || (final ? "done" : "solving"))]),
      ...statusFacts(status).map(([name, value]) =>
        element("span", "mffnb-fact", {}, [name ? `${name} ` : "", element("b", "", {}, [value])]),
      ),
      ...(text ? [element("span", "mffnb-text", {}, [String(text)])] : []),
      ...(error ? [element("span", "mffnb-error", { role: "alert" }, [error])] : []),
    );
  }

  clear(): void {
    this.root.replaceChildren();
  }
}
