// Tool: a padlock beside the name of each component; closed, its spectrum stays while the others move.
// Its functions in Python are in mffnb/widgets/tools/hold.py.

import { element, svg } from "../dom";
import type { Header } from "../protocol";
import type { Tool } from "../tool";

/** Shackle of an open and of a closed padlock, in a box of 16 x 16. */
const SHACKLE = { open: "M5 7V4.5a3 3 0 0 1 5.8-1", closed: "M5 7V4.5a3 3 0 0 1 6 0V7" };

/** A padlock; `show` opens or closes it. */
export function padlock(clicked: () => void) {
  const shackle = svg("path", { d: SHACKLE.open, fill: "none", stroke: "currentColor", "stroke-width": 1.6 });
  const body = svg("rect", { x: 3, y: 7, width: 10, height: 7.5, rx: 1.5, fill: "currentColor" });
  const root = element("button", "mffnb-lock", { type: "button", "aria-pressed": "false" }, [
    svg("svg", { viewBox: "0 0 16 16", width: 15, height: 15, "aria-hidden": "true" }, [shackle, body]),
  ]);
  root.addEventListener("click", clicked);
  return {
    root,
    show(label: string, number: number, held: boolean): void {
      shackle.setAttribute("d", held ? SHACKLE.closed : SHACKLE.open);
      root.setAttribute("aria-pressed", String(held));
      root.setAttribute("aria-label", `Hold the spectrum of ${label}`);
      root.title = held
        ? `The spectrum is held. Click to let it move: explorer.release(${number})`
        : `Hold this spectrum while the others move: explorer.hold(${number})`;
    },
  };
}

export const tool: Tool = {
  name: "hold",
  start(stage) {
    let locks: ReturnType<typeof padlock>[] = [];
    let shown: Header | null = null;
    const show = () => {
      const header = stage.frame?.header;
      if (!header || header === shown) return;
      shown = header;
      locks.slice(0, header.labels.length).forEach((lock, i) => {
        lock.show(header.labels[i], header.numbers[i], header.held.includes(header.numbers[i]));
      });
    };
    return {
      tileMade(tile, place) {
        if (place === 0) [locks, shown] = [[], null];
        if (stage.frame?.header.numbers[place] === undefined || stage.values("hold") === null) return;
        const lock = padlock(() => {
          const header = stage.frame?.header;
          const number = header?.numbers[place];
          if (!header || number === undefined) return;
          if (header.held.includes(number)) stage.call("release", { component: number });
          else stage.call("hold", { what: number });
        });
        locks[place] = lock;
        tile.name.after(lock.root);
      },
      lanes() {
        show(); // every frame may be of a run that holds other components
        return [];
      },
    };
  },
};
