"""Endmembers of each image that are tied to those that all images share, so that a band may shift between images."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import sparse

from mffnb.errors import UnsupportedCombinationError
from mffnb.protocols.matrix import Matrix
from mffnb.solvers import Outcome, State
from mffnb.typing import Array, Float64Array

_SWEEPS = 4  # of coordinate descent in each half step: cheap beside the products with X
_SETTLED = 1e-2  # of tol: relative decrease of the objective in one iteration at which a run has converged

DEFAULT_ONLY: dict[str, Any] = {
    "similarity": "frobenius", "sparsity": 0.0, "smoothness": 0.0, "volume": 0.0, "sum_to_one": False, "gain": False,
    "known": None, "weights": None, "transform": None, "abundance_terms": (), "endmember_terms": (),
}  # fmt: skip
"""Settings that ``tie=`` takes at their defaults only."""


@dataclass(frozen=True, eq=False)
class TiedFactors:
    """Factors of the tied model.

    Attributes
    ----------
    abundances
        A (k, pixels) of all images.
    shared
        E (k, channels).
    own
        E_i (k, channels) of each image.
    """

    abundances: Float64Array
    shared: Float64Array
    own: tuple[Float64Array, ...]


def check_tie(tie: Any, settings: dict[str, Any], *, several: bool, image_weights: Any = None) -> None:
    """Refuse a tie that is no number > 0, or that cannot be combined with other settings.

    Raises
    ------
    ValueError
        If the tie is no finite number > 0, or there is one image.
    UnsupportedCombinationError
        If another setting asks for a penalty, a constraint, weights or another similarity.
    """
    if isinstance(tie, bool) or not isinstance(tie, (int, float, np.number)) or not (np.isfinite(tie) and tie > 0):
        raise ValueError(f"tie is a number > 0, such as 0.1, or None for equal spectra in all images; got {tie!r}")
    if not several:
        raise ValueError("tie is for a list of several images: leave it out for one image")
    whole = settings | {"image_weights": image_weights}
    default = DEFAULT_ONLY | {"image_weights": None}
    taken = [name for name, value in default.items() if not _is_default(whole.get(name), value)]
    if taken or settings.get("k") is None:
        raise UnsupportedCombinationError(
            f"tie takes k, and non-negative least squares only: {f'leave out {taken[0]}' if taken else 'give k'}, or "
            "unmix with spectra that are equal in all images"
        )


def _is_default(value: Any, default: Any) -> bool:
    """Whether a setting has its default value; an array never has."""
    if value is None or isinstance(value, (str, int, float)):
        return bool(value == default) or value is None
    return isinstance(value, (tuple, list)) and not value


def tied(
    X: Sequence[Any], A: Sequence[Float64Array], E: Float64Array, tie: float, max_iter: int, tol: float
) -> tuple[TiedFactors, list[State]]:
    r"""Minimise the tied model by alternating coordinate descent; the objective never increases.

    .. math:: \sum_{i=1}^M \lVert X_i - A_i E_i \rVert_F^2
              + \tau \sum_j c_j \sum_i \lVert e_{ij} - e_j \rVert^2, \qquad
              c_j = \frac1M \sum_i \lVert a_{ij} \rVert^2, \qquad A_i, E_i, E \ge 0

    with column j of A_i, a_ij, and row j of E_i, e_ij. The factor c_j makes tau dimensionless, and the model
    independent of the scales of X, A and E. The penalty is tau times the squared signal by which component j would
    differ, at its mean amount in an image. A lone component of this amount deviates by 1 / (1 + tau) of the
    least-squares deviation. One that an image hardly contains stays at the shared spectrum.

    Parameters
    ----------
    X
        Matrices (pixels, channels) of the images, dense or compressed rows.
    A, E
        Start: abundances (k, pixels) of each image, and shared spectra (k, channels).
    tie
        tau > 0.
    max_iter, tol
        Largest number of iterations; the run ends when one lowers the objective by less than tol / 100 of it.

    Returns
    -------
    factors
        Of the last iteration.
    trace
        State after each iteration, without factors; objectives are relative to twice the squared norm of the data.

    Examples
    --------
    >>> E = np.array([[1.0, 2.0, 1.0], [0.0, 1.0, 3.0]])
    >>> A = [np.random.default_rng(i).random((2, 40)) for i in range(2)]
    >>> moved = E + [[0.2, 0.0, 0.0], [0.0, 0.0, 0.0]]
    >>> factors, _ = tied([A[0].T @ E, A[1].T @ moved], A, E, 1e-3, 200, 1e-6)
    >>> int(abs(factors.own[1] - factors.own[0]).argmax())  # the entry that was moved differs most
    0
    """
    begin = time.perf_counter()
    A, own = [one.copy() for one in A], [E.copy() for _ in X]
    shared, squares = E.copy(), float(sum(_squares(one) for one in X))
    trace: list[State] = []
    before, empty = np.inf, np.empty((0, 0))
    for iteration in range(1, max_iter + 1):
        ridge = np.diag(tie * _spread(own, shared) / len(own))
        for x, a, e in zip(X, A, own, strict=True):
            _sweep(a, e @ e.T + ridge, np.asarray(x @ e.T).T)
        pull = tie * np.mean([(a**2).sum(axis=1) for a in A], axis=0)
        products = [(a @ a.T, np.asarray(x.T @ a.T).T) for x, a in zip(X, A, strict=True)]
        for e, (gram, cross) in zip(own, products, strict=True):
            _sweep(e, gram + np.diag(pull), cross + pull[:, None] * shared)
        shared = np.mean(own, axis=0)
        fit = [float(np.vdot(g, e @ e.T) - 2 * np.vdot(c, e)) for e, (g, c) in zip(own, products, strict=True)]
        misfit = squares + sum(fit)
        penalty = float(pull @ _spread(own, shared))
        objective = (misfit + penalty) / (2 * squares)
        done = before - objective <= _SETTLED * tol * objective
        outcome = Outcome.CONVERGED if done else Outcome.MAX_ITER if iteration == max_iter else Outcome.RUNNING
        error = np.sqrt(max(misfit, 0.0) / squares)
        step = (before - objective) / objective if np.isfinite(before) else np.inf
        trace.append(State(iteration, empty, empty, objective, error, step, time.perf_counter() - begin, outcome))
        before = objective
        if done:
            break
    return TiedFactors(np.concatenate(A, axis=1), shared, tuple(own)), trace


def rows_of_images(matrix: Matrix, pixels: Sequence[int]) -> list[Any]:
    """Return the rows of each image, given their numbers of pixels, dense or as compressed rows."""
    parts: list[Any] = [rows for _, _, rows in matrix.bands()]
    whole: Any = sparse.vstack(parts, format="csr") if sparse.issparse(parts[0]) else np.concatenate(parts)
    ends = np.cumsum([0, *pixels])
    return [whole[start:stop] for start, stop in pairwise(ends)]


def _sweep(factor: Float64Array, gram: Array, cross: Array) -> None:
    """Lower the quadratic function of a factor (k, entries) >= 0 by sweeps over its rows, in place."""
    for _ in range(_SWEEPS):
        for j, row in enumerate(factor):
            if gram[j, j] > 0:
                np.maximum(row + (cross[j] - gram[j] @ factor) / gram[j, j], 0.0, out=row)


def _spread(own: Sequence[Float64Array], shared: Float64Array) -> Float64Array:
    """Return the sum over images of the squared distances of their spectra to the shared ones, (k,)."""
    return np.asarray(sum(((e - shared) ** 2).sum(axis=1) for e in own))


def _squares(x: Any) -> float:
    """Return the sum of the squares of all entries."""
    values = x.data if sparse.issparse(x) else x
    return float(np.vdot(values, values))
