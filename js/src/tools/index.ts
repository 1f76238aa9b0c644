// The list of all tools, in the order in which they react and in which their controls appear.

import { contrast } from "./contrast";
import { highlight } from "./highlight";
import { readMap } from "./read_map";
import { readSpectra } from "./read_spectra";
import { scale } from "./scale";
import type { Tool } from "./tool";

export const TOOLS: readonly Tool[] = [contrast, scale, highlight, readMap, readSpectra];
