"""Convergence curves: objective of an iterative method against seconds, and the objectives.

A method calls `step(factors)` before its first iteration and after each one; `factors()` returns A (pixels, k) and E (k,
channels) in the units of the data. The method stops when `step` returns True. Objectives and time are measured in separate
runs, since computing an objective takes time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import sparse, special

Factors = tuple[np.ndarray, np.ndarray]
Step = Callable[[Callable[[], Factors]], bool]
Value = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True, eq=False)
class Curve:
    """Seconds and objective at the start and after each iteration; the last A and E, if the method returns them."""

    seconds: np.ndarray
    objective: np.ndarray
    settled: bool
    factors: Factors | None = None

    def iterations_to(self, target: float) -> int | None:
        """Number of iterations until the objective is at or below a target; None if it never is."""
        below = np.flatnonzero(self.objective <= target)
        return int(below[0]) if len(below) else None


class Method(Protocol):
    def curve(self, value: Value, tolerance: float, patience: float) -> Curve:
        """Run until the objective has settled, or for ``patience`` seconds."""

    def stamps(self, iterations: int) -> np.ndarray:
        """Seconds from the call to the start and to the end of each iteration; no objective is computed."""


@dataclass(frozen=True, eq=False)
class Stepwise:
    """A method that runs in this process and calls a function after each iteration."""

    run: Callable[[Step], None]

    def curve(self, value: Value, tolerance: float, patience: float) -> Curve:
        recorder = Recorder(value, tolerance, patience)
        self.run(recorder)
        return recorder.curve()

    def stamps(self, iterations: int) -> np.ndarray:
        stamps: list[float] = []
        begin = time.perf_counter()

        def step(factors: Callable[[], Factors]) -> bool:
            stamps.append(time.perf_counter() - begin)
            return len(stamps) > iterations

        self.run(step)
        return np.array(stamps)


class Recorder:
    """A step that computes and records the objective; its clock is stopped meanwhile."""

    def __init__(self, value: Value, tolerance: float, patience: float):
        self.value, self.tolerance, self.patience = value, tolerance, patience
        self.seconds: list[float] = []
        self.objective: list[float] = []
        self.elapsed, self.resumed = 0.0, time.perf_counter()

    def __call__(self, factors: Callable[[], Factors]) -> bool:
        self.elapsed += time.perf_counter() - self.resumed
        self.last = factors
        self.seconds.append(self.elapsed)
        self.objective.append(self.value(*factors()))
        done = self.settled() or self.elapsed > self.patience
        self.resumed = time.perf_counter()
        return done

    def settled(self) -> bool:
        """Whether the objective fell by less than 1 % of the tolerance in the second half of at least 20 iterations."""
        n = len(self.objective)
        return n > 20 and self.objective[n // 2] - self.objective[-1] <= 0.01 * self.tolerance * self.objective[-1]

    def curve(self) -> Curve:
        A, E = (np.array(part, dtype=np.float64) for part in self.last())
        return Curve(np.array(self.seconds), np.array(self.objective), self.settled(), (A, E))


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
