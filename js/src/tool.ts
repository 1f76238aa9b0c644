// What a tool is: a named set of reactions to gestures on the maps and on the spectra, with its own controls.
// Every module in `tools/` exports one as `tool`; the build lists them, see js/README.md "Add a tool".

import type { MapImage } from "./images";
import type { OuterBand } from "./lane";
import type { MapGrid, MapTile } from "./maps";
import type { MapPoint } from "./pointer";
import type { Frame, LiveViewModel } from "./protocol";
import type { Lane, SpectraPlot } from "./spectra";
import type { Tip } from "./tip";

/** A pointer that moves by fewer pixels between press and release clicks; otherwise it drags. */
export const SMALLEST_DRAG = 5;

/** The part of the view that a tool uses. */
export interface Stage {
  /** Traits of the Python class, and messages to it. */
  readonly model: LiveViewModel;
  readonly root: HTMLElement;
  readonly maps: MapGrid;
  readonly plot: SpectraPlot;
  readonly tip: Tip;
  /** The frame on the screen; null for the empty view. */
  readonly frame: Frame | null;
  /** The maps on the screen: those of the components, then those that tools add. */
  readonly images: readonly MapImage[];
  /** The spectra on the screen: those of the components, then those that tools add. */
  readonly lanes: readonly Lane[];
  /** Call the function of a tool in Python; its error appears in the status line. */
  call(tool: string, args: Readonly<Record<string, unknown>>): void;
  /** The values that the function in Python shows; empty before its first call, null where it cannot be called, or not at present. */
  values<Values extends object>(tool: string): Partial<Values> | null;
  /** Fit maps and spectra to the page again, after its size has changed without that of the view. */
  relayout(): void;
  /** Paint maps and spectra again, after a tool has changed its maps. */
  repaint(): void;
  /** Paint the maps that tools add with the next screen refresh, after one has changed. */
  repaintAdded(): void;
  /** Paint the spectra with the next screen refresh, after a tool has changed its own. */
  repaintSpectra(): void;
}

/** Reactions of a tool in one view. All are optional. */
export interface Gestures {
  /** Controls above the maps and above the spectra. */
  readonly mapControls?: readonly HTMLElement[];
  readonly spectraControls?: readonly HTMLElement[];
  /** A part of the page between maps and spectra. */
  readonly bar?: HTMLElement;
  /** A part of the page below the spectra. */
  readonly panel?: HTMLElement;
  /** A frame has come from Python, which will be painted. */
  framed?(frame: Frame): void;
  /** A trait or the values of a tool have changed, in the page or in Python. */
  traitsChanged?(): void;
  /** A file has come from Python, for the page that has made this request. */
  fileCame?(name: string, request: number, content: DataView<ArrayBuffer>): void;
  /** A call of Python was refused. */
  refused?(): void;
  /** The tile of a map has been made; those of the components come first. */
  tileMade?(tile: MapTile, place: number): void;
  /** The pointer moves over a map, or leaves it. */
  mapMove?(point: MapPoint, event: PointerEvent): void;
  mapLeave?(): void;
  /** The button of the pointer is released over a map, or the pointer has left it. */
  mapUp?(): void;
  /** A click on a map. */
  mapClick?(point: MapPoint, event: MouseEvent): void;
  /** A click on the name of a map; maps of the components come first. */
  nameClick?(place: number, event: MouseEvent): void;
  nameDoubleClick?(place: number, event: MouseEvent): void;
  /** The pointer moves over the plot of spectra, leaves it, or clicks on it. */
  spectraMove?(event: PointerEvent): void;
  spectraLeave?(): void;
  spectraClick?(event: MouseEvent): void;
  spectraDoubleClick?(event: MouseEvent): void;
  /** A button of the pointer is pressed over the plot of spectra, or released anywhere after `setPointerCapture`. */
  spectraDown?(event: PointerEvent): void;
  spectraUp?(event: PointerEvent): void;
  /** Spectra that are drawn below those of the components. */
  lanes?(frame: Frame): readonly Lane[];
  /** A pale band behind the curve of each component, or null; empty if the tool has none at present. */
  outerBands?(frame: Frame): readonly (OuterBand | null)[];
  /** Maps that are shown after those of the components. */
  images?(frame: Frame): readonly MapImage[];
}

export interface Tool {
  /** Name of the module, and of its function in Python if there is one. */
  readonly name: string;
  /** Order in which controls appear and lanes are drawn: small values first, zero if omitted; then by name. */
  readonly place?: number;
  /** False if its values change nothing on maps and spectra: they are then not painted again. True if omitted. */
  readonly paints?: boolean;
  /** Start the tool in one view; its state is local to the function. */
  start(stage: Stage): Gestures;
}
