// Numbers beside the sliders of weights take typed values: ipywidgets lets one type there, and ignores the text.

/** Text of a mark that is shown while a typed number cannot be used. */
const ADVICE = "Type a number that is not negative, then Enter";

type Apply = (control: string, value: number) => void;

/** Return a typed number; null if it is none, negative or infinite. A decimal comma counts as a point. */
export function typedNumber(text: string): number | null {
  const value = Number(text.trim().replace(",", "."));
  return text.trim() !== "" && Number.isFinite(value) && value >= 0 ? value : null;
}

/** Let the numbers of the sliders with these names around a view be typed; return what ends it. */
export function takeTypedNumbers(view: HTMLElement, names: readonly string[], apply: Apply): () => void {
  const changes = new MutationObserver(() => prepareAll());
  const page = () => view.closest(".mffnb-explorer")?.querySelector(".mffnb-settings");
  const prepareAll = () => {
    for (const slider of page()?.querySelectorAll(".widget-inline-hbox") ?? []) prepare(slider, names, apply);
  };
  // The first size comes when the view is in the page: before, there is no explorer around it.
  const shown = new ResizeObserver(() => {
    const settings = page();
    if (!settings) return;
    shown.disconnect();
    prepareAll();
    changes.observe(settings, { subtree: true, childList: true });
  });
  shown.observe(view);
  return () => {
    shown.disconnect();
    changes.disconnect();
  };
}

/** Listen to the number of a slider, if it is one of these names. */
function prepare(slider: Element, names: readonly string[], apply: Apply): void {
  const readout = slider.querySelector<HTMLElement>(".widget-readout");
  const label = slider.querySelector(".widget-label")?.textContent?.trim();
  if (!readout || !label || !names.includes(label) || readout.classList.contains("mffnb-typed")) return;
  readout.contentEditable = "true";
  readout.classList.add("mffnb-typed");
  for (const [name, value] of [
    ["role", "textbox"],
    ["aria-label", `${label}, number`],
    ["data-lm-suppress-shortcuts", "true"],
    ["spellcheck", "false"],
  ]) {
    readout.setAttribute(name, value);
  }
  let before = "";
  const mark = (invalid: boolean) => {
    readout.classList.toggle("mffnb-invalid", invalid);
    readout.setAttribute("aria-invalid", String(invalid));
    readout.title = invalid ? ADVICE : "";
  };
  const commit = () => {
    const text = readout.textContent ?? "";
    const value = typedNumber(text);
    mark(value === null && text !== before);
    if (value === null || text === before) return;
    before = text;
    apply(label, value);
  };
  readout.addEventListener("focus", () => {
    if (!readout.classList.contains("mffnb-invalid")) before = readout.textContent ?? "";
    window.getSelection()?.selectAllChildren(readout);
  });
  readout.addEventListener("keydown", (event) => {
    event.stopPropagation(); // the notebook would take letters as commands
    if (event.key === "Escape") {
      readout.textContent = before;
      mark(false);
    }
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    commit();
    if (!readout.classList.contains("mffnb-invalid")) readout.blur();
  });
  readout.addEventListener("input", () => mark(typedNumber(readout.textContent ?? "") === null));
  readout.addEventListener("blur", commit);
}
