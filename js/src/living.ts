// Entry of the bundle living.js: the script of a page that mffnb/io/writers/living.py writes.

import workerSource from "worker:living/worker";
import viewStyle from "../../mffnb/widgets/live_view/live_view.css";
import { arraysOf, type Facts, inflated } from "./living/facts";
import { failure, LivingFigure } from "./living/figure";
import pageStyle from "./living/page.css";

/** The part of the page with this identifier. */
function part(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no part ${id}`);
  return found;
}

async function start(): Promise<void> {
  const style = document.createElement("style");
  style.textContent = viewStyle + pageStyle;
  document.head.append(style);
  const facts = JSON.parse(part("facts").textContent ?? "") as Facts;
  const arrays = arraysOf(await inflated(part("arrays").textContent ?? ""), facts.arrays);
  part("arrays").remove(); // the decoded data are in memory now
  const worker = new Worker(URL.createObjectURL(new Blob([workerSource], { type: "text/javascript" })));
  new LivingFigure(facts, arrays, worker).attach(part("controls"), part("view"));
}

start().catch((reason: unknown) => part("view").append(failure(reason)));
