"""Milliseconds from "stop" to the end of a run of the explorer, without the browser.

    python -m benchmarks speed.stop [--problems P2 P1] [--touches "kl" "volume auto"] [--tiers compiled numpy] [--repeats 2]

A touch of `speed.counts` starts a run, which is stopped at several moments, also before its first picture; "first run" is the run of a new
explorer. Given are the median and the longest time from the stop to the end of the run: processor time of the process, and wall time in
brackets. "numpy": the run is on NumPy steps, as while kernels are compiled, but no child process compiles. P2 is the poplar image
(`MFFNB_DATA` may name the folder with the file), P1 is ToF-SIMS of 16384 x 1535. One thread unless the environment sets another number.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from statistics import median
from typing import Any
from unittest import mock

import xarray as xr

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.problems import PROBLEMS
from benchmarks.speed.counts import TOUCHES, cube_of, opened
from mffnb.kernels.tiers.tier import Tier
from mffnb.widgets.session import session as sessions

ONE_THREAD = True
MOMENTS = (0.0, 0.01, 0.03, 0.1, 0.2, 0.45, 0.8, 1.3, 2.0)  # seconds after the touch at which a run is stopped
FIRST_RUNS = {"first run": {}, "first run, kl": {"similarity": "kl"}, "first run, auto": {"volume": "auto"}}


class OnNumpySteps(Tier):
    """A tier that stays on NumPy steps, and starts no child process."""

    def begin(self, settings: Mapping[str, Any]) -> None:
        self.compiled = False

    def require(self, settings: Mapping[str, Any]) -> None:
        self.compiled = False


def stop_seconds(cube: xr.DataArray, name: str, k: int, moment: float) -> tuple[float, float] | None:
    """Start a run, wait, stop; return processor and wall time from stop to the end, or None if it had ended before."""
    explorer = mf.explore(cube, k=k, **FIRST_RUNS[name]) if name in FIRST_RUNS else opened(cube, name, k)
    if name in TOUCHES:
        explorer.controls.set(**TOUCHES[name].change)
    try:
        if explorer._fit.runner.settled(moment):
            return None
        processor, wall = time.process_time(), time.perf_counter()
        explorer.stop()
        explorer._fit.runner.settled(600)
        return time.process_time() - processor, time.perf_counter() - wall
    finally:
        explorer.close()


def measured(cube: xr.DataArray, name: str, k: int, repeats: int) -> list[str]:
    """Number of stops, and the median and longest time."""
    stop_seconds(cube, name, k, MOMENTS[-1])  # loads kernels and libraries
    taken = [stop_seconds(cube, name, k, moment) for _ in range(repeats) for moment in MOMENTS]
    stops = [one for one in taken if one is not None]
    if not stops:
        return ["0", "", ""]
    columns = list(zip(*stops, strict=True))
    return [str(len(stops)), *("{:.0f} ({:.0f})".format(*(1e3 * pick(c) for c in columns)) for pick in (median, max))]


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    names = [*TOUCHES, *FIRST_RUNS]
    options.add_argument("--problems", nargs="+", default=["P2", "P1"], choices=list(PROBLEMS))
    options.add_argument("--touches", nargs="+", default=names, choices=names)
    options.add_argument("--tiers", nargs="+", default=["compiled", "numpy"], choices=["compiled", "numpy"])
    options.add_argument("--repeats", type=int, default=2)
    chosen = options.parse_args(arguments)
    print("Processor time (wall time) in ms.\n")
    print_header("image", "tier", "touch", "stops", "median", "longest")
    for number in chosen.problems:
        problem = PROBLEMS[number](chosen.quick)
        for tier in chosen.tiers:
            with mock.patch.object(sessions, "Tier", OnNumpySteps) if tier == "numpy" else nullcontext():
                for name in chosen.touches:
                    print_row(number, tier, name, *measured(cube_of(problem), name, problem.k, chosen.repeats))
