// Names and values of the sliders above the view for screen readers: ipywidgets gives the handle of a slider neither.

/** Give each slider of the explorer or the board around a view the name before it and the number beside it; return what ends it. */
export function nameSliders(view: HTMLElement): () => void {
  const changes = new MutationObserver((found) => {
    for (const { target } of found) update(target);
  });
  // The first size comes when the view is in the page: before, there is nothing around it.
  const shown = new ResizeObserver(() => {
    const page = view.closest(".mffnb-explorer, .mffnb-board");
    if (!page) return;
    shown.disconnect();
    update(page);
    changes.observe(page.querySelector(".mffnb-settings, .mffnb-choice") ?? page, {
      subtree: true,
      childList: true,
      characterData: true,
    });
  });
  shown.observe(view);
  return () => {
    shown.disconnect();
    changes.disconnect();
  };
}

/** Name the sliders below a node, and the one around it. */
function update(node: Node): void {
  const here = node instanceof Element ? node : node.parentElement;
  const around = here?.closest(".widget-inline-hbox");
  for (const slider of [...(around ? [around] : []), ...(here?.querySelectorAll(".widget-inline-hbox") ?? [])]) {
    const handle = slider.querySelector(".noUi-handle");
    if (!handle) continue;
    set(handle, "aria-label", slider.querySelector(".widget-label")?.textContent);
    set(handle, "aria-valuetext", slider.querySelector(".widget-readout")?.textContent);
  }
}

function set(handle: Element, name: string, value: string | null | undefined): void {
  if (value && handle.getAttribute(name) !== value) handle.setAttribute(name, value);
}
