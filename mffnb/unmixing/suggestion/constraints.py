"""Constraints that the data suggest: a volume where spectra are not unique, fractions that sum to one, or a gain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mffnb.errors import without_warnings
from mffnb.estimators.run import FactorizationRun
from mffnb.geometry import ModelChoice, choose_model
from mffnb.geometry.freedom import EntryNoise, rotations
from mffnb.matrices import in_memory, sparse_if_smaller
from mffnb.typing import Array, Float64Array
from mffnb.unmixing.suggestion.sample import Sample

_PIXELS, _RESIDUALS, _MOVES = 2048, 500, 4000
# On 47 random scenes of broad bands or narrow peaks (as ``python -m benchmarks accuracy.suggest rule`` draws them)
# entries below 5 % of the largest were 0.68 to 0.83 of peaks, and 0.03 to 0.41 of bands, where the smallest volume was
# better. The measure was chosen among four with the simulated experiments in view, see docs/accuracy.md.
FREE, EMPTY = 0.05, 0.5
_ZERO = 0.05
_ITERATIONS, _TOLERANCE = 100, 1e-3


@dataclass(frozen=True, eq=False)
class Constraints:
    """Evidence for constraints on a model of k components.

    Attributes
    ----------
    choice
        Whether fractions sum to one, or up to a gain of each pixel.
    freedom
        Angle (rad) by which the typical spectrum of a plain fit could turn and fit as well.
    empty
        Share of the entries of plain spectra that are below a twentieth of the largest. Spectra with many zeros, such
        as separate peaks, are nearly unique, also where noise lets their freedom seem large.
    noise
        Variance of the noise of an entry, from the residual of that fit, where the mean squared norm of a pixel is 1.
    """

    choice: ModelChoice
    freedom: float
    empty: float
    noise: float = 0.0

    @property
    def needs_volume(self) -> bool:
        """Whether plain spectra are not unique, since they have few zeros and could turn far."""
        return self.freedom > FREE and self.empty < EMPTY

    @classmethod
    def of(cls, sample: Sample, k: int, weights: Any, seed: int = 0) -> Constraints:
        """Compare models of k components on a sample."""
        choice = choose_model(sample.matrix, k, seed)
        X, A, E, error = _quick_fit(sample, k, weights, seed)
        empty = float(np.mean(E / E.max(axis=1, keepdims=True) < _ZERO))
        noise = error**2 / max(X.shape[1] - k, 1) / max(1 - k / len(X), 0.1)
        return cls(choice, float(np.median(_freedom(X, A, E))), empty, float(noise))


def _quick_fit(sample: Sample, k: int, weights: Any, seed: int) -> tuple[Array, Float64Array, Float64Array, float]:
    """Return some pixels, A and E of a plain fit to them without components that are zero, and its relative error."""
    every = max(1, len(sample.values) // _PIXELS)
    X = np.ascontiguousarray(sample.values[::every])
    run = FactorizationRun(k, weights=weights, max_iter=_ITERATIONS, tol=_TOLERANCE, random_state=seed)
    with without_warnings():
        *_, last = run.iterate(sparse_if_smaller(in_memory(X)))
    A, E = last.abundances, last.endmembers
    used = (np.abs(A).max(axis=1) > 0) & (np.abs(E).max(axis=1) > 0)
    return X, A[used], E[used], float(last.relative_error)


def _freedom(X: Array, A: Float64Array, E: Float64Array) -> Float64Array:
    """Return how far each spectrum could turn and fit as well, in rad, (components,)."""
    if len(E) < 2:
        return np.zeros(1)
    sampled = np.arange(0, len(X), max(1, len(X) // _RESIDUALS))
    signal = A.T @ E.sum(axis=1)
    mean = float(signal.mean())
    noise = EntryNoise.of(X[sampled] - A[:, sampled].T @ E, sampled, signal / mean if mean > 0 else np.ones(len(X)))
    return rotations(A, E, noise, moves=_MOVES).angles
