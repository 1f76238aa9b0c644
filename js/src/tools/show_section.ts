// Tool: sliders for the section of a stack, or the frame of a series, that the maps show, and a button that plays it.
// Its function in Python is mffnb/widgets/tools/show_section.py.

import { button } from "../controls";
import { element } from "../dom";
import type { Section } from "../protocol";
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

    function show(index: readonly number[]): void {
      stage.call("show_section", { index });
    }
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
          sliders = header.sections.map((section) =>
            sectionSlider(section, () => show(sliders.map((one) => one.index()))),
          );
          root.replaceChildren(...sliders.map((one) => one.root), play.root);
          root.hidden = sliders.length === 0;
        }
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
      // While the user drags it, the slider is ahead of the picture.
      if (document.activeElement !== input || !input.matches(":active")) input.value = String(section.index);
    },
  };
}
