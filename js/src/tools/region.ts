// Tool: a region drawn around pixels of a map, with its mean spectrum as measured and as modelled.
// Its functions in Python are in mffnb/widgets/tools/region.py.

import { action, button } from "../controls";
import { meanOf } from "../images";
import { mixture } from "../mixture";
import { type Corner, edgesOfMask, extended, indicesOfMask, pathOf } from "../polygon";
import { type Binary, bytes, type Frame, floats } from "../protocol";
import type { Lane } from "../spectra";
import type { Tool } from "../tool";

interface Region {
  readonly name: string;
  readonly pixels: number;
  readonly outline: readonly Corner[] | null;
  readonly mask: Binary;
  readonly channel: Binary;
  readonly measured: Binary;
}

/** What the functions in Python show. */
interface Shown {
  readonly regions: readonly Region[];
}

const COLOUR = "#8a6d3b";

export const tool: Tool = {
  name: "region",
  place: 1,
  start(stage) {
    const values = () => stage.values<Shown>("region");
    const regions = () => values()?.regions ?? [];
    const edges = new WeakMap<Binary, string>();
    let drawing = false;
    let made: { frame?: Frame; source?: readonly Region[]; lanes: readonly Lane[] } = { lanes: [] };
    let outline: readonly Corner[] = [];
    const draw = button("Region", "Draw around pixels of a map: explorer.region(vertices)", (on) => {
      drawing = on;
      draw.press(on);
      stage.root.classList.toggle("mffnb-drawing", on);
    });
    const clear = action("Clear regions", "Remove all regions: explorer.drop_region()", () =>
      stage.call("drop_region", {}),
    );
    const show = () => {
      const paths = [...regions().map(edgeOf), pathOf(outline)];
      for (const tile of stage.maps.tiles) tile.showOutlines(paths);
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
      if (drawing && outline.length > 2) stage.call("region", { outline });
      outline = [];
      show();
    };
    return {
      mapControls: [draw.root, clear],
      traitsChanged() {
        const now = values();
        draw.root.hidden = now === null;
        clear.hidden = regions().length === 0;
        show();
      },
      mapMove(point, event) {
        if (!drawing) return;
        if ((event.buttons & 1) === 0) return outline.length > 0 ? finish() : undefined;
        outline = extended(outline, [point.fy, point.fx]);
        show();
      },
      mapUp: finish,
      lanes(frame) {
        show();
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

/** The measured mean spectrum of a region over the contributions of the components. */
function regionLane({ name, mask, channel, measured }: Region, frame: Frame): Lane {
  const { header, maps, spectra } = frame;
  const inside = indicesOfMask(bytes(mask), header.shape, header.map_shape);
  const means = maps.map((codes, i) =>
    meanOf({ codes: Uint8Array.from(inside, (at) => codes[at]), range: header.ranges[i] }),
  );
  const { model, stack } = mixture(means, spectra);
  return {
    label: name,
    colour: COLOUR,
    channel: floats(channel),
    values: floats(measured),
    model,
    stack: stack.map((values, i) => ({ values, colour: header.colors[i] })),
    band: null,
    bright: true,
  };
}
