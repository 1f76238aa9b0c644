// The model of a live view without a kernel: it keeps the traits in the page and passes messages to a function.

import type { LiveViewModel, LiveViewTraits, Message } from "../protocol";

type Callback = (...values: never[]) => void;

export interface LocalModel {
  readonly model: LiveViewModel;
  /** Set traits as Python would, and tell the view. */
  set(traits: Partial<LiveViewTraits>): void;
}

/** Make a model with these traits; `receive` gets what the view sends to Python elsewhere. */
export function localModel(traits: LiveViewTraits, receive: (message: Message) => void): LocalModel {
  const state = { ...traits };
  const listeners = new Map<string, Set<Callback>>();
  const set = (changes: Partial<LiveViewTraits>) => {
    Object.assign(state, changes);
    for (const name of Object.keys(changes)) {
      for (const callback of listeners.get(`change:${name}`) ?? []) (callback as () => void)();
    }
  };
  const model: LiveViewModel = {
    get: (name) => state[name],
    set: (name, value) => {
      if (state[name] !== value) set({ [name]: value } as Partial<LiveViewTraits>);
    },
    save_changes: () => undefined,
    send: (content) => receive(content as Message),
    on: (event: string, callback: Callback) => {
      listeners.set(event, (listeners.get(event) ?? new Set()).add(callback));
    },
    off: (event, callback) => {
      listeners.get(event)?.delete(callback);
    },
  };
  return { model, set };
}
