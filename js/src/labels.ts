// Labels on a map: names of regions at their upper edges and names of kept pixels beside their marks, placed so that none
// covers another one or a mark.

/** A label that belongs to a place, given as shares of height and width. */
export interface Label {
  readonly text: string;
  readonly fy: number;
  readonly fx: number;
  /** Whether there is a mark at the place, which no label covers. */
  readonly marked: boolean;
}

/** Upper left corner of a label in CSS pixels. */
export interface LabelPlace {
  readonly left: number;
  readonly top: number;
}

interface Box extends LabelPlace {
  readonly width: number;
  readonly height: number;
}

/** Height of a line; half of a mark with its edge; distance of a label to its mark. */
const [LINE, MARK, GAP] = [16, 7, 10];
/** Width of a bold letter of 12 pixels, on average, and margins of a label at both sides. */
const [LETTER, MARGINS] = [7.2, 6];

/** Width of a label, estimated: text is measured only on a page that is visible. */
export function labelWidth(text: string): number {
  return [...text].length * LETTER + MARGINS;
}

function overlap(a: Box, b: Box): number {
  const width = Math.min(a.left + a.width, b.left + b.width) - Math.max(a.left, b.left);
  const height = Math.min(a.top + a.height, b.top + b.height) - Math.max(a.top, b.top);
  return width > 0 && height > 0 ? width * height : 0;
}

/** Places that are tried for a label, the best one first; each is moved into the map. */
function candidates({ text, fy, fx, marked }: Label, width: number, height: number): Box[] {
  const [x, y, wide] = [fx * width, fy * height, labelWidth(text)];
  const box = (left: number, top: number): Box => ({
    left: Math.min(Math.max(left, 0), Math.max(width - wide, 0)),
    top: Math.min(Math.max(top, 0), Math.max(height - LINE, 0)),
    width: wide,
    height: LINE,
  });
  const sides = marked ? [x + GAP, x - GAP - wide] : [x, x - wide];
  const levels = marked ? [y - LINE / 2] : [y - LINE, y];
  const near = levels.flatMap((top) => sides.map((left) => box(left, top)));
  // Lines further up and down, for places that crowd.
  const far = [1, -1, 2, -2, 3, -3, 4, -4, 5, -5].flatMap((step) =>
    sides.map((left) => box(left, levels[0] + step * LINE)),
  );
  return [...near, ...far];
}

/** Place labels on a map of a size in CSS pixels; earlier ones have the better places. */
export function placeLabels(labels: readonly Label[], width: number, height: number): LabelPlace[] {
  const taken: Box[] = labels
    .filter(({ marked }) => marked)
    .map(({ fy, fx }) => ({ left: fx * width - MARK, top: fy * height - MARK, width: 2 * MARK, height: 2 * MARK }));
  return labels.map((label) => {
    let [best, least] = [null as Box | null, Number.POSITIVE_INFINITY];
    for (const one of candidates(label, width, height)) {
      const covered = taken.reduce((sum, other) => sum + overlap(one, other), 0);
      if (covered < least) [best, least] = [one, covered];
      if (least === 0) break;
    }
    const { left, top } = best as Box;
    if (label.text) taken.push(best as Box);
    return { left: Math.round(left), top: Math.round(top) };
  });
}
