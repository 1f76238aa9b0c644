// Sizes of three orthogonal sections: rows and columns of the first one continue in the other two.

export interface CutAxis {
  readonly name: string;
  /** Position of the cut with its unit, and the number alone. */
  readonly text: string;
  readonly at: string;
  readonly units: string;
  readonly index: number;
  readonly count: number;
  /** Distance of two pixels. */
  readonly step: number;
}

export interface CutLayout {
  /** Width of the first section in CSS pixels, its height, and the thickness of the other two. */
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  /** Factor by which the thickness is exaggerated; null where the axes have different units. */
  readonly stretch: number | null;
}

const GAP = 12;
const LARGEST = 400;
/** A stack of few sections is stretched to this share of the first section. */
const THINNEST = 0.25;

/** Lay out sections of axes (depth, row, column) on a width in CSS pixels. */
export function cutLayout(axes: readonly [CutAxis, CutAxis, CutAxis], room: number): CutLayout {
  const extent = axes.map(({ count, step }) => count * step);
  const same = axes.every(({ units }) => units === axes[0].units);
  const plane = axes[1].units === axes[2].units ? extent[1] / extent[2] : axes[1].count / axes[2].count;
  const ratio = Math.min(Math.max(plane, 1 / 6), 6);
  const true_ = same ? extent[0] / Math.max(extent[1], extent[2]) : THINNEST;
  const thickness = Math.min(Math.max(true_, THINNEST), 1) * Math.max(1, ratio);
  const width = Math.floor(Math.min((room - GAP) / (1 + thickness), LARGEST, LARGEST / ratio));
  const [height, depth] = [Math.round(width * ratio), Math.round(width * thickness)];
  return { width, height, depth, stretch: same ? depth / ((extent[0] * width) / extent[2]) : null };
}
