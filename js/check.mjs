// Run everything that must pass before a change of the front end lands; stop at the first failure.
//
//   npm run check

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { BUNDLES, bundle } from "./build.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const tool = (name) => join(here, "node_modules", ".bin", name);

/** Run a command; return whether it succeeded. */
function run(command, ...words) {
  return spawnSync(command, words, { cwd: here, stdio: "inherit" }).status === 0;
}

/** Compare the committed bundles with freshly built ones. */
async function bundlesAreCurrent() {
  const folder = mkdtempSync(join(tmpdir(), "mffnb-bundle-"));
  try {
    await bundle(folder);
    return Object.values(BUNDLES).every((path) => {
      const [built, committed] = [join(folder, path), join(here, "..", "mffnb", path)].map((file) =>
        readFileSync(file),
      );
      const equal = built.equals(committed);
      console.log(
        `mffnb/${path}: ${equal ? `${built.length} bytes, as built` : 'differs; run "npm run build", commit it'}`,
      );
      return equal;
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The lock file holds hashes only: an address would bind every checkout to one registry (see .npmrc). */
function lockNamesNoAddress() {
  const lines = readFileSync(join(here, "package-lock.json"), "utf8").split("\n");
  const found = lines.filter((line) => /"resolved"|https?:|file:/.test(line));
  for (const line of found) console.log(line);
  return found.length === 0;
}

const STEPS = {
  "format and lint": () => run(tool("biome"), "ci", "."),
  types: () => run(tool("tsc")),
  tests: () => run(process.execPath, "run_tests.mjs"),
  "committed bundles": bundlesAreCurrent,
  "addresses in the lock file": lockNamesNoAddress,
};
for (const [name, step] of Object.entries(STEPS)) {
  console.log(`\n== ${name}`);
  if (await step()) continue;
  console.error(`${name}: failed`);
  process.exit(1);
}
