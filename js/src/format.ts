// Text of numbers and lengths: significant digits, fixed decimals, powers of ten, units of length.

import { formatLocale, precisionFixed } from "d3-format";

/** A thin space separates groups of three digits. */
const { format } = formatLocale({ decimal: ".", thousands: "\u2009", grouping: [3], currency: ["", ""] });

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

function superscript(power: number): string {
  const digits = [...String(Math.abs(power))].map((digit) => SUPERSCRIPTS[Number(digit)]);
  return (power < 0 ? "⁻" : "") + digits.join("");
}

/** Format a number with `digits` significant digits; very large and very small ones as a power of ten. */
export function number(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return "missing";
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1e-3 && size < 1e5) return format(`.${digits}~r`)(value);
  const [mantissa, power] = format(`.${digits - 1}~e`)(value).split("e");
  return `${mantissa} × 10${superscript(Number(power))}`;
}

/** Format a number with a fixed number of decimals; numbers of five or more whole digits are grouped. */
export function fixed(value: number, decimals: number): string {
  const grouped = Math.abs(value) >= 1e4 - 10 ** -decimals / 2;
  return format(`${grouped ? "," : ""}.${decimals}f`)(value);
}

/** Number of decimals that tell apart values at a distance of `step`, at most `most`. */
export function decimalsOf(step: number, most: number): number {
  return Math.min(precisionFixed(step), most);
}

const METRES: readonly (readonly [string, number])[] = [
  ["pm", 1e-12],
  ["nm", 1e-9],
  ["µm", 1e-6],
  ["mm", 1e-3],
  ["m", 1],
];
const MICROMETRE = ["um", "μm", "micron"]; // the second one has the Greek letter mu, not the micro sign

/** Format a length with the metric unit that suits it: 1000 nm is 1 µm. Other units stay as they are. */
export function lengthText(value: number, unit: string): string {
  const known = METRES.find(([name]) => name === unit || (name === "µm" && MICROMETRE.includes(unit)));
  if (!known || (value >= 0.1 && value < 1000)) return `${number(value, 2)} ${unit}`;
  const metres = value * known[1] * (1 + 1e-9);
  const [name, size] = [...METRES].reverse().find(([, candidate]) => metres >= candidate) ?? METRES[0];
  return `${number(metres / size, 2)} ${name}`;
}
