// The live picture of mffnb: component maps, spectra and a status line, drawn from binary frames.
// One ES module without dependencies; the state that outlives a display is in the widget's model.
//
//   helpers | colours | LiveView: construction, frames, layout, maps, spectra, pointer

const MISSING = 255;
const LEVELS = 254;
const DARK = [13, 15, 20];
const COLOR_MAPS = [
  ["component", "Component colour"],
  ["viridis", "Viridis"],
  ["cividis", "Cividis"],
  ["gray", "Gray"],
];
const SCALES = [
  ["each", "each to its maximum"],
  ["common", "common scale"],
  ["sqrt", "square root, each to its maximum"],
];

// ---------------------------------------------------------------------------------------------------- helpers

/** A new element with a class, attributes, and children. */
function element(tag, className, attributes = {}, children = []) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** The bytes behind what the widget manager delivers, copied so that a Float32Array can be laid over them. */
function bytes(view) {
  if (!view) return new Uint8Array(0);
  if (view instanceof ArrayBuffer) return new Uint8Array(view);
  return new Uint8Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

const SUPERSCRIPTS = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

/** A number as a person writes it, with `digits` significant digits. */
function number(value, digits = 3) {
  if (!Number.isFinite(value)) return "missing";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const sign = value < 0 ? "−" : "";
  if (size >= 1e5 || size < 1e-3) {
    const [mantissa, exponent] = size.toExponential(digits - 1).split("e");
    const power = String(Number(exponent)).replace(/./g, (character) => SUPERSCRIPTS[character]);
    return `${sign}${Number(mantissa)} × 10${power}`;
  }
  return sign + String(Number(size.toPrecision(digits)));
}

/** The largest of 1, 2, 5 times a power of ten that does not exceed `value`. */
function niceBelow(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [5, 2, 1].find((factor) => factor * power <= value * (1 + 1e-9));
  return (step ?? 1) * power;
}

/** Round positions between two values, at most about `count` of them, with their number of decimals. */
function ticks(from, to, count) {
  const [low, high] = from < to ? [from, to] : [to, from];
  const raw = (high - low) / Math.max(count, 1);
  if (!(raw > 0)) return { positions: [low], minor: [], decimals: 2 };
  const power = 10 ** Math.floor(Math.log10(raw) + 1e-9);
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= raw * (1 - 1e-9));
  const step = factor * power;
  const multiples = (width) => {
    const list = [];
    for (let i = Math.ceil(low / width - 1e-9); i * width <= high + 1e-9 * width; i++) list.push(i * width);
    return list;
  };
  const decimals = Math.min(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)), 8);
  return { positions: multiples(step), minor: multiples(step / (factor === 2 ? 4 : 5)), decimals };
}

/** Group digits by thin spaces, so that 12500 reads as twelve thousand five hundred. */
function fixed(value, decimals) {
  const text = Math.abs(value) < 10 ** -decimals / 2 ? (0).toFixed(decimals) : Math.abs(value).toFixed(decimals);
  const [whole, part] = text.split(".");
  const grouped = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, "\u2009") : whole;
  return (value < 0 && Number(text) !== 0 ? "−" : "") + grouped + (part ? "." + part : "");
}

const LENGTHS = [["pm", 1e-12], ["nm", 1e-9], ["µm", 1e-6], ["mm", 1e-3], ["m", 1]];

/** A length with the unit that suits it: 1000 nm is 1 µm; other units stay as they are. */
function length(value, unit) {
  const known = LENGTHS.find(([name]) => name === unit || (name === "µm" && ["um", "μm", "micron"].includes(unit)));
  if (!known || (value >= 0.1 && value < 1000)) return `${number(value, 2)} ${unit}`;
  const meters = value * known[1] * (1 + 1e-9);
  const [name, size] = [...LENGTHS].reverse().find(([, candidate]) => meters >= candidate) ?? LENGTHS[0];
  return `${number(meters / size, 2)} ${name}`;
}

// ---------------------------------------------------------------------------------------------------- colours

function parseColor(hex) {
  const value = parseInt(hex.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

function alpha(hex, opacity) {
  return `rgba(${parseColor(hex).join(",")},${opacity})`;
}

/** 256 steps from dark over the colour to a light tint of it, so that the brightest pixels still differ. */
function ramp(hex) {
  const color = parseColor(hex);
  const tint = color.map((part) => part + 0.55 * (255 - part));
  const table = new Uint8Array(768);
  for (let i = 0; i < 256; i++) {
    const t = i / 255;
    for (let c = 0; c < 3; c++) {
      table[3 * i + c] =
        t < 0.75 ? DARK[c] + (color[c] - DARK[c]) * (t / 0.75) : color[c] + (tint[c] - color[c]) * ((t - 0.75) / 0.25);
    }
  }
  return table;
}

const NEGATIVE = ramp("#9a9a9a");

/** Contrast of one map: the codes that are shown darkest and brightest. */
function limits(codes, clip) {
  const counts = new Uint32Array(256);
  for (let i = 0; i < codes.length; i++) counts[codes[i]]++;
  const observed = codes.length - counts[MISSING];
  let top = LEVELS;
  while (top > 0 && counts[top] === 0) top--;
  let left = (observed * clip) / 100;
  let upper = top;
  while (upper > 0 && left >= counts[upper]) left -= counts[upper--];
  // A component in a handful of pixels only would vanish if these were the clipped ones.
  return [0, upper > 0.02 * top ? Math.max(upper, 1) : Math.max(top, 1)];
}

// --------------------------------------------------------------------------------------------------- the view

class LiveView {
  constructor(model, host) {
    this.model = model;
    this.frame = null; // the frame on the screen
    this.tiles = [];
    this.pending = 0;
    this.drawPending = false;
    this.reported = "";
    this.build(host);
    this.onFrame = () => this.schedule();
    this.onStyle = () => {
      this.updateControls();
      if (this.frame) this.paint();
    };
    model.on("change:encoded", this.onFrame);
    for (const name of ["color_map", "clip", "gamma", "spectra_scale", "highlighted", "color_tables"]) {
      model.on(`change:${name}`, this.onStyle);
    }
    this.resizes = new ResizeObserver(() => this.relayout());
    this.resizes.observe(this.root);
    // JupyterLab switches themes by attributes of the body; canvases do not follow by themselves. It may hide
    // everything at that moment, so the painting waits for the next screen refresh.
    this.themes = new MutationObserver(() => this.schedule());
    this.themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-name", "class"] });
    this.updateControls();
    this.schedule();
  }

  remove() {
    this.removed = true;
    cancelAnimationFrame(this.pending);
    this.model.off("change:encoded", this.onFrame);
    for (const name of ["color_map", "clip", "gamma", "spectra_scale", "highlighted", "color_tables"]) {
      this.model.off(`change:${name}`, this.onStyle);
    }
    this.resizes.disconnect();
    this.themes.disconnect();
    this.root.remove();
  }

  build(host) {
    const choice = (options, title, trait) => {
      const select = element("select", "mffnb-select", { title, "aria-label": title });
      for (const [value, text] of options) select.append(new Option(text, value));
      select.addEventListener("change", () => this.set(trait, select.value));
      return select;
    };
    const slider = (trait, title, text, min, max, step, toTrait, fromTrait) => {
      const input = element("input", "mffnb-range", { type: "range", min, max, step, title, "aria-label": title });
      input.addEventListener("input", () => this.set(trait, toTrait(Number(input.value))));
      input.addEventListener("dblclick", () => this.set(trait, trait === "clip" ? 0.1 : 1));
      input.sync = () => (input.value = fromTrait(this.model.get(trait)));
      return [input, element("label", "mffnb-field", {}, [element("span", "", {}, [text]), input])];
    };
    this.colorMap = choice(COLOR_MAPS, "Colour map", "color_map");
    this.colorMap.classList.add("mffnb-colormap");
    this.scale = choice(SCALES, "Vertical scale of the spectra", "spectra_scale");
    // The slider's right end clips 5 %; squared, because the useful values are far below one per cent.
    const [clip, clipField] = slider(
      "clip", "Share of the brightest pixels shown saturated (double click: 0.1 %)", "Clip", 0, 1, 0.01,
      (x) => Math.round(5000 * x * x) / 1000, (v) => Math.sqrt(v / 5));
    // To the right is brighter, as on a camera.
    const [gamma, gammaField] = slider(
      "gamma", "Lift faint features (double click: linear)", "Gamma", -1, 1, 0.02,
      (x) => Number((3 ** -x).toFixed(3)), (v) => -Math.log(v) / Math.log(3));
    this.sliders = [clip, gamma];
    this.status = element("div", "mffnb-status");
    this.grid = element("div", "mffnb-grid");
    this.spectra = element("canvas", "mffnb-spectra", { role: "img", "aria-label": "Spectra of the components" });
    this.cursor = element("div", "mffnb-cursor");
    this.plot = element("div", "mffnb-plot", {}, [this.spectra, this.cursor]);
    this.tip = element("div", "mffnb-tip");
    this.body = element("div", "mffnb-body", { hidden: "" }, [
      element("div", "mffnb-head", {}, [
        element("span", "mffnb-title", {}, ["Abundance maps"]),
        element("span", "mffnb-controls", {}, [clipField, gammaField, this.colorMap]),
      ]),
      this.grid,
      element("div", "mffnb-head", {}, [
        element("span", "mffnb-title", {}, ["Endmember spectra"]),
        element("span", "mffnb-controls", {}, [this.scale]),
      ]),
      this.plot,
    ]);
    this.empty = element("div", "mffnb-empty", {}, ["Maps and spectra appear here with the first solution."]);
    // Arrow keys on the controls belong to them: the attribute turns JupyterLab's shortcuts off, and the listener
    // keeps the notebook around, which would cancel the key, from seeing it.
    this.root = element("div", "mffnb-view", { "data-lm-suppress-shortcuts": "true" },
      [this.status, this.empty, this.body, this.tip]);
    this.root.addEventListener("keydown", (event) => event.stopPropagation());
    this.plot.addEventListener("pointermove", (event) => this.hoverSpectra(event));
    this.plot.addEventListener("pointerleave", () => this.hideTip());
    this.plot.addEventListener("click", (event) => this.clickSpectra(event));
    host.append(this.root);
  }

  set(trait, value) {
    this.model.set(trait, value);
    this.model.save_changes();
  }

  updateControls() {
    this.colorMap.value = this.model.get("color_map");
    this.scale.value = this.model.get("spectra_scale");
    for (const input of this.sliders) input.sync();
  }

  // --------------------------------------------------------------------------------------------------- frames

  /** Draw with the next screen refresh whatever frame is the newest by then. */
  schedule() {
    if (this.drawPending) return;
    this.drawPending = true;
    this.pending = requestAnimationFrame(() => {
      this.drawPending = false;
      this.accept(this.model.get("encoded"));
    });
  }

  accept(encoded) {
    const header = encoded && encoded.header;
    if (!header) return this.showEmpty();
    const shown = this.frame && this.frame.header;
    if (shown && shown.epoch === header.epoch && header.generation < shown.generation) return undefined;
    const [h, w] = header.map_shape;
    const k = header.labels.length;
    const codes = bytes(encoded.maps);
    const floats = new Float32Array(bytes(encoded.spectra).buffer);
    const m = header.channels;
    const row = (i) => floats.subarray(i * m, (i + 1) * m);
    this.frame = {
      header,
      maps: header.labels.map((_, i) => codes.subarray(i * h * w, (i + 1) * h * w)),
      channel: row(0),
      spectra: header.labels.map((_, i) => row(1 + i)),
      bands: header.bands ? header.labels.map((_, i) => [row(1 + k + i), row(1 + 2 * k + i)]) : null,
    };
    this.empty.hidden = true;
    this.body.hidden = false;
    const key = JSON.stringify([k, header.labels, header.colors, header.shape, header.pixel_size]);
    if (key !== this.key) {
      this.key = key;
      this.buildTiles();
      this.layout();
    }
    this.paint();
    this.paintStatus();
    const data = this.root.dataset;
    data.generation = header.generation;
    data.final = header.final;
    data.iteration = header.status.iteration ?? "";
    data.objective = header.status.objective ?? "";
    data.parameters = JSON.stringify(header.parameters);
    data.bands = this.frame.bands !== null;
    // A timer set in an animation callback runs after the pixels reached the screen.
    setTimeout(() => this.removed || this.model.send({ type: "drawn", sequence: header.sequence }), 0);
    return undefined;
  }

  showEmpty() {
    this.frame = null;
    this.key = null;
    this.empty.hidden = false;
    this.body.hidden = true;
    this.status.replaceChildren();
    this.hideTip();
    for (const name of ["generation", "final", "iteration", "objective", "parameters", "bands"]) delete this.root.dataset[name];
  }

  paint() {
    const highlighted = this.highlighted();
    this.bright = this.tiles.map((_, i) => highlighted.length === 0 || highlighted.includes(i));
    this.tiles.forEach((tile, i) => this.paintMap(tile, i));
    this.paintSpectra();
  }

  /** Highlighted components; those beyond a number of components that has shrunk do not count. */
  highlighted() {
    return this.model.get("highlighted").filter((i) => i < this.tiles.length);
  }

  paintStatus() {
    const { header } = this.frame;
    const { iteration, relative_error, objective, outcome, milliseconds, text } = header.status;
    const facts = [];
    if (iteration != null) facts.push(["iteration", fixed(iteration, 0)]);
    if (relative_error != null) facts.push(["relative error", number(relative_error)]);
    if (objective != null) facts.push(["objective", number(objective, 4)]);
    if (milliseconds != null) {
      facts.push(["", milliseconds < 1000 ? `${fixed(milliseconds, 0)} ms` : `${fixed(milliseconds / 1000, 1)} s`]);
    }
    this.status.classList.toggle("mffnb-final", header.final);
    this.status.replaceChildren(
      element("span", "mffnb-dot"),
      element("span", "mffnb-outcome", {}, [String(outcome || (header.final ? "done" : "solving"))]),
      ...facts.map(([name, value]) =>
        element("span", "mffnb-fact", {}, [name ? `${name} ` : "", element("b", "", {}, [value])])),
      ...(text ? [element("span", "mffnb-text", {}, [String(text)])] : []),
    );
  }

  // --------------------------------------------------------------------------------------------------- layout

  buildTiles() {
    const { labels, colors } = this.frame.header;
    this.tiles = labels.map((label, i) => {
      const canvas = element("canvas", "mffnb-map", { role: "img", "aria-label": `Map of ${label}` });
      const cross = element("div", "mffnb-cross");
      const bar = element("div", "mffnb-bar");
      const picture = element("div", "mffnb-picture", {}, [canvas, bar, cross]);
      const name = element("button", "mffnb-name", { type: "button", title: "Highlight this component" }, [label]);
      const gradient = element("span", "mffnb-gradient");
      const low = element("span", "mffnb-low");
      const high = element("span", "mffnb-high");
      const legend = element("div", "mffnb-legend", {}, [low, gradient, high]);
      const node = element("div", "mffnb-tile", {}, [picture, element("div", "mffnb-caption", {}, [name, legend])]);
      node.style.setProperty("--mffnb-color", colors[i]);
      node.addEventListener("click", () => this.toggle(i));
      picture.addEventListener("pointermove", (event) => this.hoverMap(event, picture));
      picture.addEventListener("pointerleave", () => this.hideTip());
      return { node, canvas, picture, cross, bar, name, gradient, low, high, ramp: ramp(colors[i]), image: null };
    });
    this.grid.replaceChildren(...this.tiles.map((tile) => tile.node));
  }

  /** Height over width of a map, by physical size where that is known; extreme ones are bounded to stay visible. */
  aspect() {
    const { shape, pixel_size } = this.frame.header;
    const ratio = (shape[0] * (pixel_size ? pixel_size[0] : 1)) / (shape[1] * (pixel_size ? pixel_size[1] : 1));
    return Math.min(Math.max(ratio, 1 / 12), 6);
  }

  relayout() {
    if (!this.frame || (this.root.clientWidth === this.width && !this.stale)) return;
    this.layout();
    this.paint();
  }

  /** Choose the number of columns that makes the maps large without pushing the spectra off the screen. */
  layout() {
    this.width = this.root.clientWidth;
    if (this.width === 0) return;
    const gap = 12;
    const caption = 26;
    const k = this.tiles.length;
    const aspect = this.aspect();
    let best = { score: -1 };
    for (let columns = 1; columns <= k; columns++) {
      const rows = Math.ceil(k / columns);
      const space = (this.grid.clientWidth - gap * (columns - 1)) / columns;
      const tall = (540 - rows * (caption + gap)) / rows / aspect;
      const width = Math.floor(Math.min(space, Math.max(tall, 96), 400));
      const used = Math.min((columns * width) / this.grid.clientWidth, 1);
      const score = width * used * (k / (rows * columns)) ** 2; // large, full width, no stragglers
      if (score > best.score) best = { score, columns, width };
    }
    this.grid.style.gridTemplateColumns = `repeat(${best.columns}, ${best.width}px)`;
    const height = Math.max(Math.round(best.width * aspect), 8);
    for (const tile of this.tiles) {
      tile.picture.style.height = `${height}px`;
      this.layoutBar(tile, best.width, height);
    }
    this.tileWidth = best.width;
    this.grid.classList.toggle("mffnb-narrow", best.width < 210);
    const plotHeight = Math.min(Math.max(160 + 44 * k, 230), 640);
    this.plot.style.height = `${plotHeight}px`;
    const dpr = window.devicePixelRatio || 1;
    const size = { type: "size", map: Math.ceil(Math.max(best.width, height) * dpr), plot: Math.ceil(this.width * dpr) };
    if (JSON.stringify(size) !== this.reported) {
      this.reported = JSON.stringify(size);
      this.model.send(size);
    }
  }

  layoutBar(tile, width, height) {
    const { pixel_size, shape } = this.frame.header;
    tile.bar.hidden = !pixel_size || width < 80 || height < 48;
    if (tile.bar.hidden) return;
    const extent = pixel_size[1] * shape[1];
    const shown = niceBelow(extent * 0.38);
    tile.bar.style.width = `${(100 * shown) / extent}%`;
    tile.bar.textContent = length(shown, pixel_size[2]);
  }

  // ----------------------------------------------------------------------------------------------------- maps

  /** The colour of each code of a map, with the contrast applied. */
  palette(tile, [lower, upper], zero) {
    const name = this.model.get("color_map");
    const gamma = this.model.get("gamma");
    const stored = this.model.get("color_tables")[name];
    const pick = (table, t) => {
      const at = 3 * Math.round(255 * Math.min(Math.max(t, 0), 1) ** gamma);
      return [table[at], table[at + 1], table[at + 2]];
    };
    if (stored) {
      const table = bytes(stored);
      return (code) => pick(table, (code - lower) / (upper - lower));
    }
    // Signed maps, of principal components say: zero is dark, positive has the colour, negative is grey.
    const span = Math.max(zero - lower, upper - zero, 1);
    return (code) => pick(code >= zero ? tile.ramp : NEGATIVE, Math.abs(code - zero) / span);
  }

  paintMap(tile, i) {
    const { header, maps } = this.frame;
    const [h, w] = header.map_shape;
    const codes = maps[i];
    if (tile.canvas.width !== w || tile.canvas.height !== h || !tile.image) {
      tile.canvas.width = w;
      tile.canvas.height = h;
      tile.image = new ImageData(w, h);
      tile.pixels = new Uint32Array(tile.image.data.buffer);
    }
    const dpr = window.devicePixelRatio || 1;
    // Crisp when enlarged; smooth when reduced, where picking single pixels would sparkle.
    tile.canvas.style.imageRendering = w <= this.tileWidth * dpr * 1.05 ? "pixelated" : "auto";
    const [low, high] = header.ranges[i];
    const [lower, upper] = limits(codes, this.model.get("clip"));
    const color = this.palette(tile, [lower, upper], high > low ? Math.round((-low / (high - low)) * LEVELS) : 0);
    const words = new Uint32Array(256);
    for (let code = 0; code <= LEVELS; code++) {
      const [red, green, blue] = color(code);
      words[code] = ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    }
    words[MISSING] = 0; // transparent: the hatched background of the tile shows
    for (let j = 0; j < codes.length; j++) tile.pixels[j] = words[codes[j]];
    tile.canvas.getContext("2d").putImageData(tile.image, 0, 0);

    tile.low.textContent = number(low + (lower / LEVELS) * (high - low), 2);
    tile.high.textContent = number(low + (upper / LEVELS) * (high - low), 3);
    const stops = Array.from({ length: 13 }, (_, n) => `rgb(${color(Math.round(lower + ((upper - lower) * n) / 12))})`);
    tile.gradient.style.background = `linear-gradient(to right, ${stops.join(",")})`;
    tile.node.classList.toggle("mffnb-faded", !this.bright[i]);
    tile.name.setAttribute("aria-pressed", String(this.highlighted().includes(i)));
  }

  // -------------------------------------------------------------------------------------------------- spectra

  paintSpectra() {
    const { header, channel, spectra } = this.frame;
    const k = spectra.length;
    const dpr = window.devicePixelRatio || 1;
    const width = this.plot.clientWidth;
    const height = this.plot.clientHeight;
    this.stale = width === 0; // not visible now; painted when it gets a size again
    if (this.stale || k === 0) return;
    const canvas = this.spectra;
    canvas.width = Math.round(width * dpr);
    canvas.height = Math.round(height * dpr);
    const style = getComputedStyle(this.root);
    const ink = style.getPropertyValue("--mffnb-ink").trim() || "#333";
    const faint = style.getPropertyValue("--mffnb-faint").trim() || "#ddd";
    const family = style.fontFamily;
    const g = canvas.getContext("2d");
    g.scale(dpr, dpr);

    g.font = `600 12px ${family}`;
    const gutter = Math.min(Math.max(...header.labels.map((label) => g.measureText(label).width)) + 20, 150);
    const area = { left: gutter, right: width - 24, top: 8, bottom: height - 44 };
    const [from, to] = [channel[0], channel[channel.length - 1]];
    const span = to - from || 1;
    const x = (value) => area.left + ((value - from) / span) * (area.right - area.left);
    this.axis = { ...area, from, span };

    // Axis: light vertical lines behind the curves, ticks and numbers below.
    const axis = ticks(from, to, (area.right - area.left) / 95);
    g.strokeStyle = faint;
    g.lineWidth = 1;
    g.beginPath();
    for (const value of axis.positions) {
      const at = Math.round(x(value)) + 0.5;
      g.moveTo(at, area.top);
      g.lineTo(at, area.bottom);
    }
    g.stroke();

    const scaleName = this.model.get("spectra_scale");
    const shape = scaleName === "sqrt" ? (v) => Math.sign(v) * Math.sqrt(Math.abs(v)) : (v) => v;
    const ranges = spectra.map((values) => {
      let low = 0;
      let high = 0;
      for (const value of values) {
        if (value > high) high = value;
        else if (value < low) low = value;
      }
      return [low, high];
    });
    this.tops = ranges.map(([low, high]) => Math.max(high, -low));
    if (scaleName === "common") {
      const low = Math.min(...ranges.map((range) => range[0]));
      const high = Math.max(...ranges.map((range) => range[1]));
      ranges.fill([low, high]);
    }
    const lane = (area.bottom - area.top) / k;
    this.lanes = { top: area.top, height: lane };
    spectra.forEach((values, i) => {
      const [low, high] = ranges[i].map(shape);
      const floor = area.top + (i + 1) * lane - (i === k - 1 ? 1 : 3);
      const unit = (lane * 0.9) / (high - low || 1);
      const zero = floor + low * unit;
      if (this.frame.bands) {
        const lid = area.top + i * lane;
        const y = (value) => Math.min(Math.max(zero - shape(value) * unit, lid), area.bottom);
        this.paintBand(g, this.frame.bands[i], i, x, y);
      }
      this.paintCurve(g, values, i, x, zero, (value) => zero - shape(value) * unit, dpr);
      g.globalAlpha = this.bright[i] ? 1 : 0.3;
      g.font = `600 12px ${family}`;
      g.fillStyle = header.colors[i];
      g.textAlign = "right";
      g.textBaseline = "alphabetic";
      g.fillText(clipText(g, header.labels[i], gutter - 14), gutter - 10, Math.min(zero, floor) - 1);
      g.globalAlpha = 1;
    });

    g.strokeStyle = g.fillStyle = ink;
    g.lineWidth = 1;
    const base = Math.round(area.bottom) + 0.5;
    g.beginPath();
    g.moveTo(area.left, base);
    g.lineTo(area.right, base);
    for (const [list, length] of [[axis.positions, 6], [axis.minor, 3]]) {
      for (const value of list) {
        const at = Math.round(x(value)) + 0.5;
        g.moveTo(at, base);
        g.lineTo(at, base + length);
      }
    }
    g.stroke();
    g.font = `12px ${family}`;
    g.textAlign = "center";
    g.textBaseline = "top";
    for (const value of axis.positions) g.fillText(fixed(value, axis.decimals), x(value), base + 8);
    g.font = `600 12px ${family}`;
    g.fillText(header.channel_label, (area.left + area.right) / 2, base + 25);
  }

  /** Where the spectrum may be, behind its curve; a gap wherever an end is missing. */
  paintBand(g, [lower, upper], i, x, y) {
    const { channel } = this.frame;
    const area = new Path2D();
    for (let j = 0; j < channel.length; ) {
      const start = j;
      while (j < channel.length && Number.isFinite(lower[j]) && Number.isFinite(upper[j])) j++;
      for (let a = start; a < j; a++) area[a === start ? "moveTo" : "lineTo"](x(channel[a]), y(upper[a]));
      for (let b = j - 1; b >= start; b--) area.lineTo(x(channel[b]), y(lower[b]));
      if (j > start) area.closePath();
      else j++;
    }
    g.globalAlpha = this.bright[i] ? 1 : 0.18;
    g.fillStyle = alpha(this.frame.header.colors[i], 0.45);
    g.fill(area);
    g.globalAlpha = 1;
  }

  paintCurve(g, values, i, x, zero, y, dpr) {
    const color = this.frame.header.colors[i];
    const { channel } = this.frame;
    const line = new Path2D();
    const fill = new Path2D();
    let start = -1;
    for (let j = 0; j <= values.length; j++) {
      const observed = j < values.length && Number.isFinite(values[j]);
      if (observed) {
        const [px, py] = [x(channel[j]), y(values[j])];
        if (start < 0) {
          start = j;
          line.moveTo(px, py);
          fill.moveTo(px, zero);
        } else line.lineTo(px, py);
        fill.lineTo(px, py);
      } else if (start >= 0) {
        fill.lineTo(x(channel[j - 1]), zero);
        start = -1;
      }
    }
    g.globalAlpha = this.bright[i] ? 1 : 0.18;
    g.fillStyle = alpha(color, 0.2);
    g.fill(fill);
    g.strokeStyle = alpha(color, 0.45);
    g.lineWidth = 1;
    g.beginPath();
    g.moveTo(this.axis.left, Math.round(zero) + 0.5);
    g.lineTo(this.axis.right, Math.round(zero) + 0.5);
    g.stroke();
    g.strokeStyle = color;
    g.lineWidth = dpr > 1 ? 1.25 : 1.4;
    g.lineJoin = "round";
    g.stroke(line);
    g.globalAlpha = 1;
  }

  // -------------------------------------------------------------------------------------------------- pointer

  toggle(i) {
    const highlighted = this.highlighted();
    const next = highlighted.includes(i) ? highlighted.filter((j) => j !== i) : [...highlighted, i];
    this.set("highlighted", next.length === this.tiles.length ? [] : next);
  }

  clickSpectra(event) {
    if (!this.lanes) return;
    const at = event.clientY - this.plot.getBoundingClientRect().top - this.lanes.top;
    const i = Math.floor(at / this.lanes.height);
    if (i >= 0 && i < this.tiles.length) this.toggle(i);
  }

  hoverMap(event, picture) {
    if (!this.frame) return;
    const { header, maps } = this.frame;
    const box = picture.getBoundingClientRect();
    const [fx, fy] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    if (fx < 0 || fy < 0 || fx >= 1 || fy >= 1) return;
    const [h, w] = header.map_shape;
    const [height, width] = header.shape;
    const [row, column] = [Math.floor(fy * h), Math.floor(fx * w)];
    const [y, x] = [Math.floor(fy * height), Math.floor(fx * width)];
    const size = header.pixel_size;
    const places = (step) => Math.max(0, Math.min(6, Math.ceil(-Math.log10(step))));
    const title = size
      ? `x ${fixed(x * size[1], places(size[1]))} ${size[2]}, y ${fixed(y * size[0], places(size[0]))} ${size[2]}`
      : `x ${x}, y ${y}`;
    const values = maps.map((codes, i) => {
      const code = codes[row * w + column];
      const [low, high] = header.ranges[i];
      return code === MISSING ? NaN : low + (code / LEVELS) * (high - low);
    });
    for (const tile of this.tiles) {
      tile.cross.style.left = `${100 * fx}%`;
      tile.cross.style.top = `${100 * fy}%`;
    }
    this.root.classList.add("mffnb-hovering");
    this.showTip(event, title, size ? `pixel ${x}, ${y}` : "pixel", values);
  }

  hoverSpectra(event) {
    if (!this.frame || !this.axis) return;
    const { channel, spectra } = this.frame;
    const { left, right, from, span } = this.axis;
    const at = event.clientX - this.plot.getBoundingClientRect().left;
    if (at < left || at > right) return void this.hideTip();
    const value = from + ((at - left) / (right - left)) * span;
    let [first, last] = [0, channel.length - 1];
    while (last - first > 1) {
      const middle = (first + last) >> 1;
      if ((channel[middle] - value) * Math.sign(span) <= 0) first = middle;
      else last = middle;
    }
    const closest = Math.abs(channel[first] - value) <= Math.abs(channel[last] - value) ? first : last;
    const nearest = this.peakNear(closest, (4 * Math.abs(span)) / (right - left));
    const step = Math.abs(span) / Math.max(channel.length - 1, 1);
    const decimals = Math.max(0, Math.min(6, Math.ceil(-Math.log10(step))));
    this.cursor.style.left = `${left + ((channel[nearest] - from) / span) * (right - left)}px`;
    this.cursor.hidden = false;
    this.root.classList.add("mffnb-hovering");
    this.showTip(event, fixed(channel[nearest], decimals), this.frame.header.channel_label,
      spectra.map((curve, i) => (Math.abs(curve[nearest]) < 1e-6 * this.tops[i] ? 0 : curve[nearest])));
  }

  /** The index of the highest peak within a distance, so that a narrow line can be hit; else the index itself. */
  peakNear(index, distance) {
    const { channel, spectra } = this.frame;
    let [best, height] = [index, 0.02];
    spectra.forEach((values, i) => {
      if (!this.bright[i] || !(this.tops[i] > 0)) return;
      const visit = (j) => {
        const relative = values[j] / this.tops[i];
        if (relative > height && values[j] >= (values[j - 1] ?? -Infinity) && values[j] >= (values[j + 1] ?? -Infinity)) {
          [best, height] = [j, relative];
        }
      };
      for (let j = index; j >= 0 && Math.abs(channel[j] - channel[index]) <= distance; j--) visit(j);
      for (let j = index + 1; j < channel.length && Math.abs(channel[j] - channel[index]) <= distance; j++) visit(j);
    });
    return best;
  }

  showTip(event, title, note, values) {
    const { labels, colors } = this.frame.header;
    const rows = values.map((value, i) => {
      const swatch = element("i", "");
      swatch.style.background = colors[i];
      const row = element("div", "mffnb-tip-row", {}, [swatch, element("span", "", {}, [labels[i]]),
        element("b", "", {}, [number(value)])]);
      row.classList.toggle("mffnb-faded", !this.bright[i]);
      return row;
    });
    this.tip.replaceChildren(
      element("div", "mffnb-tip-title", {}, [element("b", "", {}, [title]), element("span", "", {}, [note])]), ...rows);
    this.tip.classList.add("mffnb-shown");
    const box = this.root.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const toLeft = x + 24 + this.tip.offsetWidth > box.width;
    const top = Math.min(y + 14, Math.max(box.height - this.tip.offsetHeight - 4, 0));
    this.tip.style.transform = `translate(${toLeft ? x - 14 - this.tip.offsetWidth : x + 18}px, ${top}px)`;
  }

  hideTip() {
    this.tip.classList.remove("mffnb-shown");
    this.root.classList.remove("mffnb-hovering");
  }
}

/** Shorten a text with an ellipsis until it fits. */
function clipText(g, text, width) {
  if (g.measureText(text).width <= width) return text;
  let end = text.length;
  while (end > 1 && g.measureText(text.slice(0, end) + "…").width > width) end--;
  return text.slice(0, end) + "…";
}

// Letters and arrows that choose in a drop-down list would otherwise be commands to the notebook: "c" copies the cell.
document.addEventListener("focusin", ({ target }) => {
  if (target.matches?.(".mffnb-controls select")) target.setAttribute("data-lm-suppress-shortcuts", "true");
});

export default {
  render({ model, el }) {
    const view = new LiveView(model, el);
    return () => view.remove();
  },
};
