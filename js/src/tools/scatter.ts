// Tool: a scatter plot of two maps among their tiles. Drawing around points selects pixels, which become a region.
// Its function in Python is mffnb/widgets/tools/scatter.py.

import { parseColour } from "../colour";
import { button } from "../controls";
import { element, svg } from "../dom";
import { fixed, number } from "../format";
import { binsFor, countPairs, densityPixels, selectPixels } from "../histogram";
import type { EncodedMap, MapImage } from "../images";
import type { MapTile } from "../maps";
import { type Corner, extended, pathOf } from "../polygon";
import { bytes, type Range } from "../protocol";
import type { Stage, Tool } from "../tool";

interface Axis extends EncodedMap {
  /** Number of a component, or ends of a band. */
  readonly axis: number | readonly [number, number];
  readonly label: string;
}

/** What the function in Python shows. */
interface Shown {
  readonly shown: boolean;
  readonly x: Axis;
  readonly y: Axis;
  readonly correlation: number;
}

const LABEL = "scatter";
const COLOUR = "#5b7fb5";

export const tool: Tool = {
  name: "scatter",
  place: 2,
  start(stage) {
    const values = () => stage.values<Shown>("scatter");
    const show = button("Scatter", "Compare two maps pixel by pixel: explorer.scatter(0, 1)", (shown) =>
      stage.call("scatter", { shown }),
    );
    const lists = { x: axisList(stage, "x"), y: axisList(stage, "y") };
    const choices = element("span", "mffnb-field", { hidden: "" }, [
      ...(
        [
          ["x", lists.x],
          ["y", lists.y],
        ] as const
      ).flatMap(([name, list]) => [element("span", "", {}, [name]), list]),
    ]);
    let decoded: { source?: unknown; x: Uint8Array; y: Uint8Array; pixels: Uint32Array; bins: number } | null = null;

    /** Fill the lists with the components, and with the band that is shown. */
    const fill = (now: Partial<Shown>) => {
      const { labels, numbers } = stage.frame?.header ?? { labels: [], numbers: [] };
      const band = stage.values<{ shown: boolean; ends: readonly [number, number] }>("band");
      for (const [name, list] of Object.entries(lists)) {
        const axis = now[name as "x" | "y"];
        const options = numbers.map((one, i) => [JSON.stringify(one), labels[i]] as const);
        if (band?.shown && band.ends)
          options.push([JSON.stringify(band.ends), `band ${band.ends.map(String).join(" to ")}`]);
        const present = JSON.stringify(axis?.axis);
        if (axis && !options.some(([value]) => value === present)) options.push([present, axis.label]);
        const key = JSON.stringify([options, present]);
        if (list.dataset.key === key) continue;
        list.dataset.key = key;
        list.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
        list.value = present;
      }
    };

    return {
      mapControls: [show.root, choices],
      traitsChanged() {
        const now = values();
        show.root.hidden = now === null;
        show.press(now?.shown === true);
        choices.hidden = now?.shown !== true;
      },
      images() {
        const now = values();
        if (!now?.shown || !now.x || !now.y) return [];
        fill(now);
        if (decoded?.source !== now.x.codes) {
          const [x, y] = [bytes(now.x.codes), bytes(now.y.codes)];
          const bins = binsFor(x.length);
          const pixels = densityPixels(countPairs(x, y, bins), parseColour(COLOUR));
          decoded = { source: now.x.codes, x, y, pixels, bins };
        }
        const { pixels, bins } = decoded;
        const stale = stage.frame?.header.final === false;
        const image: MapImage = {
          label: LABEL,
          colour: COLOUR,
          codes: NO_CODES,
          range: [0, 1],
          shape: [bins, bins],
          pixels,
          plot: JSON.stringify([now.x.label, now.x.range, now.y.label, now.y.range, now.correlation]),
          stale,
        };
        return [image];
      },
      tileMade(tile, place) {
        const image = stage.images[place];
        if (!image?.plot || image.label !== LABEL) return;
        const select = (outline: readonly Corner[]) => {
          const now = values();
          if (!decoded || !now?.x) return;
          const selected = outline.length > 2 ? selectPixels(decoded.x, decoded.y, outline) : null;
          for (const one of stage.maps.tiles) if (one !== tile) one.shade(selected, now.x.shape);
        };
        const finish = (outline: readonly Corner[]) => {
          const now = values();
          if (!now?.x || !now.y) return;
          const inside = outline.map(([y, x]) => [valueAtShare(x, now.x?.range), valueAtShare(1 - y, now.y?.range)]);
          stage.call("scatter", { inside });
        };
        decorate(tile, values() ?? {});
        listenToBrush(tile, select, finish);
      },
    };
  },
};

const NO_CODES = new Uint8Array(0);

/** Value at a share of the axis: a code stands for the values around it, half a code at either end. */
export function valueAtShare(share: number, range: Range | undefined): number {
  const [low, high] = range ?? [0, 1];
  return low + ((share * 255 - 0.5) / 254) * (high - low);
}

/** A list that chooses the map of an axis. */
function axisList(stage: Stage, name: "x" | "y"): HTMLSelectElement {
  const title = `Map on the ${name} axis of the scatter plot`;
  const list = element("select", "mffnb-select", { title, "aria-label": title });
  list.addEventListener("change", () => stage.call("scatter", { [name]: JSON.parse(list.value) }));
  return list;
}

/** Write the axes and the correlation on the tile. */
function decorate(tile: MapTile, { x, y, correlation }: Partial<Shown>): void {
  if (!x || !y) return;
  const axis = (name: string, { label, range }: Axis) => {
    const ends = range.map((end) => element("span", "", {}, [number(end, 2)]));
    return element("div", `mffnb-axis mffnb-axis-${name}`, {}, [ends[0], element("b", "", {}, [label]), ends[1]]);
  };
  const text = correlation === undefined || correlation === null ? "" : `r = ${fixed(correlation, 2)}`;
  tile.picture.append(axis("x", x), axis("y", y));
  tile.caption.append(element("span", "mffnb-legend", { title: "Pearson's correlation coefficient" }, [text]));
}

/** Let the pointer draw an outline on the plot. */
function listenToBrush(
  { picture, canvas }: MapTile,
  select: (outline: readonly Corner[]) => void,
  finish: (outline: readonly Corner[]) => void,
): void {
  const line = svg("path", { class: "mffnb-brush" });
  picture.append(svg("svg", { class: "mffnb-brushes", viewBox: "0 0 100 100", preserveAspectRatio: "none" }, [line]));
  let outline: readonly Corner[] = [];
  let waiting = false;
  const show = () => {
    waiting = false;
    line.setAttribute("d", pathOf(outline));
    select(outline);
  };
  const corner = ({ clientX, clientY }: PointerEvent): Corner => {
    const box = canvas.getBoundingClientRect();
    const share = (value: number) => Math.min(Math.max(value, 0), 1);
    return [share((clientY - box.top) / box.height), share((clientX - box.left) / box.width)];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    outline = [corner(event)];
  });
  canvas.addEventListener("pointermove", (event) => {
    if (outline.length === 0) return;
    outline = extended(outline, corner(event));
    if (!waiting) requestAnimationFrame(show);
    waiting = true;
  });
  const end = (accepted: boolean) => {
    const drawn = outline;
    outline = [];
    show();
    if (accepted && drawn.length > 2) finish(drawn);
  };
  canvas.addEventListener("pointerup", () => end(true));
  canvas.addEventListener("pointercancel", () => end(false));
}
