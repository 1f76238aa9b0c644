// A task that is done after a delay, once for all requests in the meantime.

export class Later {
  private readonly task: () => void;
  private readonly delay: number;
  private timer: ReturnType<typeof setTimeout> | null = null;

  /** `delay` is in milliseconds. */
  constructor(task: () => void, delay: number) {
    this.task = task;
    this.delay = delay;
  }

  /** Do the task after the delay from the first request; later requests until then change nothing. */
  request(): void {
    this.timer ??= setTimeout(this.now, this.delay);
  }

  /** Do the task at once; earlier requests are then done as well. */
  readonly now = (): void => {
    this.cancel();
    this.task();
  };

  cancel(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}
