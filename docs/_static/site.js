// The arrows of the menu have no text of their own for screen readers.
document.addEventListener("DOMContentLoaded", () => {
  for (const summary of document.querySelectorAll("nav summary")) {
    const link = summary.closest("li")?.querySelector("a");
    summary.setAttribute("aria-label", `Pages below ${link?.textContent?.trim() ?? "this one"}`);
  }
});

// A recording can be paused; it starts paused for readers who asked their system for less motion.
addEventListener("load", () => {
  for (const film of document.querySelectorAll('article img[src$=".webp"]')) {
    const still = document.createElement("canvas");
    [still.width, still.height] = [film.naturalWidth, film.naturalHeight];
    still.setAttribute("role", "img");
    still.setAttribute("aria-label", film.alt);
    still.className = "recording";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "recording-button";
    const pause = (paused) => {
      if (paused) still.getContext("2d").drawImage(film, 0, 0);
      film.hidden = paused;
      still.hidden = !paused;
      button.textContent = paused ? "Play" : "Pause";
    };
    button.addEventListener("click", () => pause(!film.hidden));
    film.after(still, button);
    pause(matchMedia("(prefers-reduced-motion: reduce)").matches);
  }
});
