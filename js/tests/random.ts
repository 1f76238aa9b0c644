// Reproducible random numbers for the property tests.

/** Make a generator of numbers from 0 to 1 (linear congruential generator of Numerical Recipes). */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Random numbers of both signs over many powers of ten. */
export function numbers(seed: number, count: number, powers = 12): number[] {
  const random = generator(seed);
  return Array.from({ length: count }, () => (random() - 0.5) * 10 ** (powers * (2 * random() - 1)));
}
