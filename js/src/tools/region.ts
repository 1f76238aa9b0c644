// Tool: a region drawn around pixels of a map, with its mean spectrum as measured and as modelled.
// Its functions in Python are in mffnb/widgets/tools/region.py.

import { amountsAt } from "../amounts";
import { type Chip, ChipRow, callable, heldAs } from "../chips";
import { action, button } from "../controls";
import { element } from "../dom";
import { knownActions } from "../known";
import { Menu } from "../menu";
import { mixture } from "../mixture";
import { type Corner, edgesOfMask, indicesOfMask, pathOf, topOf, topOfMask } from "../polygon";
import { type Binary, bytes, type Frame, floats, MISSING, projected } from "../protocol";
import { Drawing, SHAPES, type Shape } from "../shapes";
import type { Lane } from "../spectra";
import type { Stage, Tool } from "../tool";

interface Region {
  readonly name: string;
  readonly pixels: number;
  /** Section of a stack whose pixels are measured; empty for an image. */
  readonly section?: string;
  readonly outline: readonly Corner[] | null;
  readonly mask: Binary;
  readonly channel: Binary;
  readonly measured: Binary;
}

/** Which regions the fit leaves out, and to which it is restricted: part of the parameters of a run. */
interface Area {
  readonly left_out: readonly string[];
  readonly only: readonly string[];
}

/** What the functions in Python show. */
interface Shown {
  readonly regions: readonly Region[];
}

const COLOUR = "#8a6d3b";

/** Diameter of the brush at first, and its largest one, in pixels. */
const [FIRST_WIDTH, LARGEST_WIDTH] = [5, 999];

export const tool: Tool = {
  name: "region",
  place: 1,
  start(stage) {
    const values = () => stage.values<Shown>("region");
    const regions = () => values()?.regions ?? [];
    const edges = new WeakMap<Binary, string>();
    let drawing = false;
    let made: { frame?: Frame; source?: readonly Region[]; lanes: readonly Lane[] } = { lanes: [] };
    const drawn = new Drawing();
    const { shape, width, root: choices } = shapeChoice();
    const chips = new ChipRow();
    const menu = new Menu();
    const showChips = () => {
      const parameters = stage.frame?.header.parameters as { readonly area?: Area } | undefined;
      chips.show(regions().map((one) => chipOf(one, parameters?.area, stage, menu)));
    };
    const draw = button("Region", "Draw around pixels of a map: explorer.region(vertices)", (on) => {
      drawing = on;
      draw.press(on);
      choices.hidden = !on;
      stage.root.classList.toggle("mffnb-drawing", on);
    });
    const clear = action("Clear regions", "Remove all regions: explorer.drop_region()", () =>
      stage.call("drop_region", {}),
    );
    const show = () => {
      const grid = stage.frame?.header.shape;
      const paths = [...regions().map(edgeOf), grid ? drawn.path(shape(), grid) : ""];
      const names = regions().flatMap(nameOf);
      for (const tile of stage.maps.tiles) {
        tile.showOutlines(paths);
        tile.showNames(names);
      }
    };
    /** Name of a region at its upper edge. */
    const nameOf = ({ name, outline, mask }: Region) => {
      const shape = stage.frame?.header.shape;
      const codes = bytes(mask);
      const fits = shape && codes.length === shape[0] * shape[1];
      const at = outline ? topOf(outline) : fits ? topOfMask(codes, shape) : null;
      return at ? [{ text: name, fy: at[0], fx: at[1] }] : [];
    };
    /** Path of a region: as drawn, or around the pixels of its mask. */
    const edgeOf = (one: Region) => {
      if (one.outline) return pathOf(one.outline);
      const shape = stage.frame?.header.shape;
      const codes = bytes(one.mask);
      if (!shape || codes.length !== shape[0] * shape[1]) return "";
      const known = edges.get(one.mask) ?? edgesOfMask(codes, shape);
      edges.set(one.mask, known);
      return known;
    };
    const finish = () => {
      const outline = drawing ? drawn.finished(shape()) : null;
      const settings = shape() === "brush" ? { shape: "brush", width: width() } : { shape: shape() };
      if (outline) stage.call("region", { outline, ...(shape() === "polygon" ? {} : settings) });
      drawn.clear();
      show();
    };
    return {
      mapControls: [draw.root, choices, clear],
      bar: chips.root,
      traitsChanged() {
        const now = values();
        draw.root.hidden = now === null;
        clear.hidden = regions().length === 0;
        show();
        showChips();
      },
      tileMade: show, // of another tool, while the spectra are not painted
      mapMove(point, event) {
        if (!drawing || !stage.frame) return;
        if ((event.buttons & 1) === 0) return drawn.empty ? undefined : finish();
        drawn.add(shape(), [point.fy, point.fx], { shape: stage.frame.header.shape, width: width() });
        show();
      },
      mapUp: finish,
      lanes(frame) {
        show();
        showChips();
        if (made.frame === frame && made.source === values()?.regions) return made.lanes;
        // A preprocessing step may have changed the grid: the mask then belongs to other pixels.
        const [height, width] = frame.header.shape;
        const fitting = regions().filter((one) => bytes(one.mask).length === height * width);
        made = { frame, source: values()?.regions, lanes: fitting.map((one) => regionLane(one, frame)) };
        return made.lanes;
      },
    };
  },
};

/** List of shapes, and the diameter of the brush, which are shown while regions are drawn. */
function shapeChoice() {
  const list = element("select", "mffnb-select", {
    "aria-label": "Shape of the region",
    title: "Shape of the region: explorer.region(vertices, shape=...)",
  });
  for (const [value, text] of SHAPES) list.append(new Option(text, value));
  list.value = "polygon";
  const diameter = element("input", "mffnb-fraction", {
    type: "number",
    min: 1,
    max: LARGEST_WIDTH,
    step: 1,
    "aria-label": "Diameter of the brush in pixels",
    title: 'Diameter of the brush in pixels: explorer.region(vertices, shape="brush", width=...)',
  });
  diameter.value = String(FIRST_WIDTH);
  const brush = element("label", "mffnb-field", { hidden: "" }, [diameter, element("span", "", {}, ["px"])]);
  list.addEventListener("change", () => {
    brush.hidden = list.value !== "brush";
  });
  return {
    root: element("span", "mffnb-shapes", { hidden: "" }, [list, brush]),
    shape: () => list.value as Shape,
    width: () => Math.min(Math.max(Number(diameter.value) || FIRST_WIDTH, 1), LARGEST_WIDTH),
  };
}

/** Name and size of a region, and what can be done with it. */
function chipOf({ name, pixels }: Region, area: Area | undefined, stage: Stage, menu: Menu): Chip {
  const python = JSON.stringify(name);
  const [out, only] = [area?.left_out.includes(name) === true, area?.only.includes(name) === true];
  const component = heldAs(name, stage.frame?.header);
  const note = out ? "left out" : only ? "fitted only here" : "";
  return {
    name,
    note: [`${pixels} px`, ...(note ? [note] : [])].join(", "),
    colour: COLOUR,
    renamed: (wanted) => stage.call("rename_region", { name, new: wanted }),
    actions: callable(
      [
        {
          tool: "hold",
          text: "Hold",
          title: `Hold its mean spectrum as a component: explorer.hold(${python})`,
          on: component !== undefined,
          clicked: () =>
            component === undefined ? stage.call("hold", { what: name }) : stage.call("release", { component }),
        },
        {
          tool: "leave_out",
          text: "Leave out",
          title: `Leave its pixels out of the fit: explorer.leave_out(${python})`,
          on: out,
          clicked: () => stage.call("leave_out", { name, on: !out }),
        },
        {
          tool: "fit_only",
          text: "Fit only here",
          title: `Fit only the pixels of this region: explorer.fit_only(${python})`,
          on: only,
          clicked: () => stage.call("fit_only", { name, on: !only }),
        },
        ...knownActions(stage, menu, name),
        {
          text: "×",
          title: `Remove the region: explorer.drop_region(name=${python})`,
          clicked: () => stage.call("drop_region", { name }),
        },
      ],
      stage,
    ),
  };
}

/** The measured mean spectrum of a region over the contributions of the components. */
function regionLane({ name, section, mask, channel, measured }: Region, frame: Frame): Lane {
  const { header, maps, spectra } = frame;
  const inside = indicesOfMask(bytes(mask), header.shape, header.map_shape);
  const curve = {
    label: section ? `${name}, ${section}` : name,
    colour: COLOUR,
    channel: floats(channel),
    values: floats(measured),
  };
  if (projected(header) || inside.every((at) => maps[0][at] === MISSING)) return { ...curve, band: null, bright: true }; // no model
  const { model, stack } = mixture(amountsAt(frame, inside), spectra);
  return {
    ...curve,
    model,
    stack: stack.map((values, i) => ({ values, colour: header.colors[i] })),
    band: null,
    bright: true,
  };
}
