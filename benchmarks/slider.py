"""From a slider's new value to its picture, without the browser: what an explorer's worker does between two frames.

    OMP_NUM_THREADS=1 python benchmarks/slider.py [--problems P1 P3] [--repeats 5] [--small]

After a solve without penalties `sparsity` goes to 1e-3. Milliseconds to the first state that a frame could show, and to where
the objective is within the problem's tolerance of what 300 more iterations reach; medians. `live.py` measures the way from a
key to the pixels of a screen.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import numpy as np
import xarray as xr
from problems import PROBLEMS, Problem

from mffnb.widgets.session.parameters import Parameters
from mffnb.widgets.session.session import Session

BEFORE, AFTER = 0.0, 1e-3


def moved(problem: Problem, cube: xr.DataArray, lowest: float) -> tuple[float, float]:
    """Seconds to the first state, and to an objective within the tolerance of the lowest."""
    session = Session(cube)
    for _ in session.solve(Parameters(problem.k, sparsity=BEFORE)):
        pass
    begin, first = time.perf_counter(), None
    for solved in session.solve(Parameters(problem.k, sparsity=AFTER)):
        first = first or time.perf_counter() - begin
        if solved.state.whole and solved.state.objective <= lowest * (1 + problem.tolerances[0]):
            break
    return first, time.perf_counter() - begin


def lowest_objective(problem: Problem, cube: xr.DataArray) -> float:
    session = Session(cube, tol=0.0, max_iter=300)
    for _ in session.solve(Parameters(problem.k, sparsity=BEFORE)):
        pass
    return min(solved.state.objective for solved in session.solve(Parameters(problem.k, sparsity=AFTER)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="+", default=["P1", "P3"], choices=list(PROBLEMS))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--small", action="store_true", help="cut the problems down, to try the program")
    options = parser.parse_args()
    print("| | to | first state (ms) | there (ms) |\n|---|---|---|---|")
    for name in options.problems:
        problem = PROBLEMS[name](options.small)
        values = problem.X.reshape(*problem.shape, -1)
        cube = xr.DataArray(values, dims=("y", "x", "channel"), coords={"channel": np.arange(values.shape[-1])})
        lowest = lowest_objective(problem, cube)
        runs = [moved(problem, cube, lowest) for _ in range(options.repeats)]
        first, there = (1e3 * median(column) for column in zip(*runs, strict=True))
        print(f"| {name} | {problem.tolerances[0]} | {first:.0f} | {there:.0f} |", flush=True)


if __name__ == "__main__":
    main()
