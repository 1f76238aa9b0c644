// A small table below the spectra, with a title and a button that removes it.

import { action } from "./controls";
import { element } from "./dom";

export interface Table {
  readonly root: HTMLElement;
  /** Show rows of texts under their heads; null hides the table. */
  show(content: { title: string; heads: readonly string[]; rows: readonly (readonly string[])[] } | null): void;
}

/** Make a table; `close` is called by its button. */
export function table(close: () => void, closeTitle: string): Table {
  const title = element("span", "mffnb-table-title", { role: "status" });
  const body = element("table", "mffnb-table");
  const button = action("Close", closeTitle, close);
  const root = element("div", "mffnb-drawer", { hidden: "" }, [
    element("div", "mffnb-drawer-buttons", {}, [title, button]),
    element("div", "mffnb-table-scroll", { tabindex: 0, role: "group", "aria-label": "Table, arrow keys scroll it" }, [
      body,
    ]),
  ]);
  root.hidden = true;
  return {
    root,
    show(content) {
      root.hidden = content === null;
      if (!content) return;
      title.textContent = content.title;
      body.replaceChildren(...rowsOf(content));
    },
  };
}

/** Rows of texts below a row of heads; nothing without rows. */
export function rowsOf({ heads, rows }: { heads: readonly string[]; rows: readonly (readonly string[])[] }) {
  const cells = (tag: "th" | "td", texts: readonly string[]) => texts.map((text) => element(tag, "", {}, [text]));
  const head = element("tr", "", {}, cells("th", heads));
  return rows.length > 0 ? [head, ...rows.map((texts) => element("tr", "", {}, cells("td", texts)))] : [];
}
