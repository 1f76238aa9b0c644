// A small menu below a button: it closes with Escape, by a click outside, and when one of its actions was chosen.

import { element } from "./dom";

export class Menu {
  readonly root = element("div", "mffnb-menu", { role: "dialog", hidden: "" });
  private opener: HTMLElement | null = null;

  constructor() {
    this.root.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.close();
      this.opener?.focus();
    });
    this.root.addEventListener("focusout", ({ relatedTarget }) => {
      if (relatedTarget instanceof Node && !this.root.contains(relatedTarget)) this.close();
    });
  }

  /** Show the menu below the button that opens it, inside of `view`; the button closes it again. */
  toggle(view: HTMLElement, opener: HTMLElement, title: string, parts: readonly HTMLElement[]): void {
    const again = !this.root.hidden && this.opener === opener;
    this.close();
    if (again) return;
    this.opener = opener;
    opener.setAttribute("aria-expanded", "true");
    this.root.setAttribute("aria-label", title);
    this.root.replaceChildren(element("div", "mffnb-menu-title", {}, [title]), ...parts);
    view.append(this.root);
    this.root.hidden = false;
    const [outer, box] = [view.getBoundingClientRect(), opener.getBoundingClientRect()];
    const left = Math.min(box.right - outer.left - this.root.offsetWidth, outer.width - this.root.offsetWidth - 4);
    this.root.style.left = `${Math.max(left, 4)}px`;
    this.root.style.top = `${box.bottom - outer.top + 2}px`;
    document.addEventListener("pointerdown", this.outside, true);
    this.root.querySelector("button")?.focus({ preventScroll: true });
  }

  close(): void {
    this.root.hidden = true;
    this.opener?.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", this.outside, true);
  }

  private readonly outside = ({ target }: Event): void => {
    const inside = target instanceof Node && (this.root.contains(target) || this.opener?.contains(target));
    if (!inside) this.close();
  };
}
