"""Processor seconds from `import mffnb` to the first picture of the explorer, and to the first state of `unmix`.

    python -m benchmarks speed.first_picture [--cases explore "explore kl"] [--caches warm cold] [--repeats 5] [--against FOLDER]

Each figure is of a fresh process, in which the modules of a Jupyter kernel are loaded before the clock starts: the least and the median
of several runs that take turns. "warm": the kernels are in the cache, as after `mffnb warmup`. "cold": the cache is an empty folder, and
the child process that compiles is stopped at the first picture; its time does not count. The image is ToF-SIMS, 128 x 128 x 1535 counts;
"poplar" is 256 x 256 x 200. `--against` adds the same figures of another checkout. One thread unless the environment sets another number.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.problems import PROBLEMS
from benchmarks.shared.processes import environment
from benchmarks.shared.timing import taking_turns

ONE_THREAD = True
EXPLORE = """
explorer = mf.explore(X, k=4, **options)
while not explorer.view.encoded and not explorer._fit.runner.settled(0.002):
    pass
"""
UNMIX = """
class Reached(Exception):
    pass

def callback(state):
    raise Reached

try:
    mf.unmix(X, 4, callback=callback, **options)
except Reached:
    pass
"""
CASES = {
    "explore": ("P1", EXPLORE, {}),
    "explore kl": ("P1", EXPLORE, {"similarity": "kl"}),
    "explore auto": ("P1", EXPLORE, {"volume": "auto"}),
    "poplar kl": ("P2", EXPLORE, {"similarity": "kl"}),
    "poplar auto": ("P2", EXPLORE, {"volume": "auto"}),
    "unmix": ("P1", UNMIX, {}),
    "unmix smooth": ("P1", UNMIX, {"smoothness": 1e-3}),
    "unmix kl": ("P1", UNMIX, {"similarity": "kl"}),
    "unmix auto": ("P1", UNMIX, {"volume": "auto"}),
}
CHILD = """
import os, sys, time, warnings
import numpy as np
import ipykernel.ipkernel, ipykernel.kernelapp, ipykernel.zmqshell

warnings.simplefilter("ignore")
X, options = np.load(sys.argv[1]), {options!r}
begin = time.process_time()
import mffnb as mf
{code}
print(time.process_time() - begin, flush=True)
from mffnb.kernels.tiers import compilation

for child in compilation._compilations.values():
    if child._process is not None:
        child._process.kill()
        child._process.wait()
os._exit(0)
"""


def seconds(name: str, image: Path, *, cold: bool, checkout: str) -> float:
    """Run a case in a fresh process; return the processor seconds that it prints."""
    _, code, options = CASES[name]
    with tempfile.TemporaryDirectory() as empty:
        own = environment() | {"PYTHONPATH": checkout} | ({"MFFNB_CACHE_DIR": empty} if cold else {})
        own.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its bytecode on the disk
        command = [sys.executable, "-c", CHILD.format(options=options, code=code), str(image)]
        printed = subprocess.run(command, check=True, capture_output=True, text=True, env=own, cwd=empty).stdout
    return float(printed.split()[-1])


def stored_images(folder: Path, cases: Sequence[str], quick: bool) -> dict[str, Path]:
    """Store the images of the cases as the user has them: counts in 16 bits."""
    paths = {}
    for name in {CASES[case][0] for case in cases}:
        problem = PROBLEMS[name](quick)
        paths[name] = folder / f"{name}.npy"
        np.save(paths[name], problem.X.reshape(*problem.shape, -1).astype(np.uint16))
    return paths


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--cases", nargs="+", default=list(CASES), choices=list(CASES))
    options.add_argument("--caches", nargs="+", default=["warm", "cold"], choices=["warm", "cold"])
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument(
        "--against", metavar="FOLDER", help="root of another checkout, whose runs take turns with these"
    )
    chosen = options.parse_args(arguments)
    here = str(Path(__file__).parents[2])
    checkouts = {"": here} | ({"other checkout": os.path.abspath(chosen.against)} if chosen.against else {})
    print_header("case", "cache", "", "least (s)", "median (s)")
    with tempfile.TemporaryDirectory() as folder:
        images = stored_images(Path(folder), chosen.cases, chosen.quick)
        for name in chosen.cases:
            for cache in chosen.caches:
                runs = {
                    label: lambda path=path, name=name, cache=cache: seconds(
                        name, images[CASES[name][0]], cold=cache == "cold", checkout=path
                    )
                    for label, path in checkouts.items()
                }
                # The first run loads files into the caches of the system, and a warm one may compile.
                for label, (_, *taken) in taking_turns(runs, chosen.repeats + 1).items():
                    print_row(name, cache, label, f"{min(taken):.2f}", f"{median(taken):.2f}")
