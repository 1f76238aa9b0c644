// The modules "worker:NAME": the bundle of src/NAME.ts as text, from which a page without files makes a worker.

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const sources = join(dirname(fileURLToPath(import.meta.url)), "src");

/** Plugin of esbuild that makes the text. */
export const workerSource = {
  name: "worker-source",
  setup(outer) {
    outer.onResolve({ filter: /^worker:/ }, ({ path }) => ({
      path: path.slice("worker:".length),
      namespace: "worker-source",
    }));
    outer.onLoad({ filter: /.*/, namespace: "worker-source" }, async ({ path }) => {
      const { charset, legalComments, minify, target } = outer.initialOptions;
      const made = await build({
        ...{ charset, legalComments, minify, target },
        entryPoints: [join(sources, `${path}.ts`)],
        bundle: true,
        format: "iife",
        metafile: true,
        write: false,
      });
      const watchFiles = Object.keys(made.metafile.inputs);
      return { contents: made.outputFiles[0].text, loader: "text", watchFiles };
    });
  },
};
