// Tool: a strip below the slider for k that shows what is known about each k; a click on a k moves the slider there.
// Its functions in Python are in mffnb/widgets/tools/evidence.py.

import { action } from "../controls";
import { element } from "../dom";
import { number } from "../format";
import type { Stage, Tool } from "../tool";

/** What is known about one k; null and empty texts for what is not. */
export interface Cell {
  readonly k: number;
  readonly error: number | null;
  /** In what the settings of the error differ from the present ones; empty if they are the same. */
  readonly settings: string;
  /** Ratio of the k-th image to the noise, and whether it is above the noise. */
  readonly ratio: number | null;
  readonly image: "" | "yes" | "unclear" | "no";
  /** Largest angle between endmembers of two halves in degrees, and whether the halves reproduce them. */
  readonly angle: number | null;
  readonly reproduced: "" | "yes" | "roughly" | "no";
}

/** What the functions in Python show. */
interface Shown {
  readonly cells: readonly Cell[];
  /** Whether the user has requested what depends on the data alone, and the share of it that is computed. */
  readonly wanted: boolean;
  readonly share: number;
  readonly advice: string;
  readonly error: string;
}

const ROWS = ["k", "error", "image", "stable"];
const TITLES = [
  "Number of components",
  "Relative error of the answer that the explorer has found with this k",
  "Whether the k-th image stands above the noise",
  "Whether two halves of the pixels reproduce the endmembers",
];
/** A full, half or empty disc: known to be so, unclear, known not to be so. */
const MARKS = { yes: "●", unclear: "◐", roughly: "◐", no: "○", "": "·" };
const AGREE = { yes: "reproduce the endmembers", roughly: "reproduce the endmembers roughly", no: "differ", "": "" };

/** Return what is known about one k as a sentence. */
export function cellText({ k, error, settings, ratio, image, angle, reproduced }: Cell): string {
  const parts: string[] = [];
  if (error !== null) parts.push(`relative error ${number(error)}${settings ? ` with ${settings}` : ""}`);
  if (ratio !== null)
    parts.push(`image ${k} is ${number(ratio)} times the noise${image === "unclear" ? ", unclear" : ""}`);
  if (reproduced && angle !== null) parts.push(`split halves ${AGREE[reproduced]} (${number(angle)}°)`);
  return `k = ${k}: ${parts.length ? parts.join("; ") : "nothing is known yet"}`;
}

export const tool: Tool = {
  name: "evidence",
  paints: false,
  start(stage) {
    const values = () => stage.values<Shown>("evidence");
    const fill = action("", "", () => stage.call("fill_evidence", { on: !busy(values()) }));
    const cells = element("div", "mffnb-evidence-cells", { role: "group", "aria-label": "Evidence for each k" });
    const legend = element(
      "div",
      "mffnb-evidence-legend",
      { "aria-hidden": "true" },
      ROWS.map((text, i) => element("span", "", { title: TITLES[i] }, [text])),
    );
    const words = element("div", "mffnb-evidence-words", { "aria-live": "polite" });
    // Outside of the view, which keeps its own keys from the notebook.
    const strip = element("div", "mffnb-evidence", { hidden: "", "data-lm-suppress-shortcuts": "true" }, [
      element("div", "mffnb-evidence-chart", {}, [legend, cells]),
      element("div", "mffnb-evidence-side", {}, [words, fill]),
    ]);
    strip.addEventListener("keydown", (event) => event.stopPropagation());
    let source: readonly Cell[] | undefined;
    let current: number | null = null;
    let pointed: number | null = null;

    const point = (k: number | null) => {
      pointed = k;
      write();
    };
    const write = () => {
      const now = values();
      const cell = now?.cells?.find((one) => one.k === (pointed ?? current));
      const advice = pointed === null && now?.advice ? element("div", "", {}, [now.advice]) : "";
      words.replaceChildren(
        element("div", "", {}, [cell ? cellText(cell) : ""]),
        now?.error ? element("div", "mffnb-evidence-error", { role: "alert" }, [now.error]) : advice,
      );
    };
    const update = () => {
      place(stage, strip);
      const now = values();
      strip.hidden = !now?.cells;
      if (!now?.cells) return;
      if (source !== now.cells) {
        source = now.cells;
        const places = heights(source.map(({ error }) => error));
        const focus = [...cells.children].indexOf(document.activeElement as Element);
        cells.replaceChildren(...source.map((cell, i) => button(stage, cell, places[i], point)));
        if (focus >= 0) (cells.children[focus] as HTMLElement).focus();
      }
      [...cells.children].forEach((one, i) => {
        one.setAttribute("aria-current", String(now.cells?.[i].k === current));
      });
      fill.hidden = (now.share ?? 0) >= 1;
      const percent = `${Math.round(100 * (now.share ?? 0))} %`;
      fill.textContent = busy(now)
        ? `Stop (${percent})`
        : now.share
          ? `Go on (${percent})`
          : "Check images and stability";
      fill.title = busy(now)
        ? "Stop; what is computed stays: explorer.fill_evidence(on=False)"
        : "Count the images above the noise, and compare the endmembers of split halves: explorer.fill_evidence()";
      write();
    };
    return {
      framed(frame) {
        const k = (frame.header.parameters as { k?: number } | null)?.k ?? null;
        if (k !== current || !strip.isConnected) {
          current = k;
          update();
        }
      },
      traitsChanged: update,
    };
  },
};

/** Whether what depends on the data alone is being computed, or will be as soon as the run has ended. */
function busy(now: Partial<Shown> | null): boolean {
  return now?.wanted === true && (now.share ?? 0) < 1;
}

/** Put the strip below the sliders of the explorer around the view; a view without an explorer has none. */
function place(stage: Stage, strip: HTMLElement): void {
  const here = stage.root?.closest(".mffnb-explorer")?.querySelector(".mffnb-below-model");
  if (here && strip.parentElement !== here) here.append(strip);
}

/** Smallest range of the errors that the strip shows, relative to the largest error: smaller differences look small. */
const SMALLEST_RANGE = 0.05;

/** Return where each error lies between the smallest and the largest one, 0 to 1; null where none is known. */
export function heights(errors: readonly (number | null)[]): (number | null)[] {
  const known = errors.filter((one) => one !== null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const range = Math.max(high - low, SMALLEST_RANGE * high);
  return errors.map((one) => (one === null ? null : range > 0 ? (one - low) / range : 0));
}

/** A column of the strip: k, its error as a point, and two marks. */
function button(stage: Stage, cell: Cell, height: number | null, point: (k: number | null) => void): HTMLElement {
  const text = cellText(cell);
  const errors = element("span", "mffnb-evidence-errors");
  if (height !== null) {
    const dot = element("span", cell.settings ? "mffnb-evidence-dot mffnb-evidence-other" : "mffnb-evidence-dot");
    dot.style.bottom = `${Math.round(14 * height)}px`;
    errors.append(dot);
  }
  const root = element(
    "button",
    "mffnb-evidence-cell",
    { type: "button", title: `${text}. explorer.apply(k=${cell.k})`, "aria-label": text },
    [
      element("b", "", {}, [String(cell.k)]),
      errors,
      element("span", "", {}, [MARKS[cell.image]]),
      element("span", "", {}, [MARKS[cell.reproduced]]),
    ],
  );
  root.addEventListener("click", () => stage.call("apply", { k: cell.k }));
  for (const name of ["pointerenter", "focus"]) root.addEventListener(name, () => point(cell.k));
  for (const name of ["pointerleave", "blur"]) root.addEventListener(name, () => point(null));
  return root;
}
