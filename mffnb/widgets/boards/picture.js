// A figure with places to choose from: buttons over a picture, one radio group for the keyboard.

function element(tag, className, attributes = {}) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

class Picture {
  constructor(model, host) {
    this.model = model;
    this.image = element("img", "mffnb-figure-image", { alt: "" });
    this.group = element("div", "mffnb-spots", { role: "radiogroup" });
    this.root = element("div", "mffnb-figure", { "data-lm-suppress-shortcuts": "true", hidden: "" });
    this.root.append(this.image, this.group);
    this.onShown = () => this.show();
    this.onChosen = () => this.mark();
    model.on("change:shown", this.onShown);
    model.on("change:chosen", this.onChosen);
    this.group.addEventListener("click", (event) => {
      const spot = event.target.closest(".mffnb-spot");
      if (spot) this.choose(Number(spot.dataset.value));
    });
    this.group.addEventListener("keydown", (event) => this.key(event));
    this.themes = new MutationObserver(() => this.theme());
    this.themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
    host.append(this.root);
    this.theme();
    this.show();
  }

  remove() {
    this.model.off("change:shown", this.onShown);
    this.model.off("change:chosen", this.onChosen);
    this.themes.disconnect();
    if (this.url) URL.revokeObjectURL(this.url);
    this.root.remove();
  }

  /** The kernel draws with the ink that this page needs. */
  theme() {
    const dark = document.body.dataset.jpThemeLight === "false";
    if (this.model.get("dark") === dark) return;
    this.model.set("dark", dark);
    this.model.save_changes();
  }

  show() {
    const { image, alt, width, spots } = this.model.get("shown");
    this.root.hidden = !image;
    if (!image) return;
    const url = URL.createObjectURL(new Blob([image], { type: "image/png" }));
    this.image.src = url;
    this.image.alt = alt;
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = url;
    this.root.style.maxWidth = `${width}px`;
    this.group.setAttribute("aria-label", this.model.get("what"));
    const focused = this.group.contains(document.activeElement);
    this.values = spots.map((spot) => spot.value);
    this.group.replaceChildren(...spots.flatMap((spot) => spot.boxes.map((box, i) => this.spot(spot, box, i))));
    this.mark();
    if (focused) this.group.querySelector("[tabindex='0']")?.focus();
    this.root.dataset.spots = spots.length;
  }

  spot(spot, [left, top, width, height], number) {
    const node = element("button", `mffnb-spot mffnb-${spot.kind}`, {
      type: "button", title: spot.label, "data-value": spot.value, tabindex: "-1",
    });
    // One of the places of a value stands for it, to the keyboard and to a reader of screens.
    if (number === 0) {
      node.setAttribute("role", "radio");
      node.setAttribute("aria-label", spot.label);
    } else node.setAttribute("aria-hidden", "true");
    Object.assign(node.style, {
      left: `${100 * left}%`, top: `${100 * top}%`, width: `${100 * width}%`, height: `${100 * height}%`,
    });
    return node;
  }

  mark() {
    const chosen = this.model.get("chosen");
    const known = (this.values ?? []).includes(chosen);
    this.root.dataset.chosen = chosen;
    this.group.querySelectorAll(".mffnb-spot").forEach((node) => {
      const mine = Number(node.dataset.value) === chosen;
      node.classList.toggle("mffnb-chosen", mine);
      if (node.getAttribute("role") !== "radio") return;
      node.setAttribute("aria-checked", String(mine));
      node.setAttribute("tabindex", mine || (!known && Number(node.dataset.value) === this.values[0]) ? "0" : "-1");
    });
  }

  choose(value) {
    this.model.send({ choose: value });
    this.group.querySelector(`[role='radio'][data-value='${value}']`)?.focus({ preventScroll: true });
  }

  key(event) {
    const at = this.values.indexOf(Number(event.target.dataset.value));
    const last = this.values.length - 1;
    const to = {
      ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: last,
    }[event.key];
    event.stopPropagation(); // the notebook around has commands for these keys
    if (to === undefined) return;
    event.preventDefault();
    this.choose(this.values[Math.min(Math.max(to, 0), last)]);
  }
}

export default {
  render({ model, el }) {
    const picture = new Picture(model, el);
    return () => picture.remove();
  },
};
