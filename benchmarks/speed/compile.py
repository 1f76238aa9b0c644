"""Processor seconds of a first run from an empty kernel cache, and the kernels that take the longest to compile.

    python -m benchmarks speed.compile [--repeats 3] [--kernels 12] [--only warmup]

Each case runs in a fresh process with a cache folder of its own, which is deleted afterwards. Imports and the data do not
count. The least of the repeats is the best estimate, because other processes slow a run down.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from tempfile import TemporaryDirectory

from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.processes import environment
from benchmarks.shared.timing import taking_turns

# The times of numba are nested: what a callee takes is subtracted from the time of its caller.
MEASURED = """
import collections, json, time, warnings
warnings.simplefilter("ignore")
from numba.core import event
import mffnb as mf
from mffnb.datasets import tof_sims_2d
from mffnb.kernels.compile import stored_specialisations
from mffnb.warmup import compile_kernels

clock, running, taken = time.process_time, [], collections.Counter()

class Listener(event.Listener):
    def on_start(self, _):
        running.append([clock(), 0.0])

    def on_end(self, given):
        begin, callees = running.pop()
        whole, function = clock() - begin, given.data["dispatcher"].py_func
        taken[f"{{function.__module__.split('.')[-1]}}.{{function.__qualname__}}"] += whole - callees
        if running:
            running[-1][1] += whole

event.register("numba:compile", Listener())
cube = tof_sims_2d(seed=0, shape=({pixels}, {pixels})).cube
begin = clock()
{run}
print(json.dumps([clock() - begin, len(stored_specialisations()), taken]))
"""
UNMIX = "mf.unmix(cube, 4, random_state=0, max_iter=10{})"
#: Number of pixels along each axis, and what is run.
CASES = {
    "least squares": (128, UNMIX.format("")),
    "smooth": (32, UNMIX.format(", smoothness=1e-3")),
    "kl": (32, UNMIX.format(", similarity='kl'")),
    "warmup": (8, "compile_kernels()"),
}


def first_run(pixels: int, run: str) -> tuple[float, int, dict[str, float]]:
    """Run with an empty cache: processor seconds, number of compiled kernels, and seconds of each of them."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-c", MEASURED.format(pixels=pixels, run=run)]
        empty = environment() | {"MFFNB_CACHE_DIR": folder, "MFFNB_COMPILE": "wait"}
        printed = subprocess.run(command, check=True, capture_output=True, text=True, env=empty).stdout
    seconds, kernels, taken = json.loads(printed)
    return seconds, kernels, taken


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--kernels", type=int, default=12, help="number of kernels whose times are listed")
    options.add_argument("--only", choices=CASES, help="one case instead of all")
    chosen = options.parse_args(arguments)
    cases = {chosen.only: CASES[chosen.only]} if chosen.only else CASES
    if chosen.quick:
        cases, chosen.repeats = {"least squares": CASES["least squares"]}, 1
    turns = taking_turns({name: lambda case=case: first_run(*case) for name, case in cases.items()}, chosen.repeats)
    print_header("first run", "processor seconds", "compiled kernels")
    for name, runs in turns.items():
        print_row(name, f"{min(run[0] for run in runs):.1f}", runs[0][1])
    for name, runs in turns.items():
        taken = min(runs, key=lambda run: run[0])[2]
        print()
        print_header(f"kernel, {name}", "seconds")
        for kernel, seconds in sorted(taken.items(), key=lambda item: -item[1])[: chosen.kernels]:
            print_row(kernel, f"{seconds:.2f}")
