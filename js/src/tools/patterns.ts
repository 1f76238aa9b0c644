// Tool: endmembers with two channel axes (local FFTs, diffraction patterns) as images instead of curves, and those of the
// pixel under the pointer as measured and as modelled.

import { amountsAt } from "../amounts";
import { element } from "../dom";
import type { MapImage } from "../images";
import { gridLayout } from "../layout";
import { MapTile, NARROW } from "../maps";
import { mixture } from "../mixture";
import { PatternDrawing } from "../pattern_drawing";
import { type IntensityScale, patternAspect, patternDistance, patternImage, patternPosition } from "../pattern_image";
import { pinsOf, pointOf } from "../pins";
import { type MapPoint, pixelText } from "../pointer";
import { type Binary, type Frame, floats, projected } from "../protocol";
import type { Tool } from "../tool";

/** What `probe` in Python shows. */
interface Probed {
  readonly pixel: readonly [number, number];
  readonly pattern?: Binary;
}

const MEASURED = "#808080";
const RESIDUAL = "#b4612c";
const SCALES: readonly (readonly [IntensityScale, string])[] = [
  ["log", "log intensity"],
  ["sqrt", "square root"],
  ["linear", "linear intensity"],
];

export const tool: Tool = {
  name: "patterns",
  start(stage) {
    const grid = element("div", "mffnb-grid mffnb-patterns");
    const axes = element("div", "mffnb-pattern-axes");
    const drawing = new PatternDrawing(stage);
    const panel = element("div", "mffnb-pattern-panel", {}, [grid, axes, drawing.chips.root]);
    const scales = element("select", "mffnb-select", { "aria-label": "Intensity of the patterns" });
    for (const [value, text] of SCALES) scales.append(new Option(text, value));
    scales.addEventListener("change", () => paint());
    panel.hidden = true;
    scales.hidden = true;
    let tiles: MapTile[] = [];
    let shape = "";
    let pointed: MapPoint | null = null;
    let pending = false;

    /** The patterns of the components, and those of the pixel that is pointed at or kept. */
    function patternsOf(frame: Frame): [label: string, colour: string, values: Float32Array][] {
      const { labels, colors } = frame.header;
      const found: [string, string, Float32Array][] = frame.patterns.map((one, i) => [labels[i], colors[i], one]);
      const probed = stage.values<Probed>("probe");
      const newest = pinsOf(stage).at(-1);
      const kept = newest ? pointOf(newest.pixel, frame) : null;
      const at = pointed ?? kept;
      if (!at) return found;
      const { model } = mixture(amountsAt(frame, [at.index]), frame.patterns);
      found.push([`model of ${pixelText([at.y, at.x], stage.frame?.header.images)}`, MEASURED, model]);
      const [row, column] = probed?.pixel ?? [];
      if (probed?.pattern && row === at.y && column === at.x) {
        const measured = floats(probed.pattern);
        found.push(["as measured", MEASURED, measured]);
        found.push(["measured − model", RESIDUAL, measured.map((value, j) => value - model[j])]);
      }
      return found;
    }

    function paint(): void {
      const { frame } = stage;
      const pattern = frame?.header.pattern;
      if (!frame || !pattern) return;
      const scale = scales.value as IntensityScale;
      const patterns = patternsOf(frame);
      const images: MapImage[] = patterns.map(([label, colour, values]) =>
        patternImage(label, colour, values, pattern, label === "measured − model" ? "linear" : scale),
      );
      build(images);
      const { columns, width, height } = gridLayout(images.length, patternAspect(pattern), grid.clientWidth || 600);
      grid.style.gridTemplateColumns = `repeat(${columns}, ${width}px)`;
      grid.classList.toggle("mffnb-narrow", width < NARROW);
      tiles.forEach((tile, i) => {
        tile.picture.style.height = `${height}px`;
        tile.paint(images[i], { table: null, clip: 0, gamma: 1 }, width);
      });
      axes.textContent = pattern.axes
        .map(({ label }, i) => `${i === 0 ? "vertical" : "horizontal"}: ${label}`)
        .join(", ");
    }

    function build(images: readonly MapImage[]): void {
      const now = images.map(({ label, colour }) => label + colour).join();
      if (now === shape) return;
      shape = now;
      tiles = images.map(({ label, colour }) => new MapTile(label, colour));
      grid.replaceChildren(...tiles.map((tile) => tile.root));
      drawing.attach(tiles);
      tiles.forEach((tile, place) => {
        tile.name.setAttribute("title", "");
        tile.picture.addEventListener("pointermove", (event) => read(place, event));
        tile.picture.addEventListener("pointerleave", () => stage.tip.hide(stage.root));
      });
    }

    /** Show position and intensities under the pointer, and a crosshair on all patterns. */
    function read(place: number, event: PointerEvent): void {
      const { frame } = stage;
      const pattern = frame?.header.pattern;
      if (!frame || !pattern) return;
      const box = tiles[place].picture.getBoundingClientRect();
      const [fx, fy] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
      if (!(fx >= 0 && fy >= 0 && fx < 1 && fy < 1)) return;
      for (const tile of tiles) tile.placeCross(fx, fy);
      const [height, width] = pattern.shape;
      const index = Math.floor(fy * height) * width + Math.floor(fx * width);
      const rows = patternsOf(frame).map(([label, colour, values]) => ({
        label,
        colour,
        value: values[index],
        bright: true,
      }));
      stage.tip.show(stage.root, event, patternPosition(pattern, fx, fy), patternDistance(pattern, fx, fy), rows);
    }

    const repaint = () => {
      if (pending || panel.hidden) return;
      pending = true;
      requestAnimationFrame(() => {
        pending = false;
        paint();
      });
    };
    return {
      panel,
      spectraControls: [scales, drawing.control],
      framed({ header }) {
        panel.hidden = scales.hidden = header.pattern === null;
        drawing.show();
        stage.root.classList.toggle("mffnb-patterned", header.pattern !== null);
        repaint();
      },
      traitsChanged() {
        drawing.show();
        repaint();
      },
      mapMove(point) {
        if (stage.frame && projected(stage.frame.header)) return;
        pointed = point;
        repaint();
      },
      mapLeave() {
        pointed = null;
        repaint();
      },
    };
  },
};
