// A task after a delay is done once for all requests in the meantime.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Later } from "../src/later";

const DELAY = 10;

/** A task that is counted, and a wait that is longer than its delay: timers of one duration end in their order. */
function counted() {
  const done = { count: 0 };
  const later = new Later(() => {
    done.count += 1;
  }, DELAY);
  return { later, done, wait: () => new Promise((resolve) => setTimeout(resolve, 5 * DELAY)) };
}

test("requests until the task is done share it", async () => {
  const { later, done, wait } = counted();
  later.request();
  later.request();
  assert.equal(done.count, 0);
  await wait();
  assert.equal(done.count, 1);
  later.request();
  await wait();
  assert.equal(done.count, 2);
});

test("what is done at once is not done again, and what is cancelled is not done", async () => {
  const { later, done, wait } = counted();
  later.request();
  later.now();
  assert.equal(done.count, 1);
  await wait();
  assert.equal(done.count, 1);
  later.request();
  later.cancel();
  await wait();
  assert.equal(done.count, 1);
});
