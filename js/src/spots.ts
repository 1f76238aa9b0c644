// Places of a figure that can be chosen, and the arrow keys that move between them.

/** Left, top, width and height as shares of the figure. */
export type Box = readonly [number, number, number, number];

/** A value that can be chosen, and its places in the figure. */
export interface Spot {
  readonly value: number;
  readonly label: string;
  readonly boxes: readonly Box[];
  readonly kind: string;
}

/** Return the value that a key chooses; undefined for other keys. `values` is not empty. */
export function valueForKey(key: string, values: readonly number[], current: number): number | undefined {
  const at = values.indexOf(current);
  const last = values.length - 1;
  const targets: Record<string, number> = {
    ArrowRight: at + 1,
    ArrowDown: at + 1,
    ArrowLeft: at - 1,
    ArrowUp: at - 1,
    Home: 0,
    End: last,
  };
  const target = targets[key];
  return target === undefined ? undefined : values[Math.min(Math.max(target, 0), last)];
}

/** CSS position of a place. */
export function boxStyle([left, top, width, height]: Box): Readonly<Record<string, string>> {
  const percent = (share: number) => `${100 * share}%`;
  return { left: percent(left), top: percent(top), width: percent(width), height: percent(height) };
}
