// The list of all tools: the build makes it from the files in `tools/`, see `all_tools.mjs`.

declare module "all-tools" {
  export const TOOLS: readonly import("./tool").Tool[];
}
