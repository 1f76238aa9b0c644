// Whether the kernel still holds the widget: after a restart the page shows the last picture, and gets no answer.

import { element } from "./dom";
import type { Kernel } from "./model";
import type { LiveViewModel } from "./protocol";

/** The class that ipywidgets gives to views whose kernel was restarted. */
const DISCONNECTED = ".jupyter-widgets-disconnected";
/** Milliseconds between two looks at the kernel: ipywidgets does not tell that it was shut down or has died. */
const PERIOD = 1000;

/** A line that says what to do after the kernel has gone; hidden while it answers. */
export class Connection {
  readonly root = element("div", "mffnb-lost-line", { role: "alert", hidden: "" }, [
    element("b", "", {}, ["Not connected."]),
    " The kernel was restarted or has stopped, so nothing here reacts. Run the cell again.",
  ]);
  private readonly model: LiveViewModel;
  private readonly view: HTMLElement;
  private readonly kernel: string | undefined;
  private readonly timer: ReturnType<typeof setInterval>;
  private gone = false;

  constructor(model: LiveViewModel, view: HTMLElement) {
    this.model = model;
    this.view = view;
    this.kernel = model.widget_manager?.kernel?.id;
    model.on("comm_live_update", this.update);
    this.timer = setInterval(this.update, PERIOD);
  }

  /** Show the state of the connection, after ipywidgets has marked its view. */
  private readonly update = (): void => {
    queueMicrotask(() => {
      this.gone ||= this.kernel !== undefined && hasGone(this.kernel, this.model.widget_manager?.kernel);
      const lost = this.gone || this.view.closest(DISCONNECTED) !== null;
      this.root.hidden = !lost;
      this.view.classList.toggle("mffnb-lost", lost);
    });
  };

  remove(): void {
    clearInterval(this.timer);
    this.model.off("comm_live_update", this.update);
  }
}

/** Whether a kernel has ended: there is none, or another one, or it is dead. */
export function hasGone(id: string, kernel: Kernel | null | undefined): boolean {
  return !kernel || kernel.id !== id || kernel.status === "dead";
}
