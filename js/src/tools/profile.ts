// Tool: a line across the maps, and the profile of all maps along it. Drag on a map to draw the line, its handles to move
// an end or to change the width. The values come from mffnb/widgets/tools/profile.py, also while the line is drawn.

import { action, button } from "../controls";
import { element, saveFile } from "../dom";
import { number } from "../format";
import { type ChartData, csvOf, LineChart } from "../line_chart";
import type { Corner } from "../polygon";
import { distanceAcross, type Extent, inside, type ProfileLine, pointOn } from "../profile_line";
import { type Part, ProfileOverlay } from "../profile_overlay";
import { type Binary, type Frame, floats } from "../protocol";
import { SMALLEST_DRAG, type Tool } from "../tool";

/** What the function in Python shows. */
interface Shown {
  readonly shown: boolean;
  readonly line: readonly [Corner, Corner];
  readonly width: number;
  readonly extent: Extent;
  /** Mean size of a pixel. */
  readonly pixel: number;
  readonly units: string;
  /** Numbers of the components, in the order of the values. */
  readonly numbers: readonly number[];
  readonly distance: Binary;
  readonly values: Binary;
  readonly python: string;
}

/** The line that the button draws: through the middle, from left to right. */
const FIRST: readonly [Corner, Corner] = [
  [0.5, 0.1],
  [0.5, 0.9],
];
/** Milliseconds after which a request without an answer no longer holds up the next one. */
const PATIENCE = 1000;

export const tool: Tool = {
  name: "profile",
  place: 3,
  start(stage) {
    const values = () => stage.values<Shown>("profile");
    const toggle = button("Profile", "Maps along a line: explorer.profile(start, end, width=...)", (on) =>
      stage.call("profile", on ? { line: FIRST } : { shown: false }),
    );
    const width = element("input", "mffnb-number", { type: "number", min: 0, "aria-label": "Width of the line" });
    const unit = element("span", "");
    const python = element("code", "mffnb-python");
    const chart = new LineChart("Profile along the line, arrow keys read it", (at, place) => read(at, place));
    const save = action("CSV", "Save the profile as a table", () => {
      const data = stage.frame && chartData(values() ?? {}, stage.frame);
      if (data) saveFile(new Blob([csvOf(data)], { type: "text/csv" }), "profile.csv");
    });
    const bar = element("div", "mffnb-profile", { hidden: "" }, [
      element("div", "mffnb-profile-head", {}, [
        element("b", "", {}, ["Profile"]),
        python,
        element("label", "mffnb-field", {}, ["width", width, unit]),
        save,
      ]),
      chart.root,
    ]);
    let overlays: ProfileOverlay[] = [];
    /** The line while it is drawn or moved. */
    let drawn: ProfileLine | null = null;
    /** Whether a line was drawn that is no step for Undo yet; its last values may come before the pointer is released. */
    let unfinished = false;
    let asked = 0;
    let source: unknown = null;

    const line = (): ProfileLine | null => {
      const now = values();
      if (drawn) return drawn;
      return now?.shown && now.line ? { start: now.line[0], end: now.line[1], width: now.width ?? 0 } : null;
    };
    const showLine = () => {
      const extent = values()?.extent;
      for (const one of overlays) one.show(extent ? line() : null, extent ?? [1, 1]);
    };
    /** Ask for the profile along the line that is drawn; while it is drawn one request at a time. */
    const send = (moving: boolean) => {
      const now = line();
      if (!now || (moving && asked && performance.now() - asked < PATIENCE)) return;
      asked = performance.now();
      const args = { line: [now.start, now.end], width: Number(now.width.toPrecision(4)) };
      stage.call("profile", moving ? { ...args, moving } : args);
    };
    const draw = (next: ProfileLine) => {
      if (next.start[0] === next.end[0] && next.start[1] === next.end[1]) return;
      drawn = next;
      unfinished = true;
      showLine();
      send(true);
    };
    const finish = () => {
      if (unfinished) send(false);
      unfinished = false;
    };
    const movePart = (part: Part, to: Corner) => {
      const [now, extent] = [line(), values()?.extent];
      if (!now || !extent) return;
      const at = inside(to);
      if (part === "width") draw({ ...now, width: 2 * distanceAcross(now, extent, to) });
      else draw({ ...now, [part]: at });
    };
    /** Move a part by a number of pixels of the image, from the keyboard. */
    const nudge = (part: Part, right: number, down: number) => {
      const [now, extent, pixel] = [line(), values()?.extent, values()?.pixel];
      if (!now || !extent || !pixel) return;
      if (part === "width") draw({ ...now, width: Math.max(now.width + (right - down) * pixel, 0) });
      else {
        const [y, x] = now[part];
        draw({ ...now, [part]: inside([y + (down * pixel) / extent[0], x + (right * pixel) / extent[1]]) });
      }
      finish();
    };
    width.addEventListener("change", () => {
      const now = line();
      const typed = width.valueAsNumber;
      if (now && typed >= 0) stage.call("profile", { line: [now.start, now.end], width: typed });
      else if (now) width.value = String(now.width);
    });

    function read(at: number | null, place: { clientX: number; clientY: number }): void {
      const [now, frame, shown, extent] = [line(), stage.frame, values(), values()?.extent];
      const data = frame && shown ? chartData(shown, frame) : null;
      if (at === null || !now || !data || !extent) {
        for (const one of overlays) one.mark(null);
        stage.tip.hide(stage.root);
        return;
      }
      const last = data.x[data.x.length - 1] || 1;
      for (const one of overlays) one.mark(pointOn(now, extent, data.x[at] / last));
      stage.tip.show(stage.root, place, `${number(data.x[at])} ${shown?.units ?? ""}`, "distance", chart.rows(at));
    }

    const paint = (frame: Frame) => {
      const now = values();
      const data = now?.shown ? chartData(now, frame) : null;
      bar.hidden = data === null;
      bar.classList.toggle("mffnb-stale", !frame.header.final);
      if (!data || !now) return;
      chart.show(data, bar.clientWidth || 600);
      python.textContent = now.python ?? "";
      unit.textContent = now.units ?? "";
      width.step = String(now.pixel ?? 1);
      if (document.activeElement !== width) width.value = String(now.width ?? 0);
    };

    return {
      mapControls: [toggle.root],
      bar,
      traitsChanged() {
        const now = values();
        if (now?.values !== source) {
          [source, asked] = [now?.values, 0];
          if (drawn && sameLine(drawn, now)) drawn = null;
          else if (drawn) send(true);
        }
        const [rows, columns] = stage.frame?.header.shape ?? [2, 2];
        toggle.root.hidden = now === null || rows < 2 || columns < 2;
        toggle.press(now?.shown === true);
        stage.root.classList.toggle("mffnb-profiling", now?.shown === true);
        if (now?.shown !== true) drawn = null;
        showLine();
        if (stage.frame) paint(stage.frame);
      },
      tileMade(tile, place) {
        if (place === 0) overlays = [];
        if (stage.images[place]?.plot) return;
        const first = overlays.length === 0 && stage.images[place]?.hidden !== true;
        const overlay = new ProfileOverlay(tile.picture, first, { move: movePart, end: finish, nudge });
        overlays.push(overlay);
        listenToPicture(tile.picture, {
          ready: () => values()?.shown === true && !stage.root.classList.contains("mffnb-drawing"),
          draw: (start, end) => draw({ start, end, width: line()?.width ?? 0 }),
          end: finish,
        });
        showLine();
      },
      lanes(frame) {
        // The answer of a run comes with its frame; a window of another width needs another chart.
        paint(frame);
        return [];
      },
    };
  },
};

/** Whether Python shows the line that was drawn last: then the page no longer needs its own. */
function sameLine({ start, end, width }: ProfileLine, now: Partial<Shown> | null): boolean {
  const near = (a: number, b: number) => Math.abs(a - b) < 1e-4;
  const [first, last] = now?.line ?? [];
  if (!first || !last || !(Math.abs((now?.width ?? 0) - width) <= 1e-3 * width)) return false;
  return near(first[0], start[0]) && near(first[1], start[1]) && near(last[0], end[0]) && near(last[1], end[1]);
}

/** The curves of the components that are shown; null before the first answer. */
export function chartData(now: Partial<Shown>, { header }: Frame): ChartData | null {
  if (!now.distance || !now.values || !now.numbers) return null;
  const [x, all] = [floats(now.distance), floats(now.values)];
  const curves = now.numbers.flatMap((number, i) => {
    const place = header.numbers.indexOf(number);
    if (place < 0 || header.hidden.includes(place)) return [];
    const values = all.subarray(i * x.length, (i + 1) * x.length);
    return [{ label: header.labels[place], colour: header.colors[place], values }];
  });
  const unit = now.units ? ` (${now.units})` : "";
  return { x, xLabel: `distance${unit}`, yLabel: "abundance", curves };
}

interface Drawing {
  ready(): boolean;
  draw(start: Corner, end: Corner): void;
  end(): void;
}

/** Let the pointer draw a new line on a map; a click draws none. */
function listenToPicture(picture: HTMLElement, { ready, draw, end }: Drawing): void {
  let pressed: { start: Corner; x: number; y: number; moved: boolean } | null = null;
  const corner = ({ clientX, clientY }: PointerEvent): Corner => {
    const box = picture.getBoundingClientRect();
    return inside([(clientY - box.top) / box.height, (clientX - box.left) / box.width]);
  };
  picture.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !ready()) return;
    pressed = { start: corner(event), x: event.clientX, y: event.clientY, moved: false };
  });
  picture.addEventListener("pointermove", (event) => {
    if (!pressed || (event.buttons & 1) === 0) return;
    if (!pressed.moved && Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) < SMALLEST_DRAG) return;
    if (!pressed.moved) picture.setPointerCapture(event.pointerId);
    pressed.moved = true;
    draw(pressed.start, corner(event));
  });
  const release = () => {
    if (pressed?.moved) end();
    pressed = null;
  };
  picture.addEventListener("pointerup", release);
  picture.addEventListener("pointercancel", release);
}
