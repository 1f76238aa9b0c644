// Tool: a tile that mixes all components by colour, with a weight for each, over an optional image.
// Its function in Python is mffnb/widgets/tools/composite.py.

import { parseColour } from "../colour";
import { everyNth, Mixer, previewStep, strengths } from "../composite";
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
    const [mixer, previews] = [new Mixer(), new Mixer()];
    let resting: ReturnType<typeof setTimeout> | undefined;
    /** Paint at once, from fewer pixels of large maps until the slider rests. */
    const moved = () => {
      clearTimeout(resting);
      resting = setTimeout(() => {
        resting = undefined;
        stage.repaintAdded();
      }, REST);
      stage.repaintAdded();
    };
    const show = button("Composite", "Mix the components by colour: explorer.composite()", (shown) =>
      stage.call("composite", { shown }),
    );
    const bar = element("span", "mffnb-mix", { hidden: "" });
    let built = "";
    let sliders: readonly MixSlider[] = [];

    /** The image below the components, if it belongs to the grid of the frame. */
    const imageFor = ({ header }: Frame) => {
      const over = values()?.over;
      return over?.grid?.join() === header.shape.join() ? over : undefined;
    };

    const weightSlider = ({ header }: Frame, i: number): MixSlider => {
      const [number, label] = [header.numbers[i], header.labels[i]];
      const title = `Weight of ${label} in the composite (double click: 1)`;
      const made = mixSlider(label, title, MOST, moved, (weight) =>
        stage.call("composite", { weights: [[number, weight]] }),
      );
      made.root.style.setProperty("--mffnb-color", header.colors[i]);
      made.root.classList.add("mffnb-mix-component");
      return made;
    };

    /** Make the sliders where components or the image have changed, and move them to the present values. */
    const update = (frame: Frame) => {
      const { labels, colors, numbers, hidden, weights } = frame.header;
      const over = imageFor(frame);
      const key = JSON.stringify([labels, colors, numbers, hidden, over?.name]);
      if (key !== built) {
        built = key;
        sliders = numbers.map((_, i) => weightSlider(frame, i));
        const parts = sliders.filter((_, i) => !hidden.includes(i)).map(({ root }) => root);
        if (over) {
          const title = `Opacity of the components over ${over.name}`;
          const opacity = mixSlider(`over ${over.name}`, title, 1, moved, (value) =>
            stage.call("composite", { opacity: value }),
          );
          const remove = action("Remove image", "Show the components on dark: explorer.composite(over=False)", () =>
            stage.call("composite", { over: false }),
          );
          sliders = [...sliders, opacity];
          parts.push(opacity.root, remove);
        }
        bar.replaceChildren(element("span", "", {}, ["Weights:"]), ...parts);
      }
      sliders.forEach((slider, i) => {
        slider.follow(weights[i] ?? values()?.opacity ?? 1);
      });
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
        const now = values();
        bar.hidden = now?.shown !== true;
        if (!now?.shown) return [];
        update(frame);
        const { header, maps } = frame;
        const [clip, gamma] = [stage.model.get("clip"), stage.model.get("gamma")];
        const step = resting === undefined ? 1 : previewStep(header.map_shape);
        const shape = header.map_shape.map((size) => Math.ceil(size / step)) as unknown as MapImage["shape"];
        const layers = maps.flatMap((codes, i) => {
          if (header.hidden.includes(i)) return [];
          const strength = strengths(codes, header.ranges[i], sliders[i].value(), clip, gamma);
          const shown = step > 1 ? everyNth(codes, header.map_shape, step) : codes;
          return [{ codes: shown, colour: parseColour(header.colors[i]), strength }];
        });
        const under = imageFor(frame);
        const image: MapImage = {
          label: "composite",
          colour: COLOUR,
          codes: NO_CODES,
          range: [0, 1],
          shape,
          pixels: (step > 1 ? previews : mixer).mix(layers, under !== undefined),
          ...(under && { under, opacity: sliders[maps.length].value() }),
        };
        return [image];
      },
    };
  },
};

/** A composite has colours and no values that could be read. */
const NO_CODES = new Uint8Array(0);

/** Milliseconds after the last change of a slider until Python has it: keys change it in many steps. */
const REST = 250;

interface MixSlider {
  readonly root: HTMLElement;
  value(): number;
  /** Move to the value that Python has, unless the user has just moved the slider elsewhere. */
  follow(value: number): void;
}

/** A slider with its name: `moved` is called while it is dragged, `settled` with its value when it rests. */
function mixSlider(
  label: string,
  title: string,
  max: number,
  moved: () => void,
  settled: (value: number) => void,
): MixSlider {
  const input = element("input", "mffnb-range", { type: "range", min: 0, max, step: 0.02, title, "aria-label": title });
  let dragged: number | null = null;
  let waiting: ReturnType<typeof setTimeout> | undefined;
  const rest = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => dragged !== null && settled(dragged), REST);
  };
  const move = () => {
    dragged = Number(input.value);
    moved();
  };
  input.addEventListener("input", move);
  input.addEventListener("change", rest);
  input.addEventListener("dblclick", () => {
    input.value = "1";
    move();
    rest();
  });
  return {
    root: element("label", "mffnb-field", {}, [element("span", "", {}, [label]), input]),
    value: () => Number(input.value),
    follow(value) {
      if (dragged !== null && Math.abs(dragged - value) > 1e-9) return;
      dragged = null;
      input.value = String(value);
    },
  };
}
