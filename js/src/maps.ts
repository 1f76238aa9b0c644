// Tiles of the abundance maps: canvas, scale bar, crosshair, name and colour legend of each component.

import { ramp } from "./colour";
import { colourOfCode, contrastLimits, gradient, greyPixels, type Limits, pixelsOfCodes } from "./contrast";
import { element, svg } from "./dom";
import { number } from "./format";
import type { MapImage } from "./images";
import { placeLabels } from "./labels";
import { type GridLayout, scaleBar } from "./layout";
import { bytes, codeOfZero, type Header, type ImageTile, LEVELS, type Range, valueOfCode } from "./protocol";

/** How maps are coloured: the traits of the view. */
export interface MapStyle {
  /** Colours of the colour map; null: the colour of the component. */
  readonly table: Uint8Array | null;
  readonly clip: number;
  readonly gamma: number;
}

/** Pixel over those that are not selected: black with an opacity of three quarters. */
const VEIL = 0xc0000000;

/** Separate lines of an outline from which on they are drawn fine. */
const MANY = 60;

/** Below this width of a map the legend is shortened. */
export const NARROW = 270;
/** Below this width it is left out. */
const TIGHT = 190;

export class MapTile {
  readonly canvas: HTMLCanvasElement;
  readonly picture: HTMLElement;
  readonly root: HTMLElement;
  private readonly bar = element("div", "mffnb-bar");
  private readonly cross = element("div", "mffnb-cross", { hidden: "" });
  private readonly outlines = svg("svg", {
    class: "mffnb-outlines",
    viewBox: "0 0 100 100",
    preserveAspectRatio: "none",
  });
  private shownOutlines = "";
  private readonly names = element("div", "mffnb-region-names");
  private readonly images = element("div", "mffnb-image-names");
  private placedNames: readonly PlacedName[] = [];
  private readonly pins = element("div", "mffnb-pins");
  private marks: readonly Mark[] = [];
  private shownLabels = "";
  /** Width and height in CSS pixels. */
  private size: readonly [number, number] = [0, 0];
  private readonly nothing = element("div", "mffnb-nothing", { hidden: "" }, ["zero everywhere"]);
  readonly name: HTMLElement;
  /** The line below the map: its name and the legend of its colours. */
  readonly caption: HTMLElement;
  private readonly low = element("span", "mffnb-low");
  private readonly gradient = element("span", "mffnb-gradient");
  private readonly high = element("span", "mffnb-high");
  private readonly ramp: Uint8Array;
  private readonly legend: HTMLElement;
  private readonly veil = element("canvas", "mffnb-veil", { hidden: "" });
  readonly under = element("canvas", "mffnb-under", { hidden: "" });
  private underSource: unknown = null;
  private image: ImageData | null = null;
  /** Texts of the ends of the legend, and its colours. */
  private written: readonly [string, string, string] = ["", "", ""];
  /** Values that are shown darkest and brightest. */
  shownRange: Range = [0, 0];

  constructor(label: string, colour: string) {
    this.canvas = element("canvas", "mffnb-map", { role: "img", "aria-label": `Map of ${label}` });
    this.picture = element("div", "mffnb-picture", {}, [
      this.under,
      this.canvas,
      this.veil,
      this.outlines,
      this.images,
      this.names,
      this.bar,
      this.nothing,
      this.pins,
      this.cross,
    ]);
    this.name = element("button", "mffnb-name", { type: "button", title: "Click: highlight. Double click: rename" }, [
      label,
    ]);
    this.legend = element("div", "mffnb-legend", {}, [this.low, this.gradient, this.high]);
    this.caption = element("div", "mffnb-caption", {}, [this.name, this.legend]);
    this.root = element("div", "mffnb-tile", {}, [this.picture, this.caption]);
    this.root.style.setProperty("--mffnb-color", colour);
    this.ramp = ramp(colour);
  }

  layout(header: Header, width: number, height: number): void {
    this.picture.style.height = `${height}px`;
    this.size = [width, height];
    this.showLabels();
    this.images.replaceChildren(...(header.images ?? []).map((image) => imageName(image, header.shape)));
    const bar = scaleBar(header, width, height);
    this.bar.hidden = bar === null;
    if (!bar) return;
    this.bar.style.width = `${100 * bar.share}%`;
    this.bar.textContent = bar.text;
  }

  paint(shown: MapImage, style: MapStyle, shownWidth: number): void {
    const { codes, range, shape, stale, pixels } = shown;
    const [height, width] = shape;
    this.legend.hidden = pixels !== undefined;
    if (pixels) {
      this.canvas.style.imageRendering = rendering(width, shownWidth);
      this.putPixels(pixels, width, height);
      this.paintUnder(shown, shownWidth);
      return;
    }
    const limits: Limits = shown.aroundZero ? [0, LEVELS] : contrastLimits(codes, style.clip);
    this.nothing.hidden = range[0] !== 0 || range[1] !== 0;
    const colour = colourOfCode({ ...style, ramp: this.ramp }, limits, codeOfZero(range));
    this.canvas.style.imageRendering = rendering(width, shownWidth);
    const colours = pixelsOfCodes(colour);
    this.putPixels(codes, width, height, colours);
    this.shownRange = [valueOfCode(limits[0], range), valueOfCode(limits[1], range)];
    this.writeLegend(shown.aroundZero === true, gradient(colour, limits));
    this.root.classList.toggle("mffnb-stale", stale === true);
  }

  /** Write what has changed: each text that is written makes the page compute its layout again. */
  private writeLegend(aroundZero: boolean, colours: string): void {
    const low = number(this.shownRange[0], 2);
    // Without room for the lower end, the upper one says that the range is symmetric.
    const high = `${aroundZero ? "±" : ""}${number(this.shownRange[1], 3)}`;
    const [oldLow, oldHigh, oldColours] = this.written;
    if (low !== oldLow) this.low.textContent = low;
    if (high !== oldHigh) this.high.textContent = high;
    this.low.hidden = aroundZero;
    if (colours !== oldColours) this.gradient.style.background = colours;
    this.written = [low, high, colours];
  }

  /** Paint a grey image below the canvas, which is decoded once. */
  private paintUnder({ under, opacity }: MapImage, shownWidth: number): void {
    this.under.hidden = under === undefined;
    this.canvas.style.opacity = under ? String(opacity ?? 1) : "1";
    if (!under || this.underSource === under.codes) return;
    this.underSource = under.codes;
    const [height, width] = under.shape;
    const image = new ImageData(width, height);
    new Uint32Array(image.data.buffer).set(greyPixels(bytes(under.codes)));
    this.under.width = width;
    this.under.height = height;
    this.under.style.imageRendering = rendering(width, shownWidth);
    this.under.getContext("2d")?.putImageData(image, 0, 0);
  }

  /** Put pixels on the canvas: their colours, or codes with a table of colours. */
  private putPixels(values: Uint8Array | Uint32Array, width: number, height: number, colours?: Uint32Array): void {
    if (this.canvas.width !== width || this.canvas.height !== height || !this.image) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.image = new ImageData(width, height);
    }
    const pixels = new Uint32Array(this.image.data.buffer);
    if (colours) for (let j = 0; j < values.length; j++) pixels[j] = colours[values[j]];
    else pixels.set(values);
    this.canvas.getContext("2d")?.putImageData(this.image, 0, 0);
  }

  /** Show whether the component is highlighted, or faded because others are. */
  mark(highlighted: boolean, bright: boolean): void {
    this.root.classList.toggle("mffnb-faded", !bright);
    this.name.setAttribute("aria-pressed", String(highlighted));
  }

  /** Draw outlines, given as SVG paths in a box of 100 x 100. */
  showOutlines(paths: readonly string[]): void {
    if (paths.join() === this.shownOutlines) return;
    this.shownOutlines = paths.join();
    this.outlines.replaceChildren(...paths.filter(Boolean).map(outlineElement));
  }

  /** Write names of regions at their upper edges. */
  showNames(names: readonly PlacedName[]): void {
    this.placedNames = names;
    this.showLabels();
  }

  /** Place the marks of kept pixels. */
  placePins(marks: readonly Mark[]): void {
    this.marks = marks;
    this.showLabels();
  }

  /** Place marks and all labels anew if something has changed: labels of regions make room for those of pixels. */
  private showLabels(): void {
    const [width, height] = this.size;
    const key = JSON.stringify([this.placedNames, this.marks, this.size]);
    if (key === this.shownLabels || width === 0) return;
    this.shownLabels = key;
    const labels = [
      ...this.marks.map((mark) => ({ ...mark, marked: true })),
      ...this.placedNames.map((name) => ({ ...name, marked: false })),
    ];
    const texts = placeLabels(labels, width, height).map(({ left, top }, i) => {
      const kind = labels[i].marked ? "mffnb-pin-name" : "mffnb-region-name";
      const root = element("span", `mffnb-label ${kind}`, {}, [labels[i].text]);
      root.style.left = `${left}px`;
      root.style.top = `${top}px`;
      return root;
    });
    this.pins.replaceChildren(...this.marks.map(markElement), ...texts.slice(0, this.marks.length));
    this.names.replaceChildren(...texts.slice(this.marks.length));
  }

  /** Darken the pixels that are not selected; null for none. */
  shade(selected: Uint8Array | null, [height, width]: readonly [number, number]): void {
    this.veil.hidden = selected === null;
    if (!selected) return;
    const image = new ImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    for (let j = 0; j < pixels.length; j++) pixels[j] = selected[j] ? 0 : VEIL;
    this.veil.width = width;
    this.veil.height = height;
    this.veil.getContext("2d")?.putImageData(image, 0, 0);
  }

  /** Place the crosshair at a share of width and height. */
  placeCross(fx: number, fy: number): void {
    this.cross.hidden = false;
    this.cross.style.left = `${100 * fx}%`;
    this.cross.style.top = `${100 * fy}%`;
  }
}

/** A kept pixel: its position as shares of width and height, and its name. */
export interface Mark {
  readonly fx: number;
  readonly fy: number;
  readonly text: string;
  readonly colour: string;
}

/** A name at a share of width and height. */
export interface PlacedName {
  readonly text: string;
  readonly fx: number;
  readonly fy: number;
}

/** Frame and name of one of several images. */
function imageName({ name, top, left, height, width }: ImageTile, [rows, columns]: readonly [number, number]) {
  const root = element("div", "mffnb-image", {}, [element("span", "", {}, [name])]);
  root.style.top = `${(100 * top) / rows}%`;
  root.style.left = `${(100 * left) / columns}%`;
  root.style.height = `${(100 * height) / rows}%`;
  root.style.width = `${(100 * width) / columns}%`;
  return root;
}

/** The diamond of a kept pixel. */
function markElement({ fx, fy, colour }: Mark): HTMLElement {
  const root = element("div", "mffnb-pin-place", {}, [element("div", "mffnb-pin")]);
  root.style.left = `${100 * fx}%`;
  root.style.top = `${100 * fy}%`;
  root.style.setProperty("--mffnb-color", colour);
  return root;
}

/** Sharp pixels when enlarged; smooth when reduced, where the choice of single pixels would flicker. */
function rendering(width: number, shownWidth: number): string {
  const sharpness = window.devicePixelRatio || 1;
  return width <= shownWidth * sharpness * 1.05 ? "pixelated" : "auto";
}

/** An outline that is seen on dark and on bright pixels. */
function outlineElement(path: string): Element {
  // Around scattered pixels bold lines would cover the map.
  if (path.split("M").length > MANY) return svg("path", { d: path, class: "mffnb-outline-fine" });
  return svg("g", {}, [svg("path", { d: path, class: "mffnb-outline-dark" }), svg("path", { d: path })]);
}

/** All maps in a grid: those of the components first, then those that tools add. */
export class MapGrid {
  readonly root = element("div", "mffnb-grid");
  tiles: readonly MapTile[] = [];
  /** Tiles of the components. */
  components: readonly MapTile[] = [];
  private tileWidth = 0;

  /** Replace the tiles; the first `count` are those of the components. */
  build(images: readonly MapImage[], count: number): void {
    this.tiles = images.map(({ label, colour, hidden, plot }) => {
      const tile = new MapTile(label, colour);
      tile.root.classList.toggle("mffnb-plot-tile", plot !== undefined);
      tile.root.hidden = hidden === true;
      return tile;
    });
    this.components = this.tiles.slice(0, count);
    this.root.replaceChildren(...this.tiles.map((tile) => tile.root));
  }

  layout(header: Header, { columns, width, height }: GridLayout): void {
    this.root.style.gridTemplateColumns = `repeat(${columns}, ${width}px)`;
    for (const tile of this.tiles) tile.layout(header, width, height);
    this.tileWidth = width;
    this.root.classList.toggle("mffnb-narrow", width < NARROW);
    this.root.classList.toggle("mffnb-tight", width < TIGHT);
  }

  /** Paint the maps from a place on. */
  paint(images: readonly MapImage[], style: MapStyle, from = 0): void {
    this.tiles.forEach((tile, i) => {
      if (i >= from && !tile.root.hidden) tile.paint(images[i], style, this.tileWidth);
    });
  }
}
