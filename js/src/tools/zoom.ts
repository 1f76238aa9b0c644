// Tool: dragging over the spectra zooms into these channels, the wheel zooms around the pointer, a double click shows
// all channels; so do keys on the plot, and buttons. With Shift the drag is that of the tool "band".

import { action } from "../controls";
import { setTrait } from "../model";
import { SMALLEST_DRAG, type Tool } from "../tool";
import { CHOOSING } from "./band";

/** Change of the range by one step of the wheel, and by a key or button. */
const STEP = 1.25;
const KEY_STEP = 2;
/** Share of the range by which an arrow key moves it. */
const SHIFT = 0.2;

type Ends = readonly [number, number];

/** Zoom a range by a factor around a value, within the ends of the axis; null where it would be all of the axis. */
export function zoomed(shown: Ends, around: number, factor: number, [first, last]: Ends): Ends | null {
  const [low, high] = first < last ? [first, last] : [last, first];
  const ends = shown.map((end) => Math.min(Math.max(around + (end - around) * factor, low), high));
  return Math.abs(ends[1] - ends[0]) >= (high - low) * (1 - 1e-9) ? null : [ends[0], ends[1]];
}

/** Move a range by a share of its length towards the right of the plot, within the ends of the axis. */
export function moved(shown: Ends, share: number, [first, last]: Ends): Ends {
  const [low, high] = first < last ? [first, last] : [last, first];
  const wanted = share * (shown[1] - shown[0]);
  const distance = Math.min(Math.max(wanted, low - Math.min(...shown)), high - Math.max(...shown));
  return [shown[0] + distance, shown[1] + distance];
}

/** The ends of a range in the direction of the axis; null for all channels. */
export function ordered(range: readonly number[], [first, last]: Ends): Ends | null {
  if (range.length !== 2 || range[0] === range[1]) return null;
  const rising = [Math.min(...range), Math.max(...range)] as const;
  return first < last ? rising : [rising[1], rising[0]];
}

export const tool: Tool = {
  name: "zoom",
  place: 0.6,
  start(stage) {
    const { plot, model } = stage;
    let start: { x: number; value: number } | null = null;
    let dragged = false;
    const whole = (): Ends | null => {
      const channel = stage.frame?.channel;
      return channel && channel.length > 1 ? [channel[0], channel[channel.length - 1]] : null;
    };
    const follow = () => {
      const all = whole();
      plot.shown = all && ordered(model.get("channel_range") ?? [], all);
      for (const one of [zoomOut, reset]) one.disabled = plot.shown === null;
    };
    const show = (range: Ends | null) => {
      setTrait(model, "channel_range", range ? [Math.min(...range), Math.max(...range)] : []);
      follow();
      stage.tip.hide(stage.root); // it is about the channel that was under the pointer before
      stage.repaintSpectra();
    };
    const zoom = (factor: number, around?: number) => {
      const all = whole();
      if (!all) return;
      const [from, to] = plot.shown ?? all;
      show(zoomed([from, to], around ?? (from + to) / 2, factor, all));
    };
    const move = (share: number) => {
      const all = whole();
      if (all && plot.shown) show(moved(plot.shown, share, all));
    };
    const zoomIn = action("+", "Zoom into the middle channels (key +)", () => zoom(1 / KEY_STEP));
    const zoomOut = action("\u2212", "Zoom out (key \u2212)", () => zoom(KEY_STEP));
    const reset = action(
      "All channels",
      "Show all channels (double click, key 0): explorer.show_spectra(channels=())",
      () => show(null),
    );
    for (const one of [zoomIn, zoomOut]) one.setAttribute("aria-label", one.title);
    for (const one of [zoomIn, zoomOut, reset]) one.classList.add("mffnb-of-curves");
    const keys: Readonly<Record<string, () => void>> = {
      "+": () => zoom(1 / KEY_STEP),
      "=": () => zoom(1 / KEY_STEP),
      "-": () => zoom(KEY_STEP),
      "0": () => show(null),
      ArrowLeft: () => move(-SHIFT),
      ArrowRight: () => move(SHIFT),
    };
    plot.root.addEventListener("keydown", (event) => {
      const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    });
    plot.root.addEventListener(
      "wheel",
      (event) => {
        const around = plot.valueAt(event);
        if (!event.ctrlKey && !plot.shown) return; // the page scrolls until the plot is zoomed
        if (around === null) return;
        event.preventDefault();
        zoom(event.deltaY > 0 ? STEP : 1 / STEP, around);
      },
      { passive: false },
    );
    return {
      spectraControls: [zoomIn, zoomOut, reset],
      traitsChanged: follow,
      lanes() {
        follow(); // the channels of a new frame may be others
        return [];
      },
      spectraDown(event) {
        const other = event.shiftKey || event.button !== 0 || stage.root?.classList.contains(CHOOSING);
        const value = other ? null : plot.valueAt(event);
        dragged = false;
        start = value === null ? null : { x: event.clientX, value };
      },
      spectraMove(event) {
        if (!start || (event.buttons & 1) === 0 || Math.abs(event.clientX - start.x) < SMALLEST_DRAG) return;
        const value = plot.valueAt(event);
        if (value === null) return;
        if (!dragged) plot.root.setPointerCapture(event.pointerId);
        dragged = true;
        plot.markRange([start.value, value]);
      },
      spectraUp(event) {
        const [value, all] = [plot.valueAt(event), whole()];
        if (start && dragged && value !== null && all && value !== start.value) {
          plot.markRange(null);
          show(ordered([start.value, value], all));
        }
        start = null;
      },
      spectraDoubleClick: () => show(null),
    };
  },
};
