// Tool: hide, reorder, merge, split and colour components, by dragging the caption of a map and by the menu in it.
// Its functions in Python are in mffnb/widgets/tools/arrange.py and restructure.py.

import { action } from "../controls";
import { element } from "../dom";
import type { MapTile } from "../maps";
import { Menu } from "../menu";
import { type Drop, dropAt, moved, stepped } from "../order";
import { SMALLEST_DRAG, type Stage, type Tool } from "../tool";

/** What `set_color` shows in the page: the colours that it offers. */
interface Palette {
  readonly palette: readonly string[];
}

const DROP_CLASSES = { before: "mffnb-drop-before", after: "mffnb-drop-after", onto: "mffnb-drop-onto" } as const;

export const tool: Tool = {
  name: "components",
  place: 3,
  start(stage) {
    const menu = new Menu();
    const hidden = element("span", "mffnb-chips", { hidden: "" });
    const available = () => stage.values("hide") !== null;
    let listed = "";
    let refocused: number | null = null;

    const move = (number: number, step: -1 | 1) => {
      if (!stage.frame) return;
      const { numbers, hidden: away } = stage.frame.header;
      const order = stepped(numbers, away, number, step);
      if (!order) return;
      refocused = number;
      stage.call("reorder", { components: order });
    };

    /** List the hidden components: a click shows one again. */
    const list = () => {
      const { labels, colors, numbers, hidden: away } = stage.frame?.header ?? NOTHING;
      const key = JSON.stringify(away.map((i) => [labels[i], colors[i], numbers[i]]));
      if (key === listed) return;
      listed = key;
      hidden.hidden = away.length === 0;
      const chips = away.map((i) => {
        const title = `Show it again: explorer.show(${numbers[i]})`;
        const chip = action(labels[i], title, () => stage.call("show", { component: numbers[i] }));
        chip.classList.add("mffnb-chip");
        chip.style.setProperty("--mffnb-color", colors[i]);
        return chip;
      });
      hidden.replaceChildren(element("span", "", {}, ["Hidden:"]), ...chips);
    };

    return {
      mapControls: [hidden],
      tileMade(tile, place) {
        if (place === 0) menu.close();
        const number = stage.frame?.header.numbers[place];
        if (number === undefined || !available()) return;
        tile.caption.append(menuButton(stage, menu, tile, place, number, move));
        const merge = stage.values("merge") === null ? "" : ", or merge";
        tile.name.title = `Click: highlight. Double click: rename. Drag: move${merge}. Alt and arrow keys: move`;
        listenToDrag(stage, tile, number);
        tile.name.addEventListener("keydown", (event) => {
          const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
          if (!event.altKey || !step) return;
          event.preventDefault(); // the browser would go back in its history
          move(number, step as -1 | 1);
        });
        if (number !== refocused) return;
        refocused = null;
        tile.name.focus({ preventScroll: true });
      },
      images() {
        list();
        return [];
      },
    };
  },
};

const NOTHING = { labels: [], colors: [], numbers: [], hidden: [] } as const;

/** The button of a tile that opens the menu of its component. */
function menuButton(
  stage: Stage,
  menu: Menu,
  tile: MapTile,
  place: number,
  number: number,
  move: (number: number, step: -1 | 1) => void,
): HTMLElement {
  const label = stage.frame?.header.labels[place] ?? "";
  const title = `Change ${label}`;
  const attributes = {
    type: "button",
    title,
    "aria-label": title,
    "aria-haspopup": "dialog",
    "aria-expanded": "false",
  };
  const opener = element("button", "mffnb-more", attributes, ["\u22ef"]);
  const chosen = (run: () => void) => () => {
    menu.close();
    run();
  };
  const item = (text: string, hint: string, run: () => void) => {
    const made = action(text, hint, chosen(run));
    made.classList.add("mffnb-item");
    return made;
  };
  opener.addEventListener("click", () => {
    if (!stage.frame) return;
    const { labels, numbers } = stage.frame.header;
    const merge = element("select", "mffnb-select", { "aria-label": `Merge ${label} with`, title: "explorer.merge()" });
    merge.append(new Option("Merge with…", ""));
    for (const [i, other] of numbers.entries())
      if (other !== number) merge.append(new Option(labels[i], String(other)));
    merge.addEventListener(
      "change",
      chosen(() => stage.call("merge", { component: number, other: Number(merge.value) })),
    );
    menu.toggle(stage.root, opener, label, [
      item("Rename", "explorer.rename()", () => tile.name.dispatchEvent(new MouseEvent("dblclick"))),
      item("Hide", `explorer.hide(${number})`, () => stage.call("hide", { component: number })),
      ...(stage.values("split") === null
        ? []
        : [
            item("Split", `Start a second one from its residual: explorer.split(${number})`, () =>
              stage.call("split", { component: number }),
            ),
          ]),
      item("Move left", "explorer.reorder()", () => move(number, -1)),
      item("Move right", "explorer.reorder()", () => move(number, 1)),
      ...(numbers.length > 1 && stage.values("merge") !== null ? [merge] : []),
      swatches(stage, number, chosen),
    ]);
  });
  return opener;
}

/** The colours of the palette as buttons. */
function swatches(stage: Stage, number: number, chosen: (run: () => void) => () => void): HTMLElement {
  const palette = stage.values<Palette>("set_color")?.palette ?? [];
  const present = stage.frame?.header.colors[stage.frame.header.numbers.indexOf(number)];
  const buttons = palette.map((color, i) => {
    const title = `Colour ${i}: explorer.set_color(${number}, ${i})`;
    const pressed = String(color === present);
    const made = element("button", "mffnb-swatch", { type: "button", title, "aria-label": `Colour ${i}` });
    made.setAttribute("aria-pressed", pressed);
    made.style.background = color;
    made.addEventListener(
      "click",
      chosen(() => stage.call("set_color", { component: number, color: i })),
    );
    return made;
  });
  return element("div", "mffnb-swatches", {}, buttons);
}

/** Let the caption of a tile be dragged: beside another tile it moves the component, onto it it merges both. */
function listenToDrag(stage: Stage, { caption, root }: MapTile, number: number): void {
  let from: readonly [number, number] | null = null;
  let dragging = false;
  let dropped: { readonly tile: MapTile; readonly target: number; readonly drop: Drop } | null = null;

  const clear = () => {
    dropped?.tile.root.classList.remove(...Object.values(DROP_CLASSES));
    dropped = null;
  };

  const find = ({ clientX, clientY }: PointerEvent) => {
    clear();
    const { labels, numbers } = stage.frame?.header ?? NOTHING;
    stage.maps.components.forEach((tile, i) => {
      const box = tile.root.getBoundingClientRect();
      const [fx, fy] = [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
      if (!(fx >= 0 && fx <= 1 && fy >= 0 && fy <= 1) || numbers[i] === number) return;
      dropped = { tile, target: numbers[i], drop: dropAt(fx, stage.values("merge") !== null) };
      tile.root.dataset.drop = `merge into ${labels[i]}`;
      tile.root.classList.add(DROP_CLASSES[dropped.drop]);
    });
  };

  const end = (accepted: boolean) => {
    from = null;
    document.removeEventListener("pointermove", follow);
    document.removeEventListener("pointerup", release);
    document.removeEventListener("pointercancel", cancel);
    root.classList.remove("mffnb-dragged");
    const [found, numbers] = [dropped, stage.frame?.header.numbers ?? []];
    clear();
    if (!accepted || !dragging || !found) return;
    if (found.drop === "onto") stage.call("merge", { component: found.target, other: number });
    else stage.call("reorder", { components: moved(numbers, number, found.target, found.drop) });
  };

  const follow = (event: PointerEvent) => {
    if (!from) return;
    if (!dragging && Math.hypot(event.clientX - from[0], event.clientY - from[1]) < SMALLEST_DRAG) return;
    dragging = true;
    root.classList.add("mffnb-dragged");
    find(event);
  };
  const release = () => end(true);
  const cancel = () => end(false);

  caption.addEventListener("pointerdown", (event) => {
    const onControl = event.target instanceof Element && event.target.closest(".mffnb-more, input");
    dragging = false;
    if (event.button !== 0 || onControl) return;
    from = [event.clientX, event.clientY];
    // A captured pointer would take the click from the name: the document follows the pointer instead.
    document.addEventListener("pointermove", follow);
    document.addEventListener("pointerup", release);
    document.addEventListener("pointercancel", cancel);
  });
  // The end of a drag is no click on the name.
  caption.addEventListener("click", (event) => dragging && event.stopPropagation(), true);
}
