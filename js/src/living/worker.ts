// Entry of the worker of a living figure. Between two iterations it takes messages, so that new settings end an older run.

import type { Answer, Opening, Request } from "./messages";
import { Run } from "./run";

/** The part of a worker's global object that is used here. */
interface Scope {
  onmessage: ((event: MessageEvent<Opening | Request>) => void) | null;
  postMessage(answer: Answer, transfer: Transferable[]): void;
}
const scope = globalThis as unknown as Scope;

/** Milliseconds between two states of a run that are sent: more of them than screen refreshes would be drawn late. */
const PAUSE = 50;

let run: Run | null = null;
let sent = 0;
let waiting = false;

function advance(): void {
  waiting = false;
  const answer = run?.running ? run.advance() : null;
  if (!answer) return;
  const now = performance.now();
  if (answer.outcome || answer.iteration === 1 || now - sent >= PAUSE) {
    sent = now;
    scope.postMessage(answer, [answer.A.buffer, answer.E.buffer]);
  }
  next();
}

/** Iterate again after the messages that have come. */
function next(): void {
  if (waiting) return;
  waiting = true;
  setTimeout(advance, 0);
}

scope.onmessage = ({ data }) => {
  if (data.type === "open") {
    run = new Run(data);
    run.warmUp();
  } else {
    run?.request(data);
    next();
  }
};
