// Bundle the entries of src/ into the files that the Python package ships.
//
//   node build.mjs [folder instead of ../mffnb] [--watch]

import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build, context } from "esbuild";
import { allTools } from "./all_tools.mjs";
import { workerSource } from "./worker_source.mjs";

const here = dirname(fileURLToPath(import.meta.url));

/** Bundles by source file; paths are relative to the Python package. */
export const BUNDLES = {
  "live_view.ts": "widgets/live_view/static/live_view.js",
  "picture.ts": "widgets/boards/static/picture.js",
  "living.ts": "io/writers/static/living.js",
};

/** Libraries whose code is in a bundle; their licence must be there too. */
const LIBRARIES = { "live_view.ts": ["d3-format"], "picture.ts": [], "living.ts": ["d3-format"] };

/** Bundles that a page holds as a separate script; widgets import the other ones. */
const SCRIPTS = ["living.ts"];

function banner(source) {
  const licences = LIBRARIES[source].map((name) => {
    const text = readFileSync(join(here, "node_modules", name, "LICENSE"), "utf8").trim();
    return `\nContains ${name}:\n${text}\n`;
  });
  return `/*! Built from js/src/${source} by "npm run build"; do not edit.${licences.join("")} */`;
}

function options(source, folder) {
  return {
    absWorkingDir: here,
    entryPoints: [`src/${source}`],
    outfile: join(folder, BUNDLES[source]),
    bundle: true,
    plugins: [allTools, workerSource],
    loader: { ".css": "text" },
    format: SCRIPTS.includes(source) ? "iife" : "esm",
    target: "es2022",
    charset: "utf8",
    minify: true,
    legalComments: "none",
    banner: { js: banner(source) },
    logLevel: "warning",
  };
}

/** Write all bundles below a folder. */
export async function bundle(folder) {
  await Promise.all(Object.keys(BUNDLES).map((source) => build(options(source, folder))));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const words = process.argv.slice(2);
  const folder = resolve(words.find((word) => !word.startsWith("--")) ?? join(here, "..", "mffnb"));
  await bundle(folder);
  if (words.includes("--watch")) {
    for (const source of Object.keys(BUNDLES)) await (await context(options(source, folder))).watch();
  }
}
