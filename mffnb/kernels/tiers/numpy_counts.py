"""NumPy steps for a Poisson likelihood (KL): logarithms, ratios of data and model, and minimisers of the majorizer.

Bands of X are arrays, which are multiplied as they are, or CSR arrays, whose nonzero entries are evaluated.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mffnb.typing import Array, Float64Array

_PIECE_BYTES = 2**20  # size of a piece of a band that is evaluated at once
_PIECE_ENTRIES = 2**16  # number of nonzero entries that are evaluated at once
_SMALLEST = 2.3e-308  # smallest model value whose logarithm is evaluated


def x_log_x(values: Float64Array) -> float:
    """Compute ``sum x log x`` over the values of an array."""
    total = 0.0
    for start in range(0, values.size, _PIECE_ENTRIES):
        x = values[start : start + _PIECE_ENTRIES]
        total += float(x @ np.log(np.where(x >= _SMALLEST, x, 1.0)))
    return total


def log_likelihood(band: Any, factor: Float64Array, start: int, right: Float64Array) -> float:
    """Compute ``sum x log(f right_m)`` over a band whose rows belong to the columns of ``factor`` from ``start`` on.

    The result is minus infinity where a positive count has a model value of zero.
    """
    left = np.ascontiguousarray(factor[:, start : start + band.shape[0]].T)
    total = 0.0
    for _, _, x, model in _models(band, left, right):
        lost = model < _SMALLEST
        if lost.any():
            if (x[lost] > 0).any():
                return -np.inf
            model[lost] = 1.0
        np.log(model, out=model)
        total += float(np.vdot(x, model))
    return total


def ratio_times_columns(band: Any, left: Float64Array, right: Float64Array) -> Float64Array:
    """Compute ``(x / model) right``, (rows, k), for the model ``left right^T`` of a band."""
    out = np.zeros((band.shape[0], right.shape[1]))
    for rows, columns, x, model in _models(band, left, right):
        ratio = np.divide(x, model, out=np.zeros_like(model), where=model > 0)
        if columns is None:
            out[rows] = ratio @ right
        else:
            for j in range(right.shape[1]):
                out[:, j] += np.bincount(rows, ratio * right[columns, j], minlength=len(out))
    return out


def ratio_times_rows(band: Any, left: Float64Array, right: Float64Array) -> Float64Array:
    """Compute ``(x / model)^T left``, (columns, k), for the model ``left right^T`` of a band."""
    out = np.zeros((band.shape[1], left.shape[1]))
    for rows, columns, x, model in _models(band, left, right):
        ratio = np.divide(x, model, out=np.zeros_like(model), where=model > 0)
        if columns is None:
            out += ratio.T @ left[rows]
        else:
            for j in range(left.shape[1]):
                out[:, j] += np.bincount(columns, ratio * left[rows, j], minlength=len(out))
    return out


def minimise_entries(
    linear: Float64Array, log_weight: Float64Array, quadratic: Float64Array, factor: Float64Array
) -> None:
    """Minimise ``linear f - log_weight log f + quadratic f^2 / 2`` for every entry f of a factor, in place."""
    new = _minimisers(linear, log_weight, np.broadcast_to(quadratic, linear.shape))
    np.copyto(factor, new, where=np.isfinite(new))  # infinite where the objective does not depend on f


def minimiser_row_squares(
    linear: Float64Array, log_weight: Float64Array, quadratic: Float64Array, added: Float64Array, factor: Float64Array
) -> Float64Array:
    """Compute the sum of squares, (k,), of each row that :func:`minimise_entries` would return."""
    new = _minimisers(linear, log_weight, np.broadcast_to(quadratic, linear.shape) + added[:, None])
    return np.asarray(np.sum(np.where(np.isfinite(new), new, factor) ** 2, axis=1))


def minimise_on_simplex(
    linear: Float64Array, log_weight: Float64Array, quadratic: Float64Array, factor: Float64Array
) -> None:
    """Minimise ``linear f - log_weight log f + quadratic f^2 / 2`` in place, with columns that sum to one.

    The multiplier of the sum constraint is found by bisection, for all columns at once.
    """
    k, quadratic = len(factor), np.broadcast_to(quadratic, linear.shape)
    curved = (log_weight > 0) | (quadratic > 0)
    low = np.max(np.where(curved, log_weight - quadratic - linear, -np.inf), axis=0)
    high = np.max(np.where(curved, k * log_weight - quadratic / k - linear, -np.inf), axis=0)
    slack = np.max(np.where(curved, -np.inf, -linear), axis=0)
    known = np.isfinite(high)  # other columns have no counts and no penalty, and stay unchanged

    def at(multiplier: Float64Array) -> Float64Array:
        return np.where(curved, _minimisers(linear + multiplier, log_weight, quadratic), 0.0)

    with np.errstate(invalid="ignore"):
        enough = known & np.isfinite(slack) & (at(np.where(np.isfinite(slack), slack, 0.0)).sum(axis=0) <= 1.0)
    low, high = np.where(enough, slack, np.where(known, low, 0.0)), np.where(enough, slack, np.where(known, high, 0.0))
    for _ in range(200):
        if (high - low <= 1e-15 * np.maximum(np.abs(high), np.abs(low))).all():
            break
        middle = 0.5 * (low + high)
        above = at(middle).sum(axis=0) > 1.0
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    new = at(high)
    rest = np.where(enough, np.maximum(1.0 - new.sum(axis=0), 0.0), 0.0)
    free = np.argmax(np.where(curved, -np.inf, -linear), axis=0)
    columns = np.arange(factor.shape[1])
    new[free, columns] = np.where(enough, rest, new[free, columns])
    factor[:, known] = (new / np.where(known, new.sum(axis=0), 1.0))[:, known]


def _minimisers(linear: Float64Array, log_weight: Float64Array, quadratic: Float64Array) -> Float64Array:
    """Return the entries f >= 0 that minimise ``linear f - log_weight log f + quadratic f^2 / 2``.

    The positive root of the quadratic equation has two algebraically equal forms; the one without cancellation is used.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(linear * linear + 4.0 * quadratic * log_weight)
        rising = 2.0 * log_weight / (linear + root)
        falling = np.where(quadratic > 0, (root - linear) / (2.0 * quadratic), np.inf)
    return np.where(linear > 0, rising, falling)


def _models(
    band: Any, left: Float64Array, right: Float64Array
) -> Iterator[tuple[Any, Array | None, Float64Array, Float64Array]]:
    """Yield (rows, columns, data, model) of pieces of a band; columns is None for all columns of the rows."""
    if isinstance(band, np.ndarray):
        step = max(1, _PIECE_BYTES // (8 * max(1, band.shape[1])))
        for start in range(0, band.shape[0], step):
            rows = slice(start, min(start + step, band.shape[0]))
            yield rows, None, np.maximum(band[rows], 0.0), left[rows] @ right.T
        return
    of_rows = np.repeat(np.arange(band.shape[0]), np.diff(band.indptr))
    for start in range(0, of_rows.size, _PIECE_ENTRIES):
        here = slice(start, start + _PIECE_ENTRIES)
        i, m = of_rows[here], band.indices[here]
        yield i, m, band.data[here], np.einsum("pj,pj->p", left[i], right[m])
