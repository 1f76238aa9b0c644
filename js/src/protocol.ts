// Messages between kernel and page: the traits of `LiveView` in Python, encoded frames and their decoding.
// The encoding is described in mffnb's `frame.py`.

import type { WidgetModel } from "./model";

/** Code of the highest value of a map; 0 is the code of the lowest one. */
export const LEVELS = 254;
/** Code of a missing value of a map. */
export const MISSING = 255;

/** Lowest and highest value of a map. */
export type Range = readonly [low: number, high: number];
export type IntensityScale = "linear" | "sqrt" | "log";
export type Normalization = "none" | "max" | "area" | "abundance";

export interface Status {
  readonly iteration?: number | null;
  readonly relative_error?: number | null;
  readonly objective?: number | null;
  readonly outcome?: unknown;
  readonly milliseconds?: number | null;
  readonly text?: unknown;
  /** Share of a search or of repetitions that is done; null where it is not known. */
  readonly progress?: number | null;
}

/** What the kernel does for the newest settings. */
export interface Activity {
  /** Number of the newest request; frames of an older one show older settings. */
  readonly generation: number;
  readonly text: string;
  readonly progress: number | null;
  /** Whether the run of the newest settings has ended with an error. */
  readonly failed: boolean;
}

/** A warning of a run, with the button that cures it: its label, and the tool that it calls. */
export interface Notice {
  readonly text: string;
  readonly action?: string;
  readonly tool?: string;
  readonly arguments?: Readonly<Record<string, unknown>>;
}

/** Endmembers with two channel axes. */
export interface Pattern {
  /** Height and width of the patterns that were sent. */
  readonly shape: readonly [number, number];
  /** Vertical and horizontal axis: name with unit, first and last coordinate. */
  readonly axes: readonly [PatternAxis, PatternAxis];
}

export interface PatternAxis {
  readonly label: string;
  /** Name of the dimension, for texts with little room. */
  readonly name?: string;
  readonly first: number;
  readonly last: number;
}

/** The section of a stack along one dimension. */
export interface Section {
  readonly name: string;
  readonly text: string;
  readonly index: number;
  readonly count: number;
  /** Whether the maps show the maximum over all sections. */
  readonly maximum?: boolean;
}

/** One of several images that the maps show side by side: its rows and columns in them. */
export interface ImageTile {
  readonly name: string;
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
  readonly pixel_size: readonly [number, number, string] | null;
}

/** JSON part of a frame. */
export interface Header {
  readonly labels: readonly string[];
  /** Numbers of the components whose spectra are held. */
  readonly held: readonly number[];
  readonly colors: readonly string[];
  /** Persistent number of each component. */
  readonly numbers: readonly number[];
  /** Indices of components whose map and spectrum are not shown. */
  readonly hidden: readonly number[];
  /** Weight of each component in the composite. */
  readonly weights: readonly number[];
  /** Mean amount of each component over a stack, of which the maps are a part; null for an image. */
  readonly means?: readonly number[] | null;
  /** Height and width of the image in pixels. */
  readonly shape: readonly [number, number];
  /** Height and width of the maps that were sent; smaller than `shape` if blocks of pixels were averaged. */
  readonly map_shape: readonly [number, number];
  readonly ranges: readonly Range[];
  /** Range of the gain, a factor of each pixel that multiplies all abundances; null where the model has none. */
  readonly gain_range: Range | null;
  /** Number of channels that were sent. */
  readonly channels: number;
  readonly bands: boolean;
  readonly channel_label: string;
  /** Quantity and unit of the spectra. */
  readonly intensity_label: string;
  /** Height and width of a pixel, and their unit. */
  readonly pixel_size: readonly [number, number, string] | null;
  /** Images that the maps show side by side; none for one image. */
  readonly images?: readonly ImageTile[];
  readonly status: Status;
  /** The section of a stack that is shown, along each dimension but the last two; empty for an image. */
  readonly sections: readonly Section[];
  /** Shape and axes of the endmembers as images; null for spectra. */
  readonly pattern: Pattern | null;
  readonly parameters: unknown;
  readonly final: boolean;
  /** Number of the solve; frames of an older one are dropped. */
  readonly generation: number;
  /** Changes when the view is cleared; generations restart then. */
  readonly epoch: number;
  readonly sequence: number;
}

/** A message from Python with a file, for the page that has made the request. */
export interface FileMessage {
  readonly type: "file";
  readonly name: string;
  readonly request: number;
}

/** Binary data as the widget manager delivers it. */
export type Binary = ArrayBuffer | ArrayBufferView;

export interface Encoded {
  readonly header?: Header;
  readonly maps?: Binary;
  readonly spectra?: Binary;
  readonly patterns?: Binary;
}

/** Traits of `LiveView` that are synchronised with the kernel. */
export interface LiveViewTraits {
  encoded: Encoded;
  color_map: string;
  clip: number;
  gamma: number;
  intensity_scale: IntensityScale;
  normalization: Normalization;
  common_scale: boolean;
  peak_labels: boolean;
  /** Whether a pale band shows how far each spectrum could turn. */
  freedom_bands: boolean;
  /** Ends of the channels that are shown; empty for all. */
  channel_range: readonly number[];
  highlighted: readonly number[];
  /** Label of the map that fills the room of all maps; empty for none. */
  enlarged: string;
  color_tables: Readonly<Record<string, Binary>>;
  /** Error of the last message that failed in Python; empty for none. */
  error: string;
  /** Identifiers of the models of the controls. */
  watched: readonly string[];
  /** Names of the sliders whose numbers can be typed. */
  typed: readonly string[];
  /** Variable in Python of the widget that holds the view, in hints. */
  owner: string;
  activity: Partial<Activity>;
  notices: readonly Notice[];
  /** Names of the tools that Python cannot answer at present. */
  unavailable: readonly string[];
  /** What the functions of tools show, as `tool_name`; undefined where they cannot be called. */
  [tool: `tool_${string}`]: object | undefined;
}
export type LiveViewModel = WidgetModel<LiveViewTraits>;

/** Messages from the page to the kernel. */
export type Message =
  | { readonly type: "drawn"; readonly sequence: number }
  | { readonly type: "size"; readonly map: number; readonly plot: number }
  | { readonly type: "call"; readonly tool: string; readonly arguments: Readonly<Record<string, unknown>> };

/** Maps, spectra and header of one moment of a solve. */
export interface Frame {
  readonly header: Header;
  /** Codes of each map, row by row. */
  readonly maps: readonly Uint8Array[];
  /** Codes of the gain, row by row; null where the model has none. */
  readonly gain: Uint8Array | null;
  readonly channel: Float32Array;
  readonly spectra: readonly Float32Array[];
  /** Lower and upper end of the band of each spectrum. */
  readonly bands: readonly (readonly [Float32Array, Float32Array])[] | null;
  /** Endmembers as images, row by row; empty for spectra. */
  readonly patterns: readonly Float32Array[];
}

/** Bytes of binary data; views are copied, so that a Float32Array can be laid over them. */
export function bytes(data: Binary | undefined): Uint8Array {
  if (!data) return new Uint8Array(0);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return new Uint8Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength));
}

/** An array that Python sent as float32. */
export function floats(data: Binary | undefined): Float32Array {
  return new Float32Array(bytes(data).buffer);
}

/** Decode a frame; null for the empty view. */
export function decode(encoded: Encoded | null | undefined): Frame | null {
  const header = encoded?.header;
  if (!encoded || !header) return null;
  const [height, width] = header.map_shape;
  const [k, m] = [header.labels.length, header.channels];
  const codes = bytes(encoded.maps);
  const curves = floats(encoded.spectra);
  const [rows, columns] = header.pattern?.shape ?? [0, 0];
  const patterns = floats(encoded.patterns);
  const row = (i: number) => curves.subarray(i * m, (i + 1) * m);
  return {
    header,
    maps: header.labels.map((_, i) => codes.subarray(i * height * width, (i + 1) * height * width)),
    gain: header.gain_range ? codes.subarray(k * height * width, (k + 1) * height * width) : null,
    channel: row(0),
    spectra: header.labels.map((_, i) => row(1 + i)),
    patterns: header.pattern
      ? header.labels.map((_, i) => patterns.subarray(i * rows * columns, (i + 1) * rows * columns))
      : [],
    bands: header.bands ? header.labels.map((_, i) => [row(1 + k + i), row(1 + 2 * k + i)] as const) : null,
  };
}

/** The frame with the array of channels of the one before, where they are equal: what is drawn by them then stays. */
export function sharingChannels(frame: Frame, before: Frame | null): Frame {
  const channel = before?.channel;
  const equal = channel?.length === frame.channel.length && channel.every((value, j) => value === frame.channel[j]);
  return equal ? { ...frame, channel } : frame;
}

/** Whether a frame belongs to an older solve than the one that is shown. */
export function outdated(header: Header, shown: Header | undefined): boolean {
  return shown !== undefined && shown.epoch === header.epoch && header.generation < shown.generation;
}

/** Whether the maps show maxima over sections: their pixels have no spectrum, since each map may be from another one. */
export function projected({ sections }: Header): boolean {
  return sections.some(({ maximum }) => maximum === true);
}

/** Value of a code of a map; NaN if it is missing. */
export function valueOfCode(code: number, [low, high]: Range): number {
  return code === MISSING ? Number.NaN : low + (code / LEVELS) * (high - low);
}

/** Code of the value zero in a map of this range; the lowest code if all values are positive. */
export function codeOfZero([low, high]: Range): number {
  return high > low ? Math.max(Math.round((-low / (high - low)) * LEVELS), 0) : 0;
}
