// What the user knows of a component in a region: it is absent, pure, or of a known fraction there.
// The function in Python is in mffnb/widgets/tools/fix.py.

import type { ChipAction } from "./chips";
import { action } from "./controls";
import { element } from "./dom";
import type { Menu } from "./menu";
import type { Stage } from "./tool";

/** Known fraction of a component in a region: part of the parameters of a run. */
export interface Known {
  readonly component: number;
  readonly region: string;
  readonly fraction: number;
}

interface Settings {
  readonly fixed?: readonly Known[];
  readonly sum_to_one?: boolean;
}

const FIRST_FRACTION = 0.5;

function settingsOf(stage: Stage): Settings {
  return (stage.frame?.header.parameters ?? {}) as Settings;
}

/** What is known in words. */
export function wordsOf(fraction: number): string {
  return fraction === 0 ? "absent" : fraction === 1 ? "pure" : `fixed to ${Number(fraction.toPrecision(4))}`;
}

/** Buttons of the chip of a region: one for each fact that is known, which a click takes back, and one that adds one. */
export function knownActions(stage: Stage, menu: Menu, name: string): readonly ChipAction[] {
  const header = stage.frame?.header;
  const facts = (settingsOf(stage).fixed ?? []).filter((one) => one.region === name);
  const known = facts.map(({ component, fraction }): ChipAction => {
    const place = header?.numbers.indexOf(component) ?? -1;
    const label = header?.labels[place] ?? `component ${component}`;
    return {
      text: `${label} ${wordsOf(fraction)}`,
      title: `Click to let it be found again: explorer.fix(${component}, ${JSON.stringify(name)}, on=False)`,
      on: true,
      colour: header?.colors[place],
      clicked: () => stage.call("fix", { component, region: name, on: false }),
    };
  });
  const add: ChipAction = {
    tool: "fix",
    text: "Known…",
    title: `Say that a component is absent, pure or of a known fraction here: explorer.fix(component, ${JSON.stringify(name)})`,
    opens: "dialog",
    clicked: (opener) => menu.toggle(stage.root, opener, `Known in ${name}`, parts(stage, menu, name)),
  };
  return [...known, add];
}

/** Content of the menu: a component, and what is known of it. */
function parts(stage: Stage, menu: Menu, name: string): readonly HTMLElement[] {
  const { labels, numbers } = stage.frame?.header ?? { labels: [], numbers: [] };
  const component = element("select", "mffnb-select", { "aria-label": "Component" });
  for (const [i, number] of numbers.entries()) component.append(new Option(labels[i], String(number)));
  component.value = String(numbers[0]);
  const fix = (fraction: number) => {
    menu.close();
    stage.call("fix", { component: Number(component.value), region: name, fraction });
  };
  const item = (text: string, fraction: number, hint: string) => {
    const made = action(text, `${hint}: explorer.fix(component, ${JSON.stringify(name)}, ${fraction})`, () =>
      fix(fraction),
    );
    made.classList.add("mffnb-item");
    return made;
  };
  const sums = settingsOf(stage).sum_to_one === true;
  const hint = sums ? "Fraction between 0 and 1" : "A fraction needs abundances that sum to one: choose “sum to one”";
  const value = element("input", "mffnb-fraction", {
    type: "number",
    min: 0,
    max: 1,
    step: 0.05,
    "aria-label": "Fraction",
    title: hint,
  });
  value.value = String(FIRST_FRACTION);
  const set = action("Fixed to", sums ? `explorer.fix(component, ${JSON.stringify(name)}, fraction)` : hint, () =>
    fix(Number(value.value)),
  );
  set.classList.add("mffnb-item");
  value.addEventListener("keydown", (event) => {
    if (event.key === "Enter") fix(Number(value.value));
  });
  for (const one of [set, value]) one.disabled = !sums;
  return [
    component,
    item("Absent here", 0, "Its abundance is zero"),
    item("Pure here", 1, "All other components are absent"),
    element("div", "mffnb-fraction-row", {}, [set, value, "here"]),
    ...(sums ? [] : [element("div", "mffnb-menu-note", {}, ["Fractions need “sum to one”."])]),
  ];
}
