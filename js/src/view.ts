// The live view: accepts frames, keeps the layout, paints maps and spectra, and passes gestures to the tools.
// State that outlives a display is in the traits of the model.

import { meanAmounts } from "./amounts";
import { Connection } from "./connection";
import { element } from "./dom";
import { Freshness } from "./freshness";
import { brightOf, highlightedOf } from "./highlighting";
import { componentImages, type MapImage } from "./images";
import { Later } from "./later";
import { aspectRatio, enlargedLayout, gridHeight, gridLayout } from "./layout";
import { MapGrid, type MapTile } from "./maps";
import { mapPoint } from "./pointer";
import { PointerHold } from "./pointer_hold";
import {
  bytes,
  decode,
  type FileMessage,
  type Frame,
  type Header,
  type LiveViewModel,
  type Message,
  outdated,
  sharingChannels,
} from "./protocol";
import { Refusal } from "./refusal";
import { type Lane, SpectraPlot } from "./spectra";
import { StatusLine } from "./status";
import { Tip } from "./tip";
import { type Gestures, SMALLEST_DRAG, type Stage, type Tool } from "./tool";

/** Traits that change the picture but not the frame. */
const NO_PICTURE_YET = "Maps and spectra appear here with the first solution.";
const NO_PICTURE = "There is no picture, because these settings do not suit the data: see the message above.";
/** Milliseconds after a move of a control within which the page shows nothing of it but its answer. */
const FAST_ANSWER = 120;
/** Milliseconds between the maps and the spectra of a frame of a run: spectra take longer to paint than all maps. */
const SPECTRA_DELAY = 80;
const STATUS_TRAITS = ["error", "notices"];
const STYLE_TRAITS = ["color_map", "clip", "gamma", "highlighted", "enlarged", "color_tables", "unavailable"];
/** Traits that change the plot of the spectra alone. */
const SPECTRA_TRAITS = [
  "intensity_scale",
  "normalization",
  "common_scale",
  "peak_labels",
  "channel_range",
  "freedom_bands",
];
/** Facts about the frame on the screen, as data attributes for tests and style sheets. */
const FACTS = ["generation", "final", "iteration", "objective", "parameters", "bands"];

/** A heading with the controls of the tools. */
function head(title: string, controls: readonly HTMLElement[]): HTMLElement {
  return element("div", "mffnb-head", {}, [
    element("span", "mffnb-title", {}, [title]),
    element("span", "mffnb-controls", {}, controls),
  ]);
}

/** Everything about the maps that needs new tiles when it changes. */
function tilesKey(
  { shape, pixel_size }: Header,
  images: readonly MapImage[],
  enlarged: boolean,
  unavailable: readonly string[],
): string {
  return JSON.stringify([
    images.map(({ label, colour, hidden, plot }) => [label, colour, hidden, plot]),
    shape,
    pixel_size,
    enlarged,
    unavailable, // tools put their buttons on the tiles
  ]);
}

export class LiveView implements Stage {
  readonly model: LiveViewModel;
  readonly root: HTMLElement;
  readonly maps = new MapGrid();
  readonly plot = new SpectraPlot();
  readonly tip = new Tip();
  frame: Frame | null = null;
  images: readonly MapImage[] = [];
  lanes: readonly Lane[] = [];
  private readonly status = new StatusLine();
  private readonly connection: Connection;
  private readonly freshness: Freshness;
  private readonly body: HTMLElement;
  private readonly refusal: Refusal;
  private readonly empty = element("div", "mffnb-empty", {}, [NO_PICTURE_YET]);
  private readonly tools: readonly Tool[];
  private readonly gestures: readonly Gestures[];
  private readonly resizes = new ResizeObserver(() => {
    if (this.root.clientWidth !== this.width || this.plot.stale) this.relayout();
  });
  private readonly themes = new MutationObserver(() => this.schedule());
  private pending: number | null = null;
  private pendingSpectra: number | null = null;
  private pendingAdded: number | null = null;
  private removed = false;
  /** Whether one map fills the room of all. */
  private enlarged = false;
  private tilesKey: string | null = null;
  private width = 0;
  private reported = "";
  private facts: readonly string[] = [];
  /** Numbers of the components whose spectra are painted. */
  private numbers = "";
  private readonly laterStatus = new Later(() => this.writeStatus(), FAST_ANSWER);
  private readonly laterSpectra = new Later(() => this.repaintSpectra(), SPECTRA_DELAY);
  private readonly hold: PointerHold;

  constructor(model: LiveViewModel, tools: readonly Tool[]) {
    this.model = model;
    // Arrow keys on the controls belong to them: the attribute turns JupyterLab's shortcuts off, and the listener
    // stops the event before the notebook, which would cancel the key.
    this.root = element("div", "mffnb-view", { "data-lm-suppress-shortcuts": "true" });
    this.root.addEventListener("keydown", (event) => event.stopPropagation());
    this.refusal = new Refusal(this.root);
    this.tools = tools;
    this.gestures = tools.map((tool) => tool.start(this));
    this.body = element("div", "mffnb-body", { hidden: "" }, [
      head("Abundance maps", this.controls("mapControls")),
      this.maps.root,
      ...this.gestures.flatMap(({ bar }) => bar ?? []),
      head("Endmember spectra", this.controls("spectraControls")),
      this.plot.root,
      ...this.gestures.flatMap(({ panel }) => panel ?? []),
    ]);
    this.connection = new Connection(model, this.root);
    this.root.append(this.connection.root, this.status.root, this.empty, this.body, this.tip.root, this.refusal.root);
    this.listenToSpectra();
    this.hold = new PointerHold([this.maps.root, this.plot.root], this.showStatus);
    model.on("change:encoded", this.schedule);
    model.on("msg:custom", this.receive);
    this.freshness = new Freshness(model, this.showStatus);
    for (const name of STATUS_TRAITS) model.on(`change:${name}`, this.showStatus);
    for (const name of STYLE_TRAITS) model.on(`change:${name}`, this.restyle);
    for (const name of this.toolTraits(true)) model.on(`change:${name}`, this.restyleTools);
    for (const name of this.toolTraits(false)) model.on(`change:${name}`, this.tellOfTraits);
    this.resizes.observe(this.root);
    // JupyterLab switches themes by attributes of the body; canvases do not follow by themselves. It may hide
    // everything at that moment, so the painting waits for the next screen refresh.
    this.themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-name", "class"] });
    this.restyle();
    this.schedule();
  }

  /** Stop everything and leave the page. */
  remove(): void {
    this.removed = true;
    for (const one of [this.laterStatus, this.laterSpectra]) one.cancel();
    this.hold.remove();
    for (const one of [this.pending, this.pendingSpectra, this.pendingAdded])
      if (one !== null) cancelAnimationFrame(one);
    this.model.off("change:encoded", this.schedule);
    this.model.off("msg:custom", this.receive);
    this.freshness.remove();
    for (const name of STATUS_TRAITS) this.model.off(`change:${name}`, this.showStatus);
    for (const name of STYLE_TRAITS) this.model.off(`change:${name}`, this.restyle);
    for (const name of this.toolTraits(true)) this.model.off(`change:${name}`, this.restyleTools);
    for (const name of this.toolTraits(false)) this.model.off(`change:${name}`, this.tellOfTraits);
    this.connection.remove();
    this.resizes.disconnect();
    this.themes.disconnect();
    this.root.remove();
  }

  // ---------------------------------------------------------------------------------------------------- gestures

  call(tool: string, args: Readonly<Record<string, unknown>>): void {
    this.send({ type: "call", tool, arguments: args });
  }

  values<Values extends object>(tool: string): Partial<Values> | null {
    if (this.model.get("unavailable")?.includes(tool)) return null;
    return (this.model.get(`tool_${tool}`) as Partial<Values> | undefined) ?? null;
  }

  /** Traits of tools that change maps and spectra, with those of the plot, or traits of tools that change neither. */
  private toolTraits(paints: boolean): string[] {
    const tools = this.tools.filter((tool) => (tool.paints ?? true) === paints);
    return [...(paints ? SPECTRA_TRAITS : []), ...tools.map((tool) => `tool_${tool.name}`)];
  }

  private controls(name: "mapControls" | "spectraControls"): HTMLElement[] {
    return this.gestures.flatMap((gesture) => gesture[name] ?? []);
  }

  private listenToSpectra(): void {
    const { root } = this.plot;
    root.addEventListener("pointermove", (event) => this.tell((gesture) => gesture.spectraMove?.(event)));
    root.addEventListener("pointerleave", () => this.tell((gesture) => gesture.spectraLeave?.()));
    let pressed = [0, 0];
    root.addEventListener("pointerdown", (event) => {
      pressed = [event.clientX, event.clientY];
      this.tell((gesture) => gesture.spectraDown?.(event));
    });
    root.addEventListener("pointerup", (event) => this.tell((gesture) => gesture.spectraUp?.(event)));
    root.addEventListener("pointercancel", (event) => this.tell((gesture) => gesture.spectraUp?.(event)));
    root.addEventListener("dblclick", (event) => this.tell((gesture) => gesture.spectraDoubleClick?.(event)));
    root.addEventListener("click", (event) => {
      const moved = Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) >= SMALLEST_DRAG;
      if (!moved) this.tell((gesture) => gesture.spectraClick?.(event)); // else it is the end of a drag
    });
  }

  private listenToTile(tile: MapTile, place: number): void {
    const { name, picture } = tile;
    this.tell((gesture) => gesture.tileMade?.(tile, place));
    if (this.images[place].plot) return;
    name.addEventListener("click", (event) => this.tell((gesture) => gesture.nameClick?.(place, event)));
    name.addEventListener("dblclick", (event) => this.tell((gesture) => gesture.nameDoubleClick?.(place, event)));
    const point = (event: MouseEvent) =>
      this.frame && mapPoint(event, picture.getBoundingClientRect(), this.frame.header);
    let pressed = [0, 0];
    picture.addEventListener("pointerdown", (event) => {
      pressed = [event.clientX, event.clientY];
    });
    picture.addEventListener("pointerup", () => this.tell((gesture) => gesture.mapUp?.()));
    picture.addEventListener("click", (event) => {
      const moved = Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) >= SMALLEST_DRAG;
      const at = moved ? null : point(event);
      if (at) this.tell((gesture) => gesture.mapClick?.(at, event));
    });
    picture.addEventListener("pointermove", (event) => {
      const at = point(event);
      if (at) this.tell((gesture) => gesture.mapMove?.(at, event));
    });
    picture.addEventListener("pointerleave", () => {
      this.tell((gesture) => gesture.mapUp?.());
      this.tell((gesture) => gesture.mapLeave?.());
    });
  }

  /** Pass a file of Python to the tools. */
  private readonly receive = (content: unknown, buffers: readonly DataView<ArrayBuffer>[]): void => {
    const { type, name, request } = content as Partial<FileMessage>;
    if (type !== "file" || name === undefined || request === undefined || buffers.length === 0) return;
    this.tell((gesture) => gesture.fileCame?.(name, request, buffers[0]));
  };

  private tell(report: (gesture: Gestures) => void): void {
    for (const gesture of this.gestures) report(gesture);
  }

  // ------------------------------------------------------------------------------------------------------ frames

  /** Draw the newest frame with the next screen refresh. */
  private readonly schedule = (): void => {
    if (this.pending !== null) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = null;
      this.accept(decode(this.model.get("encoded")));
    });
  };

  private accept(decoded: Frame | null): void {
    if (!decoded) {
      this.showEmpty();
      return;
    }
    const frame = sharingChannels(decoded, this.frame);
    const { header } = frame;
    if (outdated(header, this.frame?.header)) return;
    this.frame = frame;
    this.empty.hidden = true;
    this.body.hidden = false;
    this.tell((gesture) => gesture.framed?.(frame));
    this.paintFrame(frame);
    this.showStatus();
    this.publishFacts(frame);
    // A timer set in an animation callback runs after the pixels reached the screen.
    setTimeout(() => this.removed || this.send({ type: "drawn", sequence: header.sequence }), 0);
  }

  /** Show what the kernel does. That a picture is outdated is shown after a delay: a fast answer comes before, and
   * painting the greyed picture would delay it. */
  private readonly showStatus = (): void => {
    const waits = this.frame !== null && this.isStale() && !this.freshness.activity.failed;
    if (waits) this.laterStatus.request();
    else this.laterStatus.now();
    const error = this.model.get("error") ?? "";
    this.refusal.show(error, this.status.root);
    if (error) this.tell((gesture) => gesture.refused?.());
  };

  private writeStatus(): void {
    if (this.removed) return;
    const { frame, freshness, model } = this;
    const { activity, waiting } = freshness;
    const stale = this.isStale();
    this.root.classList.toggle("mffnb-outdated", stale);
    this.root.dataset.stale = String(stale);
    this.empty.textContent = activity.failed ? NO_PICTURE : NO_PICTURE_YET;
    this.status.root.hidden = !frame && activity.text === undefined;
    this.status.show(frame?.header ?? null, { stale, waiting, activity, error: model.get("error") });
    if (this.hold.held) return; // notices above the picture would move it under the pointer
    const notices = stale && !activity.failed ? [] : (model.get("notices") ?? []);
    this.status.showNotices(notices, (notice) => this.call(notice.tool ?? "", notice.arguments ?? {}));
  }

  /** Whether the picture belongs to older settings than those of the controls. */
  private isStale(): boolean {
    return this.freshness.stale(this.frame?.header.generation);
  }

  private showEmpty(): void {
    this.frame = null;
    this.tilesKey = null;
    this.empty.hidden = false;
    this.body.hidden = true;
    this.showStatus();
    this.tip.hide(this.root);
    for (const name of FACTS) delete this.root.dataset[name];
    this.facts = [];
  }

  private publishFacts({ header, bands }: Frame): void {
    const { iteration, objective } = header.status;
    const { generation, final, parameters } = header;
    const facts = [generation, final, iteration ?? "", objective ?? "", JSON.stringify(parameters), bands !== null];
    const before = this.facts;
    this.facts = facts.map(String);
    FACTS.forEach((name, i) => {
      if (this.facts[i] !== before[i]) this.root.dataset[name] = this.facts[i];
    });
  }

  private send(message: Message): void {
    this.model.send(message);
  }

  // ---------------------------------------------------------------------------------------------------- painting

  private readonly tellOfTraits = (): void => this.tell((gesture) => gesture.traitsChanged?.());

  private readonly restyle = (): void => {
    this.tellOfTraits();
    this.repaint();
  };

  /** Paint what tools add, with the next screen refresh: the answer to a pointer does not paint the other maps. */
  private readonly restyleTools = (): void => {
    this.tellOfTraits();
    this.repaintAdded();
    this.repaintSpectra();
  };

  repaint(): void {
    if (!this.frame) return;
    this.paintComponents(this.frame);
    this.paintSpectra();
  }

  /** Paint the maps of a new frame, and its spectra soon after; those of a final frame or of others at once. */
  private paintFrame(frame: Frame): void {
    const others = JSON.stringify(frame.header.numbers) !== this.numbers;
    this.paintComponents(frame);
    if (others || frame.header.final) this.paintSpectra();
    else this.laterSpectra.request();
  }

  private paintComponents(frame: Frame): void {
    this.paintMaps(frame, 0);
    const { highlighted, bright } = this.highlighting(frame);
    this.maps.components.forEach((tile, i) => {
      tile.mark(highlighted.includes(i), bright[i]);
    });
  }

  /** Paint the spectra with the next screen refresh, after a tool has changed its own. */
  readonly repaintSpectra = (): void => {
    if (this.pendingSpectra !== null) return;
    this.pendingSpectra = requestAnimationFrame(() => {
      this.pendingSpectra = null;
      this.paintSpectra();
    });
  };

  readonly repaintAdded = (): void => {
    if (this.pendingAdded !== null) return;
    this.pendingAdded = requestAnimationFrame(() => {
      this.pendingAdded = null;
      if (this.frame) this.paintMaps(this.frame, this.maps.components.length);
    });
  };

  /** Paint the maps from a place on, or all of them if there are others than before. */
  private paintMaps(frame: Frame, from: number): void {
    const { model } = this;
    const fresh = this.buildTiles(frame);
    const stored = model.get("color_tables")[model.get("color_map")];
    const table = stored ? bytes(stored) : null;
    const style = { table, clip: model.get("clip"), gamma: model.get("gamma") };
    this.maps.paint(this.images, style, fresh ? 0 : from);
  }

  private paintSpectra(): void {
    const { frame, model } = this;
    if (!frame) return;
    this.laterSpectra.cancel();
    this.numbers = JSON.stringify(frame.header.numbers);
    const { bright } = this.highlighting(frame);
    this.lanes = [
      ...this.componentLanes(frame, bright),
      ...this.gestures.flatMap((gesture) => gesture.lanes?.(frame) ?? []),
    ];
    const { channel, header } = frame;
    this.plot.layout(this.lanes.length);
    this.plot.paint(
      {
        lanes: this.lanes,
        channel,
        channelLabel: header.channel_label,
        intensityLabel: header.intensity_label,
        view: {
          scale: model.get("intensity_scale"),
          normalize: model.get("normalization"),
          common: model.get("common_scale"),
          peaks: model.get("peak_labels"),
        },
      },
      this.root,
    );
  }

  /** The spectra of the components that are shown, as lanes of the plot. */
  private componentLanes(frame: Frame, bright: readonly boolean[]): Lane[] {
    const { header, spectra, bands } = frame;
    const means = meanAmounts(frame);
    const outer = this.gestures.flatMap((gesture) => gesture.outerBands?.(frame) ?? []);
    const lanes = spectra.map((values, i) => ({
      label: header.labels[i],
      colour: header.colors[i],
      values,
      band: bands ? bands[i] : null,
      outer: outer[i] ?? null,
      component: i,
      bright: bright[i],
      abundance: means[i],
      peaks: true,
    }));
    return lanes.filter(({ component }) => !header.hidden.includes(component));
  }

  private highlighting({ header }: Frame) {
    const count = header.labels.length;
    const highlighted = highlightedOf(this.model.get("highlighted"), count);
    return { highlighted, bright: brightOf(highlighted, count) };
  }

  /** Collect the maps of the components and of the tools, and make new tiles where they are others than before. */
  private buildTiles(frame: Frame): boolean {
    const images = [...componentImages(frame), ...this.gestures.flatMap((gesture) => gesture.images?.(frame) ?? [])];
    const enlarged = images.findIndex(({ label, hidden }) => !hidden && label === this.model.get("enlarged"));
    this.enlarged = enlarged >= 0;
    this.images = this.enlarged ? images.map((one, i) => ({ ...one, hidden: i !== enlarged })) : images;
    const key = tilesKey(frame.header, this.images, this.enlarged, this.model.get("unavailable") ?? []);
    if (key === this.tilesKey) return false;
    this.tilesKey = key;
    this.maps.build(this.images, frame.header.labels.length);
    this.maps.tiles.forEach((tile, i) => {
      this.listenToTile(tile, i);
    });
    this.layout(frame);
    return true;
  }

  /** Fit everything to the room that there is now. */
  readonly relayout = (): void => {
    if (!this.frame) return;
    this.layout(this.frame);
    this.repaint();
  };

  /** Fit the maps to the width, and report their size, so that the kernel sends no more pixels than are shown. */
  private layout({ header }: Frame): void {
    this.width = this.root.clientWidth;
    if (this.width === 0) return;
    const shown = this.maps.tiles.filter((tile) => !tile.root.hidden).length;
    const [aspect, room] = [aspectRatio(header), this.maps.root.clientWidth];
    const grid = this.enlarged
      ? enlargedLayout(aspect, room, window.innerHeight)
      : gridLayout(shown, aspect, room, gridHeight(this.root));
    this.maps.layout(header, grid);
    const sharpness = window.devicePixelRatio || 1;
    const map = Math.ceil(Math.max(grid.width, grid.height) * sharpness);
    const size: Message = { type: "size", map, plot: Math.ceil(this.width * sharpness) };
    if (JSON.stringify(size) === this.reported) return;
    this.reported = JSON.stringify(size);
    this.send(size);
  }
}
