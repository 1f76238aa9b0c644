"""Convergence curves: objective of an iterative method against seconds, and the objectives.

A method calls `step(factors)` before its first iteration and after each one; `factors()` returns A (pixels, k) and E (k,
channels) in the units of the data. The method stops when `step` returns True. Objectives and time are measured in separate
runs, since computing an objective takes time. Seconds are processor seconds of all threads, unless a caller passes another clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import sparse, special

Factors = tuple[np.ndarray, np.ndarray]
Step = Callable[[Callable[[], Factors]], bool]
Value = Callable[[np.ndarray, np.ndarray], float]

#: Iterations before which no run counts as settled.
FEWEST = 20


@dataclass(frozen=True, eq=False)
class Curve:
    """Seconds and objective at the start and after each iteration; the last A and E, if the method returns them.

    ``numbers`` are the numbers of iterations at which the objective is known; None means all, from 0.
    """

    seconds: np.ndarray
    objective: np.ndarray
    settled: bool
    factors: Factors | None = None
    numbers: np.ndarray | None = None

    def iterations_to(self, target: float) -> int | None:
        """Number of iterations until the objective is at or below a target; None if it never is."""
        below = np.flatnonzero(self.objective <= target)
        if not len(below):
            return None
        return int(below[0] if self.numbers is None else self.numbers[below[0]])


class Method(Protocol):
    def curve(self, value: Value, tolerance: float, patience: float) -> Curve:
        """Run until the objective has settled, or for ``patience`` seconds."""

    def seconds_at(self, counts: Sequence[int]) -> dict[int, float]:
        """Processor seconds of so many iterations, for each count, from the call; no objective is computed."""


@dataclass(frozen=True, eq=False)
class Stepwise:
    """A method that runs in this process and calls a function after each iteration."""

    run: Callable[[Step], None]

    def curve(self, value: Value, tolerance: float, patience: float) -> Curve:
        recorder = Recorder(value, tolerance, patience)
        self.run(recorder)
        return recorder.curve()

    def seconds_at(self, counts: Sequence[int]) -> dict[int, float]:
        stamps = self.stamps(max(counts), time.process_time)
        return {count: float(stamps[count]) for count in counts}

    def stamps(self, iterations: int, clock: Callable[[], float] = time.perf_counter) -> np.ndarray:
        """Seconds from the call to the start and to the end of each iteration."""
        stamps: list[float] = []
        begin = clock()

        def step(factors: Callable[[], Factors]) -> bool:
            stamps.append(clock() - begin)
            return len(stamps) > iterations

        self.run(step)
        return np.array(stamps)


class Recorder:
    """A step that computes and records the objective; its clock is stopped meanwhile."""

    def __init__(self, value: Value, tolerance: float, patience: float):
        self.value, self.tolerance, self.patience = value, tolerance, patience
        self.seconds: list[float] = []
        self.objective: list[float] = []
        self.elapsed, self.resumed = 0.0, time.process_time()

    def __call__(self, factors: Callable[[], Factors]) -> bool:
        self.elapsed += time.process_time() - self.resumed
        self.last = factors
        self.seconds.append(self.elapsed)
        self.objective.append(self.value(*factors()))
        done = self.settled() or self.elapsed > self.patience
        self.resumed = time.process_time()
        return done

    def settled(self) -> bool:
        """Whether the objective has settled after enough iterations."""
        n = len(self.objective)
        return n > FEWEST and has_settled(self.objective[n // 2], self.objective[-1], self.tolerance)

    def curve(self) -> Curve:
        A, E = (np.array(part, dtype=np.float64) for part in self.last())
        return Curve(np.array(self.seconds), np.array(self.objective), self.settled(), (A, E))


def has_settled(middle: float, last: float, tolerance: float) -> bool:
    """Whether the objective fell by less than 1 % of the tolerance in the second half of the iterations."""
    return middle - last <= 0.01 * tolerance * last


def squared_residual(X: np.ndarray | sparse.csr_array) -> Value:
    """Objective |X - A E|^2 / |X|^2, in float64 for every method."""
    entries = X.data if sparse.issparse(X) else X
    total = float(np.vdot(entries, entries))

    def value(A: np.ndarray, E: np.ndarray) -> float:
        A, E = A.astype(np.float64, copy=False), E.astype(np.float64, copy=False)
        return float(total - 2 * np.vdot(X @ E.T, A) + np.vdot(A.T @ A, E @ E.T)) / total

    return value


def divergence(X: sparse.csr_array) -> Value:
    """Objective: generalised Kullback-Leibler divergence of A E from X, per count."""
    entries = X.tocoo()
    counts, total = entries.data, float(X.sum())

    def value(A: np.ndarray, E: np.ndarray) -> float:
        model = np.zeros_like(counts)
        for a, e in zip(A.T, E, strict=True):
            model += a[entries.row] * e[entries.col]
        logarithm = special.xlogy(counts, counts / np.maximum(model, np.finfo(float).tiny))
        return float(logarithm.sum() - total + A.sum(axis=0) @ E.sum(axis=1)) / total

    return value
