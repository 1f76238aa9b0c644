"""Seconds of `import mffnb` and of the first `unmix` in a fresh process.

    python -m benchmarks speed.startup [--repeats 5]

The image has 128 x 128 x 50 entries; kernels come from the cache. A first run, which may compile and fills the caches of the file
system, does not count. All cases take turns.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from statistics import median

from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.processes import environment
from benchmarks.shared.timing import taking_turns

TIMED = """
import time
begin = time.perf_counter()
{}
print(time.perf_counter() - begin)
"""
# The data are made before the clock starts; so NumPy, about 0.1 s, is loaded then.
DATA = "import numpy as np; cube = np.random.default_rng(0).random((128, 128, 50))\n"
UNMIX = "mf.unmix(cube, 4, max_iter={}, random_state=0)"
CASES = {
    "`import mffnb`": TIMED.format("import mffnb"),
    "`import mffnb`, `unmix`, 1 iteration": DATA + TIMED.format("import mffnb as mf; " + UNMIX.format(1)),
    "`import mffnb`, `unmix`, 50 iterations": DATA + TIMED.format("import mffnb as mf; " + UNMIX.format(50)),
    "the second `unmix` of a process, 50 iterations": DATA
    + "import mffnb as mf; mf.unmix(cube, 4, max_iter=1, random_state=0)\n"
    + TIMED.format(UNMIX.format(50)),
    "interpreter, `import mffnb` and exit": None,
}


def seconds(code: str | None) -> float:
    """Run in a fresh process: the seconds that it prints or, without code, those of the whole process."""
    begin = time.perf_counter()
    command = [sys.executable, "-W", "ignore", "-c", code or "import mffnb"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, env=environment()).stdout
    return float(printed) if code else time.perf_counter() - begin


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--repeats", type=int, default=5)
    chosen = options.parse_args(arguments)
    cases = dict(list(CASES.items())[:1]) if chosen.quick else CASES
    print_header("seconds", "median", "least")
    turns = taking_turns({name: lambda code=code: seconds(code) for name, code in cases.items()}, chosen.repeats + 1)
    for name, (_, *taken) in turns.items():  # the first run does not count
        print_row(name, f"{median(taken):.3f}", f"{min(taken):.3f}")
