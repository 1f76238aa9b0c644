// Tool: sliders for the section of a stack, or the frame of a series, that the maps show, a button that plays it, and one
// for the maximum over all sections.
// Its function in Python is mffnb/widgets/tools/show_section.py.

import { button } from "../controls";
import { element } from "../dom";
import { projected, type Section } from "../protocol";
import type { Tool } from "../tool";

/** Milliseconds between two sections while they are played. */
const PLAYED = 150;

export const tool: Tool = {
  name: "show_section",
  place: -9,
  start(stage) {
    const root = element("span", "mffnb-sections");
    root.hidden = true;
    let sliders: Slider[] = [];
    let shape = "";
    let timer: number | null = null;

    /** Show sections by number; a dimension that shows the maximum keeps it, unless it is the one that moves. */
    function show(index: readonly number[], moved = 0): void {
      const kept = stage.frame?.header.sections.find(({ maximum }, i) => maximum && i !== moved);
      stage.call("show_section", kept ? { index, maximum: kept.name } : { index });
    }
    const maximum = button("Maximum", "", (on) => {
      const sections = stage.frame?.header.sections ?? [];
      if (on) stage.call("show_section", { maximum: sections[sections.length - 1]?.name });
      else stage.call("show_section", { index: sliders.map((one) => one.index()) });
    });
    const play = button("Play", "Show one section after the other", (on) => (on ? start() : stop()));
    function start(): void {
      play.press(true);
      timer = window.setInterval(() => {
        const sections = stage.frame?.header.sections ?? [];
        if (!root.isConnected || sections.length === 0) return stop();
        const next = sections.map(({ index }) => index);
        next[0] = (next[0] + 1) % sections[0].count;
        show(next);
      }, PLAYED);
    }
    function stop(): void {
      play.press(false);
      if (timer !== null) window.clearInterval(timer);
      timer = null;
    }
    return {
      mapControls: [root],
      framed({ header }) {
        const now = header.sections.map(({ name, count }) => `${name} ${count}`).join();
        if (now !== shape) {
          shape = now;
          sliders = header.sections.map((section, i) =>
            sectionSlider(section, () => {
              show(
                sliders.map((one) => one.index()),
                i,
              );
            }),
          );
          root.replaceChildren(...sliders.map((one) => one.root), play.root, maximum.root);
          root.hidden = sliders.length === 0;
          const last = header.sections[header.sections.length - 1]?.name ?? "";
          maximum.root.title = `Maximum of each map over ${last}: explorer.show_section(maximum="${last}")`;
        }
        maximum.press(projected(header));
        play.root.hidden = header.sections[0]?.maximum === true;
        sliders.forEach((one, i) => {
          one.update(header.sections[i]);
        });
      },
    };
  },
};

interface Slider {
  readonly root: HTMLElement;
  index(): number;
  update(section: Section): void;
}

function sectionSlider({ name, count }: Section, moved: () => void): Slider {
  const label = `Section along ${name}`;
  const input = element("input", "mffnb-range", {
    type: "range",
    min: 0,
    max: count - 1,
    step: 1,
    "aria-label": label,
  });
  const text = element("span", "mffnb-section");
  input.addEventListener("input", moved);
  return {
    root: element("label", "mffnb-field", { title: `${label}: explorer.show_section(${name}=...)` }, [text, input]),
    index: () => Number(input.value),
    update(section) {
      text.textContent = section.text;
      input.setAttribute("aria-valuetext", section.text);
      // While the user drags it, the slider is ahead of the picture; for a maximum it keeps the section of before.
      if (section.maximum) return;
      if (document.activeElement !== input || !input.matches(":active")) input.value = String(section.index);
    },
  };
}
