// Tool: marks of kept pixels on the maps, a chip for each with what can be done with it, and lanes of several ones.
// A click on a map keeps a pixel, see probe.ts. The function in Python is in mffnb/widgets/tools/drop_pin.py.

import { type Chip, ChipRow, callable, heldAs } from "../chips";
import { colourOf, type Pin, pinLane, pinsOf, pointOf } from "../pins";
import { pixelText } from "../pointer";
import type { Frame } from "../protocol";
import type { Lane } from "../spectra";
import type { Stage, Tool } from "../tool";

/** Radii of the average, in pixels. */
const RADII = [0, 1, 2, 3, 5, 8];

export const tool: Tool = {
  name: "drop_pin",
  start(stage) {
    const chips = new ChipRow();
    let made: { frame?: Frame; source?: object | null; lanes: readonly Lane[] } = { lanes: [] };
    const show = () => {
      const { frame } = stage;
      if (!frame || stage.values("drop_pin") === null) return;
      const pins = pinsOf(stage);
      const marks = pins.map((pin, i) => ({ ...pointOf(pin.pixel, frame), text: pin.name, colour: colourOf(i) }));
      for (const tile of stage.maps.tiles) tile.placePins(marks);
      chips.show(pins.map((pin, i) => chipOf(pin, colourOf(i), stage)));
    };
    return {
      bar: chips.root,
      traitsChanged: show,
      tileMade: show, // of another tool, while the spectra are not painted
      lanes(frame) {
        show();
        const source = stage.values("drop_pin");
        if (made.frame === frame && made.source === source) return made.lanes;
        const pins = pinsOf(stage);
        // A single one is shown by the tool "probe", with its residual.
        const lanes = pins.length > 1 ? pins.map((pin, i) => pinLane(pin, colourOf(i), frame)) : [];
        made = { frame, source, lanes };
        return lanes;
      },
    };
  },
};

/** Name and position of a kept pixel, its averaging radius, and what can be done with it. */
function chipOf({ name, pixel, radius, pixels }: Pin, colour: string, stage: Stage): Chip {
  const place = RADII.findIndex((one) => one >= radius);
  const average = (step: number, text: string, title: string) => ({
    text,
    title: `${title}: explorer.probe(pixel=[${pixel}], radius=${RADII[place + step] ?? radius})`,
    clicked: () => stage.call("probe", { pixel, radius: RADII[place + step] ?? radius, pinned: true }),
  });
  const held = heldAs(name, stage.frame?.header);
  return {
    name,
    note: `${pixelText(pixel, stage.frame?.header.images)}${radius > 0 ? `, mean of ${pixels} px` : ""}`,
    colour,
    actions: callable(
      [
        average(-1, "−", "Average over fewer pixels"),
        average(1, "+", "Average over more pixels around it"),
        {
          tool: "hold",
          text: "Hold",
          title: `Hold its spectrum as a component: explorer.hold(pixel=[${pixel}], radius=${radius})`,
          on: held !== undefined,
          clicked: () =>
            held === undefined
              ? stage.call("hold", { pixel, radius, name })
              : stage.call("release", { component: held }),
        },
        {
          text: "×",
          title: `Remove the pin: explorer.drop_pin(name="${name}")`,
          clicked: () => stage.call("drop_pin", { name }),
        },
      ],
      stage,
    ),
  };
}
