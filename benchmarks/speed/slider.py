"""A slider of the explorer, without the browser: milliseconds from a new value to the first state and to the new minimum.

    python -m benchmarks speed.slider [--problems P1 P3] [--repeats 5]

After a solve without penalties, `sparsity` is set to 1e-3. Measured are the times to the first state that can be shown, and to an
objective within the problem's tolerance of what 300 further iterations reach; medians. One thread unless the environment sets
another number. `speed.browser` measures from a key press to the pixels of the screen.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median

import numpy as np
import xarray as xr

from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.problems import PROBLEMS, Problem
from mffnb.widgets.session.parameters import Parameters
from mffnb.widgets.session.session import Session

ONE_THREAD = True
BEFORE, AFTER = 0.0, 1e-3  # sparsity


def moved(problem: Problem, cube: xr.DataArray, lowest: float) -> tuple[float, float]:
    """Seconds to the first state after the change, and to an objective within the tolerance of the lowest one."""
    session = Session(cube)
    for _ in session.solve(Parameters(problem.k, sparsity=BEFORE)):
        pass
    begin, first = time.perf_counter(), None
    for solved in session.solve(Parameters(problem.k, sparsity=AFTER)):
        first = first or time.perf_counter() - begin
        if solved and solved.state.whole and solved.state.objective <= lowest * (1 + problem.tolerances[0]):
            break
    return first, time.perf_counter() - begin


def lowest_objective(problem: Problem, cube: xr.DataArray) -> float:
    session = Session(cube, tol=0.0, max_iter=300)
    for _ in session.solve(Parameters(problem.k, sparsity=BEFORE)):
        pass
    solves = session.solve(Parameters(problem.k, sparsity=AFTER))
    return min(solved.state.objective for solved in solves if solved)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--problems", nargs="+", default=["P1", "P3"], choices=list(PROBLEMS))
    options.add_argument("--repeats", type=int, default=5)
    chosen = options.parse_args(arguments)
    print_header("", "to", "first state (ms)", "there (ms)")
    for name in chosen.problems:
        problem = PROBLEMS[name](chosen.quick)
        values = problem.X.reshape(*problem.shape, -1)
        cube = xr.DataArray(values, dims=("y", "x", "channel"), coords={"channel": np.arange(values.shape[-1])})
        lowest = lowest_objective(problem, cube)
        runs = [moved(problem, cube, lowest) for _ in range(chosen.repeats)]
        first, there = (1e3 * median(column) for column in zip(*runs, strict=True))
        print_row(name, problem.tolerances[0], f"{first:.0f}", f"{there:.0f}")
