// Tool: dragging over the spectra zooms into these channels, the wheel zooms around the pointer, a double click shows
// all channels. With Shift the drag is that of the tool "band".

import { SMALLEST_DRAG, type Tool } from "../tool";

/** Change of the range by one step of the wheel. */
const STEP = 1.25;

/** Zoom a range by a factor around a value, within the ends of the axis; null where it would be all of the axis. */
export function zoomed(
  shown: readonly [number, number],
  around: number,
  factor: number,
  [first, last]: readonly [number, number],
): readonly [number, number] | null {
  const [low, high] = first < last ? [first, last] : [last, first];
  const ends = shown.map((end) => Math.min(Math.max(around + (end - around) * factor, low), high));
  return Math.abs(ends[1] - ends[0]) >= (high - low) * (1 - 1e-9) ? null : [ends[0], ends[1]];
}

export const tool: Tool = {
  name: "zoom",
  place: 1,
  start(stage) {
    const { plot } = stage;
    let start: { x: number; value: number } | null = null;
    let dragged = false;
    const whole = (): readonly [number, number] | null => {
      const channel = stage.frame?.channel;
      return channel && channel.length > 1 ? [channel[0], channel[channel.length - 1]] : null;
    };
    const show = (range: readonly [number, number] | null) => {
      plot.shown = range;
      stage.tip.hide(stage.root); // it is about the channel that was under the pointer before
      stage.repaintSpectra();
    };
    plot.root.addEventListener(
      "wheel",
      (event) => {
        const [all, around] = [whole(), plot.valueAt(event)];
        if (!event.ctrlKey && !plot.shown) return; // the page scrolls until the plot is zoomed
        if (!all || around === null) return;
        event.preventDefault();
        show(zoomed(plot.shown ?? all, around, event.deltaY > 0 ? STEP : 1 / STEP, all));
      },
      { passive: false },
    );
    return {
      spectraDown(event) {
        const value = event.shiftKey || event.button !== 0 ? null : plot.valueAt(event);
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
          const rising = all[0] < all[1];
          const ends =
            rising === start.value < value ? ([start.value, value] as const) : ([value, start.value] as const);
          plot.markRange(null);
          show(ends);
        }
        start = null;
      },
      spectraDoubleClick: () => show(null),
    };
  },
};
