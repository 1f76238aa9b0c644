// Shortening of labels.

import assert from "node:assert/strict";
import { test } from "node:test";
import { shortened } from "../src/drawing";

const width = (text: string) => 10 * text.length;

test("a text that fits stays, a longer one ends with an ellipsis", () => {
  assert.equal(shortened("lignin", 60, width), "lignin");
  assert.equal(shortened("cellulose", 60, width), "cellu…");
  assert.equal(shortened("cellulose", 5, width), "c…");
});
