// A stage without a page, and a model without a kernel, for the tests of tools and controls.

import type { LiveViewModel, LiveViewTraits } from "../src/protocol";
import type { Stage } from "../src/tool";

/** A model that holds traits and counts the messages to the kernel. */
export function fakeModel(traits: Partial<LiveViewTraits>) {
  const state = { ...traits };
  let saves = 0;
  const model = {
    get: (name: keyof LiveViewTraits) => state[name],
    set: (name: keyof LiveViewTraits, value: never) => {
      state[name] = value;
    },
    save_changes: () => {
      saves += 1;
    },
  };
  return { model: model as unknown as LiveViewModel, state, saves: () => saves };
}

/** A stage with the parts that a test replaces; anything else fails when it is used. */
export function fakeStage(parts: Partial<Stage>): Stage {
  return {
    frame: null,
    images: [],
    lanes: [],
    repaint() {},
    repaintAdded() {},
    repaintSpectra() {},
    root: null,
    ...parts,
  } as unknown as Stage;
}

/** A stage for a tool with a function in Python: its calls, and the values that Python shows. */
export function callingStage(values: object | null, parts: Partial<Stage> = {}) {
  const calls: unknown[][] = [];
  const shown = { values };
  const stage = fakeStage({
    ...parts,
    call: (...words) => calls.push(words),
    values: <Values extends object>() => shown.values as Partial<Values> | null,
  });
  return { stage, calls, shown };
}
