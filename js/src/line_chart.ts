// A chart of several curves over one axis, as SVG: axes with round labels, and the values under the pointer.

import { element, svg } from "./dom";
import { fixed, number } from "./format";
import { ticks } from "./ticks";
import type { TipRow } from "./tip";

export interface Curve {
  readonly label: string;
  readonly colour: string;
  readonly values: Float32Array;
}

export interface ChartData {
  /** Position of each value, rising. */
  readonly x: Float32Array;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly curves: readonly Curve[];
}

const HEIGHT = 190;
const [LEFT, RIGHT, TOP, BOTTOM] = [64, 14, 10, 40];

/** Lowest and highest value of all curves, zero included. */
export function rangeOf(curves: readonly Curve[]): readonly [number, number] {
  let [low, high] = [0, 0];
  for (const { values } of curves)
    for (const value of values) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
  return high > low ? [low, high] : [0, 1];
}

/** SVG path of a curve; missing values are gaps. */
export function curvePath(
  x: Float32Array,
  values: Float32Array,
  left: (value: number) => number,
  top: (value: number) => number,
): string {
  let path = "";
  let begun = false;
  values.forEach((value, i) => {
    if (Number.isFinite(value)) path += `${begun ? "L" : "M"}${left(x[i]).toFixed(1)} ${top(value).toFixed(1)}`;
    begun = Number.isFinite(value);
  });
  return path;
}

/** The same values as a table with a head line, for a spreadsheet. */
export function csvOf({ x, xLabel, curves }: ChartData): string {
  const cell = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const head = [xLabel, ...curves.map(({ label }) => label)].map(cell).join(",");
  const text = (value: number) => (Number.isFinite(value) ? String(Number(value.toPrecision(7))) : "");
  const rows = Array.from(x, (at, i) => [at, ...curves.map(({ values }) => values[i])].map(text).join(","));
  return [head, ...rows, ""].join("\n");
}

export class LineChart {
  readonly root: HTMLElement;
  private readonly picture = svg("svg", { class: "mffnb-chart-picture", height: HEIGHT, "aria-hidden": "true" });
  private readonly cursor = svg("line", { class: "mffnb-chart-cursor", y1: TOP, y2: HEIGHT - BOTTOM });
  private data: ChartData | null = null;
  private width = 0;
  /** Number of the value that is read. */
  private at = -1;
  /** Told which value is read, and where on the page; null when none is any more. */
  private readonly read: (at: number | null, place: { clientX: number; clientY: number }) => void;

  constructor(label: string, read: (at: number | null, place: { clientX: number; clientY: number }) => void) {
    this.read = read;
    this.root = element("div", "mffnb-chart", {
      tabindex: 0,
      role: "slider",
      "aria-label": label,
      "aria-valuemin": 0,
      "aria-valuemax": 0,
      "aria-valuenow": 0,
    });
    this.root.append(this.picture);
    this.root.addEventListener("pointermove", ({ clientX, clientY }) => {
      const box = this.root.getBoundingClientRect();
      const share = (clientX - box.left - LEFT) / (this.width - LEFT - RIGHT);
      const x = this.data?.x;
      if (!x || !(share >= -0.02 && share <= 1.02)) return this.leave();
      const value = x[0] + share * (x[x.length - 1] - x[0]);
      let best = 0;
      for (let i = 1; i < x.length; i++) if (Math.abs(x[i] - value) < Math.abs(x[best] - value)) best = i;
      this.point(best, clientY);
    });
    this.root.addEventListener("pointerleave", () => this.leave());
    this.root.addEventListener("blur", () => this.leave());
    this.root.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      const count = this.data?.x.length ?? 0;
      if (event.key === "Escape" && this.at >= 0) event.preventDefault();
      if (event.key === "Escape") return this.leave();
      if (step === undefined || count === 0) return;
      event.preventDefault();
      const next = this.at < 0 ? count >> 1 : this.at + step * (event.shiftKey ? 10 : 1);
      this.point(Math.min(Math.max(next, 0), count - 1), this.root.getBoundingClientRect().top + TOP);
    });
  }

  /** Values of all curves at a position, for the box beside the pointer. */
  rows(at: number): TipRow[] {
    return (this.data?.curves ?? []).map(({ label, colour, values }) => ({
      label,
      colour,
      value: values[at],
      bright: true,
    }));
  }

  /** Draw curves on a width in CSS pixels. */
  show(data: ChartData, width: number): void {
    [this.data, this.width] = [data, width];
    const [low, high] = rangeOf(data.curves);
    const top = (value: number) => TOP + (1 - (value - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
    const parts: Element[] = [];
    const text = (words: string, x: number, y: number, anchor: string, more = {}) => {
      const one = svg("text", { x, y, "text-anchor": anchor, ...more });
      one.textContent = words;
      parts.push(one);
    };
    const yTicks = ticks(low, high, 5);
    for (const value of yTicks.positions) {
      parts.push(
        svg("line", { class: "mffnb-chart-grid", x1: LEFT, x2: width - RIGHT, y1: top(value), y2: top(value) }),
      );
      text(number(value), LEFT - 7, top(value) + 4, "end");
    }
    const xTicks = ticks(data.x[0], data.x[data.x.length - 1], Math.max(2, Math.floor(width / 110)));
    for (const value of xTicks.positions) {
      const x = this.left(value);
      parts.push(
        svg("line", { class: "mffnb-chart-tick", x1: x, x2: x, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM + 4 }),
      );
      text(fixed(value, xTicks.decimals), x, HEIGHT - BOTTOM + 17, "middle");
    }
    const base = HEIGHT - BOTTOM;
    parts.push(svg("line", { class: "mffnb-chart-tick", x1: LEFT, x2: width - RIGHT, y1: base, y2: base }));
    text(data.xLabel, (LEFT + width - RIGHT) / 2, HEIGHT - 6, "middle", { class: "mffnb-chart-title" });
    const middle = (TOP + HEIGHT - BOTTOM) / 2;
    const turned = { class: "mffnb-chart-title", transform: `rotate(-90 14 ${middle})` };
    text(data.yLabel, 14, middle + 4, "middle", turned);
    for (const { values, colour } of data.curves) {
      const path = curvePath(data.x, values, (value) => this.left(value), top);
      parts.push(svg("path", { class: "mffnb-chart-curve", d: path, stroke: colour }));
    }
    this.picture.setAttribute("width", String(width));
    this.picture.replaceChildren(...parts, this.cursor);
    this.root.setAttribute("aria-valuemax", String(data.x.length - 1));
    if (this.at >= data.x.length) this.at = -1;
    this.showCursor();
  }

  private left(value: number): number {
    const x = this.data?.x ?? [0, 1];
    const span = x[x.length - 1] - x[0] || 1;
    return LEFT + ((value - x[0]) / span) * (this.width - LEFT - RIGHT);
  }

  private point(at: number, clientY: number): void {
    this.at = at;
    this.showCursor();
    const values = this.rows(at).map(({ label, value }) => `${label} ${number(value)}`);
    this.root.setAttribute("aria-valuenow", String(at));
    this.root.setAttribute("aria-valuetext", [number(this.data?.x[at] ?? 0), ...values].join(", "));
    const box = this.root.getBoundingClientRect();
    this.read(at, { clientX: box.left + this.left(this.data?.x[at] ?? 0), clientY });
  }

  private leave(): void {
    if (this.at < 0) return;
    this.at = -1;
    this.showCursor();
    this.read(null, { clientX: 0, clientY: 0 });
  }

  private showCursor(): void {
    const x = this.at < 0 || !this.data ? -10 : this.left(this.data.x[this.at]);
    this.cursor.setAttribute("x1", String(x));
    this.cursor.setAttribute("x2", String(x));
  }
}
