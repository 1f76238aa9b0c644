// Tool: a tile that mixes all components by colour, with a weight for each, over an optional image.
// Its function in Python is mffnb/widgets/tools/composite.py.

import { parseColour } from "../colour";
import { Mixer, strengths } from "../composite";
import { action, button } from "../controls";
import { element } from "../dom";
import type { EncodedMap, MapImage } from "../images";
import type { Frame } from "../protocol";
import type { Tool } from "../tool";

/** What the function in Python shows. */
interface Shown {
  readonly shown: boolean;
  readonly opacity: number;
  /** The image below the components, and the grid of the picture that it was aligned with. */
  readonly over?: EncodedMap & { readonly name: string; readonly grid: readonly [number, number] };
}

const COLOUR = "#9a9a9a";
/** Largest weight of the sliders. */
const MOST = 2;

export const tool: Tool = {
  name: "composite",
  place: 2,
  start(stage) {
    const values = () => stage.values<Shown>("composite");
    const mixer = new Mixer();
    const show = button("Composite", "Mix the components by colour: explorer.composite()", (shown) =>
      stage.call("composite", { shown }),
    );
    const bar = element("span", "mffnb-mix", { hidden: "" });
    let built = "";
    /** Weights and opacity that are being dragged, until Python has them. */
    let dragged: ReadonlyMap<number, number> = new Map();
    let opacity: number | null = null;

    const weightOf = (number: number, weight: number) => dragged.get(number) ?? weight;

    const weightSlider = ({ header }: Frame, i: number) => {
      const [number, label] = [header.numbers[i], header.labels[i]];
      const title = `Weight of ${label} in the composite (double click: 1)`;
      const made = mixSlider(label, title, MOST, header.weights[i], (weight, final) => {
        dragged = new Map(dragged).set(number, weight);
        stage.repaintAdded();
        if (final) stage.call("composite", { weights: [[number, weight]] });
      });
      made.style.setProperty("--mffnb-color", header.colors[i]);
      made.classList.add("mffnb-mix-component");
      return made;
    };

    /** Make the sliders, unless they are those of the frame already. */
    const build = (frame: Frame) => {
      const now = values();
      bar.hidden = now?.shown !== true;
      const { labels, colors, numbers, hidden, weights, shape } = frame.header;
      const over = now?.over?.grid?.join() === shape.join() ? now?.over : undefined;
      const key = JSON.stringify([labels, colors, numbers, hidden, weights, over?.name, now?.opacity]);
      if (bar.hidden || key === built) return;
      built = key;
      dragged = new Map();
      opacity = null;
      const sliders = numbers.flatMap((_, i) => (hidden.includes(i) ? [] : [weightSlider(frame, i)]));
      if (over) {
        const title = `Opacity of the components over ${over.name}`;
        sliders.push(
          mixSlider(`over ${over.name}`, title, 1, now?.opacity ?? 1, (value, final) => {
            opacity = value;
            stage.repaintAdded();
            if (final) stage.call("composite", { opacity: value });
          }),
          action("Remove image", "Show the components on dark: explorer.composite(over=False)", () =>
            stage.call("composite", { over: false }),
          ),
        );
      }
      bar.replaceChildren(...sliders);
    };

    return {
      mapControls: [show.root, bar],
      traitsChanged() {
        const now = values();
        show.root.hidden = now === null;
        show.press(now?.shown === true);
        if (now?.shown !== true) bar.hidden = true;
      },
      images(frame) {
        build(frame);
        const now = values();
        if (!now?.shown) return [];
        const { header, maps } = frame;
        const [clip, gamma] = [stage.model.get("clip"), stage.model.get("gamma")];
        const layers = header.numbers.flatMap((number, i) => {
          if (header.hidden.includes(i)) return [];
          const weight = weightOf(number, header.weights[i]);
          const strength = strengths(maps[i], header.ranges[i], weight, clip, gamma);
          return [{ codes: maps[i], colour: parseColour(header.colors[i]), strength }];
        });
        const under = now.over?.grid?.join() === header.shape.join() ? now.over : undefined;
        const image: MapImage = {
          label: "composite",
          colour: COLOUR,
          codes: NO_CODES,
          range: [0, 1],
          shape: header.map_shape,
          pixels: mixer.mix(layers, under !== undefined),
          ...(under && { under, opacity: opacity ?? now.opacity ?? 1 }),
        };
        return [image];
      },
    };
  },
};

/** A composite has colours and no values that could be read. */
const NO_CODES = new Uint8Array(0);

/** A slider with its name: `moved` has its value while it is dragged, and again as the final one. */
function mixSlider(
  label: string,
  title: string,
  max: number,
  value: number,
  moved: (value: number, final: boolean) => void,
): HTMLElement {
  const attributes = { type: "range", min: 0, max, step: 0.02, value, title, "aria-label": title };
  const input = element("input", "mffnb-range", attributes);
  input.addEventListener("input", () => moved(Number(input.value), false));
  input.addEventListener("change", () => moved(Number(input.value), true));
  input.addEventListener("dblclick", () => {
    input.value = "1";
    moved(1, true);
  });
  return element("label", "mffnb-field", {}, [element("span", "", {}, [label]), input]);
}
