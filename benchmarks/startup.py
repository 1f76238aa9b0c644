"""How long the first answer takes in a fresh process.

    python benchmarks/startup.py [--repeat 5]

`import mffnb` alone; and import, kernels from the cache and the first `unmix` of 128 x 128 x 50 data. The first run, which
may compile and fills the caches of the file system, does not count.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

TIMED = """
import time
begin = time.perf_counter()
{}
print(time.perf_counter() - begin)
"""
# The data are there before the clock starts; NumPy, which makes them, is then loaded, about 0.1 s.
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
    """Run in a fresh process: what it says it took, or the whole of it."""
    begin = time.perf_counter()
    command = [sys.executable, "-W", "ignore", "-c", code or "import mffnb"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(said) if code else time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    for code in CASES.values():
        seconds(code)
    times = {name: [] for name in CASES}
    for _ in range(options.repeat):  # interleaved: a busy moment hits all of them
        for name, code in CASES.items():
            times[name].append(seconds(code))
    print("| seconds | median | least |\n|---|---|---|")
    for name, taken in times.items():
        print(f"| {name} | {statistics.median(taken):.3f} | {min(taken):.3f} |")


if __name__ == "__main__":
    main()
