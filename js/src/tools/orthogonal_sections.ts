// Tool: three orthogonal sections of one component of a stack, with a common crosshair: a click, a drag or the arrow keys
// on one of them move the cut of the other two. The sections come from mffnb/widgets/tools/orthogonal_sections.py.

import { button } from "../controls";
import { type CutAxis, cutLayout } from "../cut_layout";
import { element } from "../dom";
import { number } from "../format";
import { type MapImage, valueAt } from "../images";
import { MapTile } from "../maps";
import { type Binary, bytes, type Frame, type Range } from "../protocol";
import type { Tool } from "../tool";

interface Section {
  readonly codes: Binary;
  readonly shape: readonly [number, number];
}

/** What the function in Python shows. */
interface Shown {
  readonly shown: boolean;
  /** Number of the component. */
  readonly number: number;
  readonly range: Range;
  /** Rows and columns, depth and columns, depth and rows. */
  readonly sections: readonly [Section, Section, Section];
  /** Depth, rows, columns. */
  readonly axes: readonly [CutAxis, CutAxis, CutAxis];
}

/** Vertical and horizontal axis of each view, as numbers of axes; the last one is turned, so that rows stay in line. */
const VIEWS = [
  [1, 2],
  [0, 2],
  [1, 0],
] as const;
const ARROWS: Readonly<Record<string, readonly [right: number, down: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
/** Frames of the sections, in CSS pixels. */
const MARGIN = 8;
/** Below this width a section has a short caption. */
const THIN = 130;
/** Milliseconds after which a request without an answer no longer holds up the next one. */
const PATIENCE = 1000;

export const tool: Tool = {
  name: "orthogonal_sections",
  place: -8.5,
  start(stage) {
    const values = () => stage.values<Shown>("orthogonal_sections");
    const toggle = button("Orthogonal", "Three sections of a map: explorer.orthogonal_sections(component)", (on) =>
      stage.call("orthogonal_sections", { shown: on }),
    );
    const title = "Component of the orthogonal sections";
    const list = element("select", "mffnb-select", { title, "aria-label": title });
    list.addEventListener("change", () => stage.call("orthogonal_sections", { component: Number(list.value) }));
    const note = element("span", "mffnb-cut-note");
    const grid = element("div", "mffnb-cuts");
    const bar = element("div", "mffnb-cut-panel", { hidden: "" }, [
      element("div", "mffnb-profile-head", {}, [element("b", "", {}, ["Orthogonal sections"]), list, note]),
      grid,
    ]);
    let views: CutView[] = [];
    let built = "";
    let asked = 0;
    let wanted: readonly number[] | null = null;
    let source: unknown = null;

    /** Move the cut to an index along each axis; one request at a time, the newest one last. */
    const cut = (index: readonly number[]) => {
      wanted = index;
      if (asked && performance.now() - asked < PATIENCE) return;
      asked = performance.now();
      const sections = stage.frame?.header.sections ?? [];
      const others = sections.slice(0, -1).map(({ index }) => index);
      stage.call("show_section", { index: [...others, index[0]], plane: index.slice(1) });
      wanted = null;
    };
    const moved = (view: number, vertical: number, horizontal: number) => {
      const axes = values()?.axes;
      if (!axes) return;
      const index = axes.map((axis) => axis.index);
      const within = (axis: number, value: number) => Math.min(Math.max(Math.round(value), 0), axes[axis].count - 1);
      index[VIEWS[view][0]] = within(VIEWS[view][0], vertical);
      index[VIEWS[view][1]] = within(VIEWS[view][1], horizontal);
      if (index.some((one, i) => one !== axes[i].index)) cut(index);
    };

    const fill = ({ header }: Frame, now: Partial<Shown>) => {
      const options = header.numbers.flatMap((number, i) =>
        header.hidden.includes(i) && number !== now.number ? [] : [[String(number), header.labels[i]] as const],
      );
      const key = JSON.stringify(options);
      if (list.dataset.key !== key) {
        list.dataset.key = key;
        list.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
      }
      list.value = String(now.number);
    };
    const paint = (frame: Frame) => {
      const now = values();
      const place = frame.header.numbers.indexOf(now?.number ?? -1);
      bar.hidden = !now?.shown || !now.sections || !now.axes || !now.range || place < 0;
      bar.classList.toggle("mffnb-stale", !frame.header.final);
      if (bar.hidden || !now?.sections || !now.axes || !now.range) return;
      fill(frame, now);
      const [label, colour] = [frame.header.labels[place], frame.header.colors[place]];
      if (built !== label + colour) {
        built = label + colour;
        views = VIEWS.map(
          (_, i) =>
            new CutView(
              label,
              colour,
              (down, right) => moved(i, down, right),
              (fx, fy, event) => read(i, fx, fy, event),
            ),
        );
        grid.replaceChildren(...views.map(({ root }) => root));
        for (const { tile } of views) tile.picture.addEventListener("pointerleave", () => stage.tip.hide(stage.root));
      }
      const { width, height, depth, stretch } = cutLayout(now.axes, (bar.clientWidth || 600) - MARGIN);
      grid.style.gridTemplateColumns = `${width}px ${depth}px`;
      const sizes = [
        [width, height],
        [width, depth],
        [depth, height],
      ];
      const style = { table: null, clip: stage.model.get("clip"), gamma: stage.model.get("gamma") };
      for (const [i, view] of views.entries()) {
        const image = imageOf(now as Shown, i, label, colour);
        const [vertical, horizontal] = VIEWS[i].map((axis) => now.axes?.[axis] as CutAxis);
        view.show(image, style, sizes[i], vertical, horizontal, now.axes[i]); // view i is cut along axis i
      }
      const odd = stretch !== null && Math.abs(stretch - 1) > 0.05;
      const [name] = now.axes.map((axis) => axis.name);
      const exaggerated = odd ? `${name} is drawn ${number(stretch, 2)} times as large` : "";
      note.textContent = [now.axes.map(({ text }) => text).join(", "), exaggerated].filter(Boolean).join("; ");
    };
    function read(view: number, fx: number, fy: number, event: MouseEvent): void {
      const [now, image] = [values(), views[view]?.image];
      if (!now?.axes || !image) return;
      const value = valueAt(image, { fx, fy });
      const positions = VIEWS[view].map((axis, i) => {
        const { name, count } = (now as Shown).axes[axis];
        return `${name} ${Math.floor((i === 0 ? fy : fx) * count)}`;
      });
      const rows = [{ label: image.label, colour: image.colour, value, bright: true }];
      stage.tip.show(stage.root, event, positions.join(", "), "pixel", rows);
    }

    return {
      mapControls: [toggle.root],
      bar,
      framed({ header }) {
        toggle.root.hidden = values() === null || header.sections.length === 0;
      },
      traitsChanged() {
        const now = values();
        toggle.press(now?.shown === true);
        if (now?.sections !== source) {
          [source, asked] = [now?.sections, 0];
          if (wanted) cut(wanted);
        }
        if (stage.frame) paint(stage.frame);
      },
      lanes(frame) {
        paint(frame);
        return [];
      },
    };
  },
};

/** The image of a view; that of depth and rows is turned, so that its rows are in line with those of the first view. */
export function imageOf({ sections, range }: Shown, view: number, label: string, colour: string): MapImage {
  const { codes, shape } = sections[view];
  const given = bytes(codes);
  if (view < 2) return { label, colour, codes: given, range, shape };
  const [depth, rows] = shape;
  const turned = new Uint8Array(given.length);
  for (let z = 0; z < depth; z++) for (let y = 0; y < rows; y++) turned[y * depth + z] = given[z * rows + y];
  return { label, colour, codes: turned, range, shape: [rows, depth] };
}

type Style = Parameters<MapTile["paint"]>[1];

/** One of the three sections: its picture, the lines of the other two cuts, and what moves them. */
class CutView {
  readonly root: HTMLElement;
  readonly tile: MapTile;
  image: MapImage | null = null;
  private readonly across = element("div", "mffnb-cut mffnb-cut-across");
  private readonly down = element("div", "mffnb-cut mffnb-cut-down");
  private axes: readonly CutAxis[] = [];

  constructor(
    label: string,
    colour: string,
    move: (vertical: number, horizontal: number) => void,
    read: (fx: number, fy: number, event: MouseEvent) => void,
  ) {
    this.tile = new MapTile(label, colour);
    this.root = this.tile.root;
    const { picture, caption } = this.tile;
    picture.append(this.across, this.down);
    picture.setAttribute("tabindex", "0");
    picture.setAttribute("role", "group");
    caption.replaceChildren();
    const shares = ({ clientX, clientY }: PointerEvent) => {
      const box = picture.getBoundingClientRect();
      const share = (value: number) => Math.min(Math.max(value, 0), 1 - 1e-9);
      return [share((clientX - box.left) / box.width), share((clientY - box.top) / box.height)] as const;
    };
    const to = (event: PointerEvent) => {
      const [[fx, fy], [vertical, horizontal]] = [shares(event), this.axes];
      move(Math.floor(fy * vertical.count), Math.floor(fx * horizontal.count));
    };
    picture.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || this.axes.length === 0) return;
      picture.setPointerCapture(event.pointerId);
      to(event);
    });
    picture.addEventListener("pointermove", (event) => {
      if (this.axes.length === 0) return;
      if ((event.buttons & 1) === 1) to(event);
      read(...shares(event), event);
    });
    picture.addEventListener("keydown", (event) => {
      const arrow = ARROWS[event.key];
      if (!arrow || this.axes.length === 0) return;
      event.preventDefault();
      const steps = event.shiftKey ? 10 : 1;
      move(this.axes[0].index + steps * arrow[1], this.axes[1].index + steps * arrow[0]);
    });
  }

  show(
    image: MapImage,
    style: Style,
    [width, height]: readonly number[],
    vertical: CutAxis,
    horizontal: CutAxis,
    of: CutAxis,
  ): void {
    const { picture, caption } = this.tile;
    [this.image, this.axes] = [image, [vertical, horizontal]];
    picture.style.height = `${height}px`;
    this.tile.paint(image, style, width);
    this.down.style.left = `${(100 * (horizontal.index + 0.5)) / horizontal.count}%`;
    this.across.style.top = `${(100 * (vertical.index + 0.5)) / vertical.count}%`;
    const words = `${vertical.name} down, ${horizontal.name} across, at ${of.text}`;
    picture.setAttribute("aria-label", `Section of ${image.label}: ${words}. Arrow keys move the cuts.`);
    caption.textContent = width < THIN ? of.text : `${vertical.name}–${horizontal.name} at ${of.text}`;
    caption.title = words;
  }
}
