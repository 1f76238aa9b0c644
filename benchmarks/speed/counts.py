"""Counts, volumes, gaps and weights in the explorer, without the browser: milliseconds from a touch to pictures.

    python -m benchmarks speed.counts [--problems P2 P1] [--touches kl] [--repeats 3]

A touch is one change of a control after the fit before it has ended, or for 10 s, with compiled kernels. Measured are the times to the first
picture, to the last one from a subset of the pixels, and to the first from all pixels, in wall time and in processor time of the
process. Medians. P2 is the poplar image (`MFFNB_DATA` may name the folder with the file), P1 is ToF-SIMS of 16384 x 1535. One thread
unless the environment sets another number. `speed.stop` measures how soon a run ends.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import xarray as xr

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.problems import PROBLEMS, Problem

ONE_THREAD = True
LONGEST = 10.0  # seconds after which the fit before the touch is stopped
GAPS = slice(None, None, 7), slice(None, None, 5), slice(None, None, 11)  # entries that a touch "gaps" leaves out


@dataclass(frozen=True)
class Touch:
    """Options with which the explorer opens, the change of its controls, and whether the image has gaps."""

    options: dict[str, Any]
    change: dict[str, Any]
    gaps: bool = False


TOUCHES = {
    "kl": Touch({}, {"similarity": "kl"}),
    "kl sparsity": Touch({"similarity": "kl"}, {"sparsity": 1e-3}),
    "poisson weights": Touch({"preprocess": [mf.preprocessing.PoissonScaling()]}, {"steps": (True,)}),
    "volume": Touch({"sum_to_one": True}, {"volume": 1e-2}),
    "volume auto": Touch({}, {"volume": "auto"}),
    "kl, own term": Touch({"endmember_terms": [mf.Ridge(1e-3)]}, {"similarity": "kl"}),
    "kl, gaps": Touch({}, {"similarity": "kl"}, gaps=True),
    "components, gaps": Touch({}, {"k": 3}, gaps=True),
    "components, weights": Touch({"weights": "poisson"}, {"k": 3}),
}
BEFORE = {"poisson weights": {"steps": (False,)}}


@dataclass(frozen=True)
class Picture:
    """Seconds from the touch to a picture, and the text of its status."""

    wall: float
    processor: float
    text: str


def cube_of(problem: Problem) -> xr.DataArray:
    """Image of a problem, in the type in which it is stored in files."""
    values = problem.X.reshape(*problem.shape, -1)
    small = np.uint16 if float(values.max()) < 2**16 and (values == np.rint(values)).all() else np.float32
    return xr.DataArray(values.astype(small), dims=("y", "x", "channel"))


def opened(cube: xr.DataArray, name: str, k: int) -> mf.Explorer:
    """Explorer before the touch, with its run ended."""
    if TOUCHES[name].gaps:
        cube = cube.astype(np.float32)
        cube[GAPS] = np.nan
    explorer = mf.explore(cube, k=k, **TOUCHES[name].options)
    if name in BEFORE:
        explorer.controls.set(**BEFORE[name])
    if not explorer._fit.runner.settled(LONGEST):
        explorer.stop()
        explorer.wait()
    return explorer


def pictures(explorer: mf.Explorer, change: dict[str, Any]) -> list[Picture]:
    """Touch, and record the pictures until the first few of all pixels."""
    seen: list[Picture] = []
    show = explorer.view.show

    def watched(frame: Any) -> int:
        number = show(frame)
        seen.append(Picture(time.perf_counter() - wall, time.process_time() - processor, str(frame.status["text"])))
        return number

    explorer.view.show = watched
    wall, processor = time.perf_counter(), time.process_time()
    explorer.controls.set(**change)
    while not (seen and not seen[-1].text) and not explorer._fit.runner.settled(0.01):
        pass
    explorer.view.show = show
    explorer.stop()
    explorer._fit.runner.settled(600)
    return seen


def measured(cube: xr.DataArray, name: str, k: int, repeats: int) -> list[str]:
    """Cells of a row: pixels of the first picture, and times of three pictures."""
    runs, change = [], TOUCHES[name].change
    for _ in range(repeats + 1):
        explorer = opened(cube, name, k)
        runs.append(pictures(explorer, change))
        explorer.close()
    del runs[0]  # the first run may load kernels
    few = [([one for one in run if one.text] or run[:1])[-1] for run in runs]
    cells = [[run[0] for run in runs], few, [run[-1] for run in runs]]
    times = [f"{1e3 * median(p.wall for p in c):.0f} ({1e3 * median(p.processor for p in c):.0f})" for c in cells]
    return [runs[0][0].text or "all pixels", *times]


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--problems", nargs="+", default=["P2", "P1"], choices=list(PROBLEMS))
    options.add_argument("--touches", nargs="+", default=list(TOUCHES), choices=list(TOUCHES))
    options.add_argument("--repeats", type=int, default=3)
    chosen = options.parse_args(arguments)
    print("Wall time (processor time) in ms.\n")
    print_header("image", "touch", "first picture", "first", "last of subset", "first of all pixels")
    for number in chosen.problems:
        problem = PROBLEMS[number](chosen.quick)
        cube = cube_of(problem)
        for name in chosen.touches:
            print_row(number, name, *measured(cube, name, problem.k, chosen.repeats))
