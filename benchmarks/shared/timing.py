"""Clocks: single runs, methods that take turns, and the peak of NumPy's memory."""

from __future__ import annotations

import itertools
import time
import tracemalloc
from collections.abc import Callable, Iterable
from statistics import median
from typing import TypeVar

Answer = TypeVar("Answer")
Key = TypeVar("Key")


def timed(run: Callable[[], Answer], clock: Callable[[], float] = time.perf_counter) -> tuple[Answer, float]:
    """Run once; the answer and the seconds."""
    begin = clock()
    answer = run()
    return answer, clock() - begin


def taking_turns(runs: dict[Key, Callable[[], Answer]], repeats: int) -> dict[Key, list[Answer]]:
    """Figures of several measurements in turn, again and again, so that a busy moment of the machine hits all of them."""
    figures: dict[Key, list[Answer]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            figures[name].append(run())
    return figures


def seconds_in_turn(runs: dict[Key, Callable[[], object]], repeats: int) -> dict[Key, list[float]]:
    """Seconds of several functions that take turns; a first round, which may compile, does not count."""
    for run in runs.values():
        run()
    return taking_turns({name: lambda run=run: timed(run)[1] for name, run in runs.items()}, repeats)


def pace(stamps: Iterable[float]) -> float:
    """Median seconds of an iteration, from the time stamps at the start and at the end of each."""
    return median(float(after - before) for before, after in itertools.pairwise(stamps))


def measured(
    run: Callable[[], Answer], repeats: int = 1, clock: Callable[[], float] = time.perf_counter
) -> tuple[Answer, float, float]:
    """Answer, seconds of the fastest run after one that may compile, and peak memory of NumPy in MB.

    Memory inside of compiled libraries is not traced: that of cvxpy, for instance, is a lower bound.
    """
    run()
    seconds = min(timed(run, clock)[1] for _ in range(repeats))
    tracemalloc.start()
    answer = run()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return answer, seconds, peak
