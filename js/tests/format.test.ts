// Number formats: fixed expectations, and agreement with toPrecision and toFixed on random numbers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { decimalsOf, fixed, lengthText, number } from "../src/format";
import { numbers } from "./random";

/** Read back what was written. */
function parse(text: string): number {
  const superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  const plain = text.replaceAll("−", "-").replaceAll("\u2009", "");
  const [mantissa, power] = plain.split(" × 10");
  if (power === undefined) return Number(plain);
  return Number(
    `${mantissa}e${power.replace("⁻", "-").replace(/[⁰¹²³⁴-⁹]/g, (digit) => String(superscripts.indexOf(digit)))}`,
  );
}

test("numbers are written with significant digits and without trailing zeros", () => {
  assert.equal(number(0), "0");
  assert.equal(number(1234.5), "1230");
  assert.equal(number(0.10012), "0.1");
  assert.equal(number(-2.5), "−2.5");
  assert.equal(number(0.001), "0.001");
  assert.equal(number(99999), "100000");
  assert.equal(number(12.3456, 4), "12.35");
});

test("large and small numbers are powers of ten", () => {
  assert.equal(number(1e5), "1 × 10⁵");
  assert.equal(number(-123456), "−1.23 × 10⁵");
  assert.equal(number(0.000999), "9.99 × 10⁻⁴");
  assert.equal(number(6.02214e23, 4), "6.022 × 10²³");
  assert.equal(number(1.6e-19, 2), "1.6 × 10⁻¹⁹");
});

test("missing values have a word", () => {
  for (const value of [Number.NaN, Infinity, -Infinity]) assert.equal(number(value), "missing");
});

test("a number read back is the number rounded to the significant digits", () => {
  for (const value of numbers(1, 2000)) {
    for (const digits of [2, 3, 4]) {
      const text = number(value, digits);
      const wanted = Number(value.toPrecision(digits));
      assert.ok(Math.abs(parse(text) - wanted) <= 1e-12 * Math.abs(wanted), `${value} to ${digits} digits: ${text}`);
    }
  }
});

test("fixed decimals, grouped from five digits on", () => {
  assert.equal(fixed(1234, 0), "1234");
  assert.equal(fixed(12345, 0), "12\u2009345");
  assert.equal(fixed(9999.6, 0), "10\u2009000");
  assert.equal(fixed(-1234567.891, 2), "−1\u2009234\u2009567.89");
  assert.equal(fixed(-0.001, 2), "0.00");
  assert.equal(fixed(0.5, 3), "0.500");
});

test("fixed decimals agree with toFixed", () => {
  for (const value of numbers(2, 2000, 7)) {
    for (const decimals of [0, 1, 3, 6]) {
      const plain = fixed(value, decimals).replaceAll("\u2009", "").replace("−", "-");
      const wanted = value.toFixed(decimals);
      assert.equal(plain, Number(wanted) === 0 ? wanted.replace("-", "") : wanted);
    }
  }
});

test("decimals tell neighbours apart", () => {
  assert.deepEqual(
    [100, 1, 0.5, 0.25, 0.1, 0.02, 1e-9].map((step) => decimalsOf(step, 6)),
    [0, 0, 1, 1, 1, 2, 6],
  );
  for (const step of numbers(3, 500, 5).map(Math.abs)) {
    assert.notEqual(fixed(3 * step, decimalsOf(step, 20)), fixed(4 * step, decimalsOf(step, 20)));
  }
});

test("a length has the metric unit that suits it", () => {
  assert.equal(lengthText(1000, "nm"), "1 µm");
  assert.equal(lengthText(0.05, "µm"), "50 nm");
  assert.equal(lengthText(2500, "um"), "2.5 mm");
  assert.equal(lengthText(500, "micron"), "500 micron");
  assert.equal(lengthText(20, "µm"), "20 µm");
  assert.equal(lengthText(0.01, "pm"), "0.01 pm");
  assert.equal(lengthText(5000, "arcsec"), "5000 arcsec");
});
