// The part of anywidget's model that the front end uses. `Traits` lists the traits of the Python class.

/** The part of a kernel's connection that the front end uses. */
export interface Kernel {
  readonly id: string;
  readonly status: string;
}

export interface WidgetModel<Traits> {
  get<Name extends keyof Traits>(name: Name): Traits[Name];
  set<Name extends keyof Traits>(name: Name, value: Traits[Name]): void;
  save_changes(): void;
  send(content: unknown): void;
  on(event: "msg:custom", callback: (content: unknown, buffers: readonly DataView<ArrayBuffer>[]) => void): void;
  on(event: string, callback: () => void): void;
  off(event: string, callback: (...values: never[]) => void): void;
  /** The manager of the widgets of a notebook; its kernel is known in JupyterLab only. */
  readonly widget_manager?: {
    readonly kernel?: Kernel | null;
    get_model?(id: string): Promise<unknown> | undefined;
  };
}

/** Set a trait and send it to the kernel. */
export function setTrait<Traits, Name extends keyof Traits>(
  model: WidgetModel<Traits>,
  name: Name,
  value: Traits[Name],
): void {
  model.set(name, value);
  model.save_changes();
}
