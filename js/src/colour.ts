// Colours: hexadecimal text, opacity, and the ramp from dark to the colour of a component.

export type Rgb = readonly [red: number, green: number, blue: number];

/** Colour of the value zero in a map; also the darkest colour of a ramp. */
export const DARK: Rgb = [13, 15, 20];

/** Parse "#rrggbb". */
export function parseColour(hex: string): Rgb {
  const value = Number.parseInt(hex.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** CSS text of a colour with an opacity. */
export function withOpacity(hex: string, opacity: number): string {
  return `rgba(${parseColour(hex).join(",")},${opacity})`;
}

/**
 * Make a table of 256 colours, 3 bytes each: dark, the colour itself at three quarters, a light tint at the end.
 * The tint keeps the brightest pixels distinguishable.
 */
export function ramp(hex: string): Uint8Array {
  const colour = parseColour(hex);
  const tint = colour.map((part) => part + 0.55 * (255 - part));
  const table = new Uint8Array(768);
  for (let i = 0; i < 256; i++) {
    const t = i / 255;
    for (let c = 0; c < 3; c++) {
      table[3 * i + c] =
        t < 0.75
          ? DARK[c] + (colour[c] - DARK[c]) * (t / 0.75)
          : colour[c] + (tint[c] - colour[c]) * ((t - 0.75) / 0.25);
    }
  }
  return table;
}

/** Grey, for negative values of signed maps (principal components, say). */
export const NEGATIVE_RAMP: Uint8Array = ramp("#9a9a9a");
