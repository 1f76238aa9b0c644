// A map as a PNG file: its pixels enlarged without smoothing, the scale bar, and its name with the range of its values.

import { saveFile } from "./dom";
import { number } from "./format";
import type { MapImage } from "./images";
import { aspectRatio, scaleBar } from "./layout";
import type { MapTile } from "./maps";
import type { Header } from "./protocol";

/** Longest side of the map in the picture, at least. */
const SIDE = 1024;
const MARGIN = 16;
const LINE = 44;

/** Size of the picture of a map: a whole number of pixels across for each of its own. */
export function pictureSize(columns: number, aspect: number): readonly [width: number, height: number] {
  const width = columns * Math.max(1, Math.ceil(SIDE / (columns * Math.max(1, aspect))));
  return [width, Math.max(Math.round(width * aspect), 1)];
}

/** Draw the picture of a tile. */
export function picture(tile: MapTile, image: MapImage, header: Header): HTMLCanvasElement {
  const [width, height] = pictureSize(image.shape[1], aspectRatio(header));
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height + LINE;
  const g = canvas.getContext("2d");
  if (!g) return canvas;
  g.fillStyle = "#fff";
  g.fillRect(0, 0, canvas.width, canvas.height);
  g.imageSmoothingEnabled = false;
  if (image.under) g.drawImage(tile.under, 0, 0, width, height);
  g.globalAlpha = image.under ? (image.opacity ?? 1) : 1;
  g.drawImage(tile.canvas, 0, 0, width, height);
  g.globalAlpha = 1;
  g.font = "600 22px system-ui, sans-serif";
  drawBar(g, header, width, height);
  g.textBaseline = "middle";
  g.textAlign = "left";
  g.fillStyle = image.colour;
  g.fillRect(0, height + LINE / 2 - 9, 18, 18);
  g.fillStyle = "#222";
  g.fillText(image.label, 28, height + LINE / 2);
  g.textAlign = "right";
  const [low, high] = tile.shownRange;
  if (!image.pixels) g.fillText(`${number(low, 2)} to ${number(high, 3)}`, width, height + LINE / 2);
  return canvas;
}

/** Save the picture of a tile through the browser. */
export function download(tile: MapTile, image: MapImage, header: Header): void {
  picture(tile, image, header).toBlob((blob) => {
    if (!blob) return;
    saveFile(blob, `${image.label.replace(/[^\p{L}\p{N}.-]+/gu, "_")}.png`);
  }, "image/png");
}

function drawBar(g: CanvasRenderingContext2D, header: Header, width: number, height: number): void {
  const bar = scaleBar(header, width, height);
  if (!bar) return;
  const [left, top] = [MARGIN, height - MARGIN - 6];
  g.shadowColor = "#000";
  g.shadowBlur = 4;
  g.fillStyle = "#fff";
  g.fillRect(left, top, bar.share * width, 6);
  g.textAlign = "center";
  g.textBaseline = "bottom";
  g.fillText(bar.text, left + (bar.share * width) / 2, top - 4);
  g.shadowBlur = 0;
}
