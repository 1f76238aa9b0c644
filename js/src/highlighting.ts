// Which components are highlighted, and which are faded because others are.

/** Return the highlighted components that exist: the number of components may have become smaller. */
export function highlightedOf(trait: readonly number[], count: number): readonly number[] {
  return trait.filter((i) => i < count);
}

/** Return whether each component is drawn at full strength. */
export function brightOf(highlighted: readonly number[], count: number): readonly boolean[] {
  return Array.from({ length: count }, (_, i) => highlighted.length === 0 || highlighted.includes(i));
}

/** Add a component to the highlighted ones or remove it; none instead of all. */
export function toggled(highlighted: readonly number[], i: number, count: number): readonly number[] {
  const next = highlighted.includes(i) ? highlighted.filter((j) => j !== i) : [...highlighted, i];
  return next.length === count ? [] : next;
}
