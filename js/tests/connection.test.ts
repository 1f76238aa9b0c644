// The connection to the kernel.

import assert from "node:assert/strict";
import { test } from "node:test";
import { hasGone } from "../src/connection";

test("a kernel has gone if there is none, another one or a dead one", () => {
  assert.equal(hasGone("a", { id: "a", status: "busy" }), false);
  assert.equal(hasGone("a", { id: "a", status: "dead" }), true);
  assert.equal(hasGone("a", { id: "b", status: "idle" }), true);
  assert.equal(hasGone("a", null), true);
});
