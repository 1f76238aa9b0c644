// A living figure: sliders, the live view, and the worker that solves; one object holds the state of the page.

import { TOOLS } from "all-tools";
import { action } from "../controls";
import { element } from "../dom";
import { hideCalls } from "../hints";
import type { LiveViewTraits, Message, Status } from "../protocol";
import { LiveView } from "../view";
import type { CodedMatrix } from "./entries";
import type { Arrays, Facts } from "./facts";
import { encodedFrame, type Shown } from "./frames";
import { type LocalModel, localModel } from "./local_model";
import { answer } from "./local_tools";
import type { Answer, Opening, Request, Settings } from "./messages";
import { countSlider, type Slider, weightSlider } from "./weight_slider";

const K_HELP = "Number of components; another number starts from factors that the figure holds";
const SPARSITY_HELP = "Weight of the sum of the abundances: the higher, the fewer components in a pixel";
const SMOOTHNESS_HELP = "Weight of differences between adjacent pixels: the higher, the smoother the maps";

export class LivingFigure {
  private readonly facts: Facts;
  private readonly channel: Float32Array;
  private readonly matrix: CodedMatrix;
  private readonly worker: Worker;
  private readonly local: LocalModel;
  private readonly sliders: Readonly<Record<keyof Settings, Slider>>;
  private readonly labels: string[];
  private readonly weights: number[];
  private readonly own: Shown;
  private shown: Shown;
  /** Whether the page shows the result as it was written: the next run then starts from it. */
  private published = true;
  private generation = 0;
  private sequence = 0;

  constructor(facts: Facts, arrays: Arrays, worker: Worker) {
    const pixels = facts.shape[0] * facts.shape[1];
    const { channel, codes } = arrays;
    [this.facts, this.channel, this.worker] = [facts, channel, worker];
    this.matrix = { codes, step: facts.step, pixels, channels: channel.length };
    this.labels = [...facts.labels];
    this.weights = facts.labels.map(() => 1);
    const moved = () => this.solve();
    this.sliders = {
      k: countSlider("Components", K_HELP, facts.labels.length, moved),
      sparsity: weightSlider("Sparsity", SPARSITY_HELP, facts.sparsity, moved),
      smoothness: weightSlider("Smoothness", SMOOTHNESS_HELP, facts.smoothness, moved),
    };
    this.own = this.ownState(arrays);
    this.shown = this.own;
    this.local = localModel(traitsOf(arrays), this.receive);
    worker.onmessage = ({ data }: MessageEvent<Answer>) => this.take(data);
    worker.onerror = () => this.local.set({ error: "The solver of this page has stopped: load the page again." });
    const { A, E } = arrays;
    const grid = { height: facts.shape[0], width: facts.shape[1], bands: facts.bands };
    const starts = { A, E, ranked: facts.ranked };
    const { tolerance, iterations } = facts;
    const opening: Opening = { type: "open", matrix: this.matrix, grid, starts, tolerance, iterations };
    worker.postMessage(opening);
    this.reset();
  }

  /** Put sliders and view into the page. */
  attach(controls: HTMLElement, place: HTMLElement): void {
    const reset = action("Published settings", "Show the result as it was written", () => this.reset());
    const { k, sparsity, smoothness } = this.sliders;
    controls.append(k.root, sparsity.root, smoothness.root, reset);
    const view = new LiveView(this.local.model, TOOLS);
    place.append(view.root);
    hideCalls(view.root);
    // Canvases are painted in the colours of the page, and paint again when the class of the body changes.
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const follow = () => document.body.classList.toggle("mffnb-dark", dark.matches);
    dark.addEventListener("change", follow);
    follow();
  }

  /** The result as it was written. */
  private ownState({ A, E }: Arrays): Shown {
    const { settings, outcome, ranked, labels } = this.facts;
    const [k, whole] = [settings.k, labels.length];
    return {
      generation: 0,
      final: true,
      numbers: Array.from(ranked, (_, i) => i),
      A: A.subarray(0, (A.length / whole) * k),
      E: E.subarray(0, (E.length / whole) * k),
      status: { outcome, text: "the published result" },
      parameters: settings,
      labels: this.labels,
      weights: this.weights,
    };
  }

  private get settings(): Settings {
    const { k, sparsity, smoothness } = this.sliders;
    return { k: k.value(), sparsity: sparsity.value(), smoothness: smoothness.value() };
  }

  /** Return to the settings of the result, and show it. */
  private reset(): void {
    for (const name of ["k", "sparsity", "smoothness"] as const) this.sliders[name].set(this.facts.settings[name]);
    this.generation += 1;
    this.local.set({ activity: {} });
    this.show({ ...this.own, generation: this.generation });
    this.published = true;
  }
  private solve(): void {
    this.generation += 1;
    const { generation, settings } = this;
    const request: Request = { type: "solve", generation, settings, fresh: this.published };
    this.published = false;
    this.worker.postMessage(request);
    const text = `${settings.k} components`;
    this.local.set({ activity: { generation, text, progress: null, failed: false } });
  }

  private take(found: Answer): void {
    if (found.generation !== this.generation || this.published) return;
    const { numbers, A, E, generation, iteration, objective, milliseconds, outcome } = found;
    const status: Status = { iteration, objective, milliseconds, relative_error: found.relativeError, outcome };
    const { labels, weights, settings } = this;
    const final = outcome !== "";
    this.show({ generation, final, numbers, A, E, status, parameters: settings, labels, weights });
  }

  private show(shown: Shown): void {
    this.shown = shown;
    this.sequence += 1;
    this.local.set({ encoded: encodedFrame(this.facts, this.channel, shown, this.sequence) });
  }

  /** Answer what the view sends to Python elsewhere. */
  private readonly receive = (message: Message): void => {
    if (message.type !== "call") return;
    const { tool, arguments: args } = message;
    if (tool === "rename") {
      this.labels[Number(args.component)] = String(args.name);
      this.show(this.shown);
    } else if (tool === "composite") {
      this.mix(args);
    } else {
      const values = answer(tool, args, this.matrix, this.channel, this.facts.shape);
      if (values) this.local.set({ [`tool_${tool}`]: values });
    }
  };

  private mix({ shown, weights }: Readonly<Record<string, unknown>>): void {
    for (const [number, weight] of (weights ?? []) as [number, number][]) this.weights[number] = weight;
    if (weights) this.show(this.shown);
    if (shown !== undefined) this.local.set({ tool_composite: { shown, opacity: 1 } });
  }
}

/** The traits of the view; those of tools that need a kernel are absent, and the tools then hide. */
function traitsOf({ tables }: Arrays): LiveViewTraits {
  return {
    encoded: {},
    color_map: "component",
    clip: 0.1,
    gamma: 1,
    intensity_scale: "linear",
    normalization: "none",
    common_scale: false,
    peak_labels: true,
    freedom_bands: false,
    channel_range: [],
    highlighted: [],
    enlarged: "",
    color_tables: tables,
    error: "",
    watched: [],
    typed: [],
    owner: "figure",
    activity: {},
    notices: [],
    unavailable: [],
    tool_probe: {},
    tool_band: {},
    tool_mean_spectrum: {},
    tool_rename: {},
    tool_composite: {},
  };
}

/** Text that says that the page could not start. */
export function failure(reason: unknown): HTMLElement {
  const text = `This figure could not start (${reason}). It needs a browser of 2023 or newer.`;
  return element("p", "mffnb-living-failure", { role: "alert" }, [text]);
}
