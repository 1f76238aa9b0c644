// Whether a pointer is pressed on a part of the page, so that nothing moves below it until it is released.

/** The part of the window that reports a release anywhere. */
type Releases = Pick<EventTarget, "addEventListener" | "removeEventListener">;

/** Events of the window that end a press; the last one comes if another window takes the pointer. */
const ENDS = ["pointerup", "pointercancel", "blur"] as const;

export class PressHold {
  private pressed = false;
  private readonly released: () => void;
  private readonly page: Releases;

  /** `released` is called after a press has ended, and after its click has been handled. */
  constructor(parts: readonly HTMLElement[], released: () => void, page: Releases = window) {
    this.released = released;
    this.page = page;
    for (const part of parts) part.addEventListener("pointerdown", this.press);
    for (const name of ENDS) page.addEventListener(name, this.end, true);
  }

  get held(): boolean {
    return this.pressed;
  }

  remove(): void {
    for (const name of ENDS) this.page.removeEventListener(name, this.end, true);
  }

  private readonly press = (): void => {
    this.pressed = true;
  };

  private readonly end = (): void => {
    if (!this.pressed) return;
    // The click follows the release at once: what moved before would make it a click on another pixel.
    setTimeout(() => {
      this.pressed = false;
      this.released();
    }, 0);
  };
}
