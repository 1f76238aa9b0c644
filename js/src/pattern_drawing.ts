// Shapes drawn on patterns: their channels are left out of the fit, by mffnb/widgets/tools/fit_channels.py, or summed to
// an image (a virtual detector), by mffnb/widgets/tools/band.py. Drag on a pattern; or focus one, move the shape by arrow
// keys, resize it by + and −, and press Enter.

import { type Chip, ChipRow } from "./chips";
import { type Button, button } from "./controls";
import { element } from "./dom";
import type { MapTile } from "./maps";
import { type Corner, extended, pathOf } from "./polygon";
import { outlineOf, SHAPES, type Shape } from "./shapes";
import type { Stage } from "./tool";

const COLOUR = "#8a6d3b";
/** Radius of the shape that keys move, and the factor of + and −. */
const RADIUS = 0.08;
const FACTOR = 1.25;
const ARROWS: Readonly<Record<string, Corner>> = {
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
};

/** What a shape is drawn for: the function in Python that gets its outline. */
type Purpose = "leave_out_channels" | "band";

/** What the function behind "Spot" shows. */
interface Spot {
  readonly shown: boolean;
  readonly outline: readonly Corner[] | null;
}

export class PatternDrawing {
  readonly chips = new ChipRow();
  readonly control: HTMLElement;
  private readonly stage: Stage;
  private readonly buttons: Readonly<Record<Purpose, Button>> = {
    band: button(
      "Spot",
      "Draw around a spot of a pattern for the image of these channels (virtual detector): explorer.band(start, stop)",
      (on) => this.switch(on ? "band" : null),
    ),
    leave_out_channels: button(
      "Leave out",
      "Draw around channels that the fit shall not use, such as the central beam: explorer.leave_out_channels(vertices)",
      (on) => this.switch(on ? "leave_out_channels" : null),
    ),
  };
  private purpose: Purpose | null = null;
  private readonly list: HTMLSelectElement;
  private tiles: readonly MapTile[] = [];
  private start: Corner | null = null;
  private outline: readonly Corner[] = [];
  /** Middle and radius of the shape that keys move. */
  private keyed: { at: Corner; radius: number } = { at: [0.5, 0.5], radius: RADIUS };

  constructor(stage: Stage) {
    this.stage = stage;
    const title = "Shape that is drawn on a pattern";
    this.list = element("select", "mffnb-select", { title, "aria-label": title });
    for (const [value, text] of SHAPES) if (value !== "brush") this.list.append(new Option(text, value));
    this.list.value = "ellipse";
    const { band, leave_out_channels: leaveOut } = this.buttons;
    this.control = element("span", "mffnb-field", {}, [band.root, leaveOut.root, this.list]);
  }

  private get on(): boolean {
    return this.purpose !== null;
  }

  /** Show which channels are left out, and the spot whose image is shown. */
  show(): void {
    this.draw(this.outline);
    const callable = this.stage.values("leave_out_channels") !== null;
    this.control.hidden = !callable || !this.stage.frame?.header.pattern;
    const parameters = this.stage.frame?.header.parameters as { area?: { channels?: readonly string[] } } | undefined;
    this.chips.show((parameters?.area?.channels ?? []).map((name) => this.chipOf(name)));
  }

  private chipOf(name: string): Chip {
    return {
      name,
      note: "channels left out",
      colour: COLOUR,
      actions: [
        {
          text: "×",
          title: `Use these channels again: explorer.use_channels(name=${JSON.stringify(name)})`,
          clicked: () => this.stage.call("use_channels", { name }),
        },
      ],
    };
  }

  /** Let the pointer and the keys draw on these patterns. */
  attach(tiles: readonly MapTile[]): void {
    this.tiles = tiles;
    for (const tile of tiles) this.listen(tile);
    this.switch(this.purpose);
  }

  private switch(purpose: Purpose | null): void {
    this.purpose = purpose;
    for (const [name, one] of Object.entries(this.buttons)) one.press(name === purpose);
    const { on } = this;
    for (const { picture } of this.tiles) {
      picture.setAttribute("tabindex", on ? "0" : "-1");
      picture.style.touchAction = on ? "none" : "";
    }
    this.draw(on ? this.outline : []);
  }

  private draw(outline: readonly Corner[]): void {
    this.outline = outline;
    const spot = this.stage.values<Spot>("band");
    const kept = spot?.shown && spot.outline ? [pathOf(spot.outline)] : [];
    for (const tile of this.tiles) tile.showOutlines([...kept, pathOf(outline)]);
  }

  private drawTo(to: Corner): void {
    if (!this.start) return;
    const shape = this.list.value as Shape;
    this.draw(shape === "polygon" ? extended(this.outline, to) : outlineOf(shape, [this.start, to]));
  }

  private finish(): void {
    if (this.outline.length > 2 && this.purpose) this.stage.call(this.purpose, { outline: this.outline });
    this.start = null;
    this.draw([]);
  }

  private drawKeyed(): void {
    const { at, radius } = this.keyed;
    const [from, to]: Corner[] = [
      [at[0] - radius, at[1] - radius],
      [at[0] + radius, at[1] + radius],
    ];
    this.draw(outlineOf(this.list.value === "rectangle" ? "rectangle" : "ellipse", [from, to]));
  }

  private listen({ picture }: MapTile): void {
    const corner = ({ clientX, clientY }: PointerEvent): Corner => {
      const box = picture.getBoundingClientRect();
      const share = (value: number) => Math.min(Math.max(value, 0), 1);
      return [share((clientY - box.top) / box.height), share((clientX - box.left) / box.width)];
    };
    picture.addEventListener("pointerdown", (event) => {
      if (!this.on || event.button !== 0) return;
      picture.setPointerCapture(event.pointerId);
      this.start = corner(event);
      this.draw([this.start]);
    });
    picture.addEventListener("pointermove", (event) => this.drawTo(corner(event)));
    picture.addEventListener("pointerup", () => this.start && this.finish());
    picture.addEventListener("pointercancel", () => {
      this.start = null;
      this.draw([]);
    });
    picture.addEventListener("keydown", (event) => this.key(event));
  }

  private key(event: KeyboardEvent): void {
    if (!this.on) return;
    const { at, radius } = this.keyed;
    const arrow = ARROWS[event.key];
    const [height, width] = this.stage.frame?.header.pattern?.shape ?? [1, 1];
    const steps = event.shiftKey && arrow ? 5 : 1;
    if (arrow) this.keyed.at = [at[0] + (steps * arrow[0]) / height, at[1] + (steps * arrow[1]) / width];
    else if (event.key === "+" || event.key === "=") this.keyed.radius = Math.min(radius * FACTOR, 1);
    else if (event.key === "-") this.keyed.radius = Math.max(radius / FACTOR, 0.5 / Math.max(height, width));
    else if (this.outline.length === 0 || !["Enter", "Escape"].includes(event.key)) return;
    event.preventDefault();
    if (event.key === "Enter") this.finish();
    else if (event.key === "Escape") this.draw([]);
    else this.drawKeyed();
  }
}
