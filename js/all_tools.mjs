// The module "all-tools": a list of the tool that each file of src/tools/ exports, in the order of their places.

import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = join(dirname(fileURLToPath(import.meta.url)), "src", "tools");

/** Plugin of esbuild that makes the list; a new file needs no entry anywhere. */
export const allTools = {
  name: "all-tools",
  setup(build) {
    build.onResolve({ filter: /^all-tools$/ }, ({ path }) => ({ path, namespace: "all-tools" }));
    build.onLoad({ filter: /.*/, namespace: "all-tools" }, () => {
      const files = readdirSync(folder).filter((file) => file.endsWith(".ts"));
      const names = files.sort().map((file) => file.replace(/\.ts$/, ""));
      const imports = names.map((name, i) => `import { tool as tool${i} } from "./${name}";`);
      const list = `[${names.map((_, i) => `tool${i}`).join(", ")}]`;
      const contents = `${imports.join("\n")}
        const place = (tool) => tool.place ?? 0;
        export const TOOLS = ${list}.sort((a, b) => place(a) - place(b));`;
      return { contents, resolveDir: folder, watchDirs: [folder] };
    });
  },
};
