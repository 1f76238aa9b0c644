// A field in place of a name: Enter or leaving it accepts the new name, Escape keeps the present one.

import { element } from "./dom";

/** Replace the element of a name by a field until the user has accepted or refused a new one. */
export function editName(shown: HTMLElement, present: string, accept: (name: string) => void): void {
  const field = element("input", "mffnb-name-field", { "aria-label": `Name of ${present}`, value: present });
  let open = true;
  const close = (accepted: boolean) => {
    if (!open) return;
    open = false;
    field.replaceWith(shown);
    if (accepted && field.value !== present) accept(field.value);
  };
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === "Escape") close(event.key === "Enter");
  });
  field.addEventListener("blur", () => close(true));
  shown.replaceWith(field);
  field.focus();
  field.select();
}
