// Entry of the bundle picture.js: the widget class `Picture` of mffnb, a figure with places that can be chosen.
// The places are buttons over an image; to the keyboard and to screen readers they are one group of radio buttons.

import { element } from "./dom";
import { setTrait, type WidgetModel } from "./model";
import { type Box, boxStyle, type Spot, valueForKey } from "./spots";

interface Shown {
  readonly image?: BlobPart;
  readonly alt: string;
  /** Width on the page in CSS pixels. */
  readonly width: number;
  readonly spots: readonly Spot[];
}

/** Traits of `Picture` that are synchronised with the kernel. */
interface PictureTraits {
  shown: Shown;
  chosen: number;
  dark: boolean;
  what: string;
}

/** A narrow page shows the picture at this share of its width at least, and scrolls: its text has 11 pixels then. */
const SMALLEST = 0.8;

type PictureModel = WidgetModel<PictureTraits>;

class Picture {
  readonly root = element("div", "mffnb-figure", { "data-lm-suppress-shortcuts": "true", hidden: "" });
  private readonly image = element("img", "mffnb-figure-image", { alt: "" });
  private readonly group = element("div", "mffnb-spots", { role: "radiogroup" });
  private readonly plate = element("div", "mffnb-figure-plate", {}, [this.image, this.group]);
  private readonly model: PictureModel;
  private readonly themes = new MutationObserver(() => this.reportTheme());
  private values: readonly number[] = [];
  private url: string | null = null;

  constructor(model: PictureModel) {
    this.model = model;
    this.root.append(this.plate);
    model.on("change:shown", this.show);
    model.on("change:chosen", this.mark);
    this.group.addEventListener("click", ({ target }) => {
      const spot = target instanceof Element ? target.closest<HTMLElement>(".mffnb-spot") : null;
      if (spot) this.choose(Number(spot.dataset.value));
    });
    this.group.addEventListener("keydown", (event) => this.key(event));
    this.themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
    this.reportTheme();
    this.show();
  }

  remove(): void {
    this.model.off("change:shown", this.show);
    this.model.off("change:chosen", this.mark);
    this.themes.disconnect();
    if (this.url) URL.revokeObjectURL(this.url);
    this.root.remove();
  }

  /** Report whether the page is dark, since the kernel draws the figure. */
  private reportTheme(): void {
    const dark = document.body.dataset.jpThemeLight === "false";
    if (this.model.get("dark") !== dark) setTrait(this.model, "dark", dark);
  }

  private readonly show = (): void => {
    const { image, alt, width, spots } = this.model.get("shown");
    this.root.hidden = !image;
    if (!image) return;
    const url = URL.createObjectURL(new Blob([image], { type: "image/png" }));
    this.image.src = url;
    this.image.alt = alt;
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = url;
    this.root.style.maxWidth = `${width}px`;
    this.plate.style.minWidth = `${SMALLEST * width}px`;
    this.group.setAttribute("aria-label", this.model.get("what"));
    const focused = this.group.contains(document.activeElement);
    this.values = spots.map((spot) => spot.value);
    this.group.replaceChildren(...spots.flatMap((spot) => spot.boxes.map((box, i) => spotButton(spot, box, i === 0))));
    this.mark();
    if (focused) this.group.querySelector<HTMLElement>("[tabindex='0']")?.focus();
    this.root.dataset.spots = String(spots.length);
  };

  private readonly mark = (): void => {
    const chosen = this.model.get("chosen");
    // Without a choice the first value takes the keyboard focus.
    const focusable = this.values.includes(chosen) ? chosen : this.values[0];
    this.root.dataset.chosen = String(chosen);
    for (const node of this.group.querySelectorAll<HTMLElement>(".mffnb-spot")) {
      const value = Number(node.dataset.value);
      node.classList.toggle("mffnb-chosen", value === chosen);
      if (node.getAttribute("role") !== "radio") continue;
      node.setAttribute("aria-checked", String(value === chosen));
      node.setAttribute("tabindex", value === focusable ? "0" : "-1");
    }
  };

  private choose(value: number): void {
    this.model.send({ choose: value });
    const radio = this.group.querySelector<HTMLElement>(`[role='radio'][data-value='${value}']`);
    radio?.focus({ preventScroll: true });
  }

  private key(event: KeyboardEvent): void {
    event.stopPropagation(); // the notebook has commands for these keys
    const current = Number((event.target as HTMLElement).dataset.value);
    const value = valueForKey(event.key, this.values, current);
    if (value === undefined) return;
    event.preventDefault();
    this.choose(value);
  }
}

/** Make the button of one place; the first place of a value represents it to the keyboard and to screen readers. */
function spotButton(spot: Spot, box: Box, first: boolean): HTMLElement {
  const node = element("button", `mffnb-spot mffnb-${spot.kind}`, {
    type: "button",
    title: spot.label,
    "data-value": spot.value,
    tabindex: "-1",
    ...(first ? { role: "radio", "aria-label": spot.label } : { "aria-hidden": "true" }),
  });
  Object.assign(node.style, boxStyle(box));
  return node;
}

export default {
  render({ model, el }: { model: PictureModel; el: HTMLElement }): () => void {
    const picture = new Picture(model);
    el.append(picture.root);
    return () => picture.remove();
  },
};
