// Whether a pointer is pressed on a part of the page or moves over it, so that nothing moves below it until it is
// released, has left, or has rested.

/** The part of the window that reports a release anywhere. */
type Releases = Pick<EventTarget, "addEventListener" | "removeEventListener">;

/** Events of the window that end a press; the last one comes if another window takes the pointer. */
const ENDS = ["pointerup", "pointercancel", "blur"] as const;
/** Milliseconds after which a pointer that does not move no longer holds back what waits. */
export const REST = 2000;

export class PointerHold {
  private pressed = false;
  private over = false;
  private resting: ReturnType<typeof setTimeout> | undefined;
  private readonly released: () => void;
  private readonly page: Releases;
  private readonly rest: number;

  /** `released` is called after a hold has ended; after a press, once its click has been handled. */
  constructor(parts: readonly HTMLElement[], released: () => void, page: Releases = window, rest = REST) {
    this.released = released;
    this.page = page;
    this.rest = rest;
    for (const part of parts) {
      part.addEventListener("pointerdown", this.press);
      part.addEventListener("pointermove", this.move);
      part.addEventListener("pointerleave", this.leave);
    }
    for (const name of ENDS) page.addEventListener(name, this.end, true);
  }

  get held(): boolean {
    return this.pressed || this.over;
  }

  remove(): void {
    clearTimeout(this.resting);
    for (const name of ENDS) this.page.removeEventListener(name, this.end, true);
  }

  private readonly press = (): void => {
    this.pressed = true;
  };

  private readonly move = (): void => {
    this.over = true;
    clearTimeout(this.resting);
    this.resting = setTimeout(this.leave, this.rest);
  };

  private readonly leave = (): void => {
    clearTimeout(this.resting);
    if (!this.over) return;
    this.over = false;
    if (!this.held) this.released();
  };

  private readonly end = (): void => {
    if (!this.pressed) return;
    // The click follows the release at once: what moved before would make it a click on another pixel.
    setTimeout(() => {
      this.pressed = false;
      if (!this.held) this.released();
    }, 0);
  };
}
