// Whether the picture belongs to the settings: it greys when a control moves, before the kernel answers.

import type { Activity, LiveViewModel } from "./protocol";

/** Events of a control that has got another value. */
const MOVES = "change:value change:index";

/** A model of another widget: a control. */
interface ControlModel {
  on(events: string, callback: () => void): void;
  off(events: string, callback: () => void): void;
}

export class Freshness {
  private readonly model: LiveViewModel;
  private readonly changed: () => void;
  private controls: ControlModel[] = [];
  private moved = false;
  private removed = false;

  constructor(model: LiveViewModel, changed: () => void) {
    this.model = model;
    this.changed = changed;
    model.on("change:activity", this.answered);
    for (const id of model.get("watched") ?? []) {
      // Outside of Jupyter there may be no such manager: the picture then greys when the kernel answers.
      model.widget_manager?.get_model?.(id)?.then(this.watch, () => undefined);
    }
  }

  /** What the kernel does now; empty for a view that no run feeds. */
  get activity(): Partial<Activity> {
    return this.model.get("activity") ?? {};
  }

  /** Whether a frame of this generation belongs to older settings than those of the controls. */
  stale(generation: number | undefined): boolean {
    const { generation: newest } = this.activity;
    return this.moved || (newest !== undefined && generation !== undefined && generation < newest);
  }

  /** Whether a control has moved and the kernel has not answered yet. */
  get waiting(): boolean {
    return this.moved;
  }

  remove(): void {
    this.removed = true;
    this.model.off("change:activity", this.answered);
    for (const control of this.controls) control.off(MOVES, this.move);
  }

  private readonly watch = (control: unknown): void => {
    if (this.removed) return;
    this.controls.push(control as ControlModel);
    (control as ControlModel).on(MOVES, this.move);
  };

  private readonly move = (): void => {
    this.moved = true;
    this.changed();
  };

  private readonly answered = (): void => {
    this.moved = false;
    this.changed();
  };
}
