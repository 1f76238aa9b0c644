// Order of components: where a dragged tile is dropped, and the order that results.

/** A tile is dropped beside another one, or on it. */
export type Drop = "before" | "after" | "onto";

/** Share of the width of a tile, at either side, in which a dropped tile is placed beside it. */
const SIDE = 0.28;

/**
 * Return where a tile is dropped, from the position of the pointer as a share of the width of the other tile; beside it
 * if components cannot be merged.
 */
export function dropAt(fx: number, merges = true): Drop {
  const side = merges ? SIDE : 0.5;
  return fx < side ? "before" : fx >= 1 - side ? "after" : "onto";
}

/** Return the numbers after one of them was moved beside another one. */
export function moved(numbers: readonly number[], number: number, target: number, drop: Drop): readonly number[] {
  const others = numbers.filter((one) => one !== number);
  const at = others.indexOf(target) + (drop === "after" ? 1 : 0);
  return [...others.slice(0, at), number, ...others.slice(at)];
}

/** Return the numbers after one of them was moved by a step among those that are shown; null at either end. */
export function stepped(
  numbers: readonly number[],
  hidden: readonly number[],
  number: number,
  step: -1 | 1,
): readonly number[] | null {
  const shown = numbers.filter((_, i) => !hidden.includes(i));
  const target = shown[shown.indexOf(number) + step];
  return target === undefined ? null : moved(numbers, number, target, step > 0 ? "after" : "before");
}
