"""Comparison of coordinate arrays: equal within a tolerance, equal in another order, or different."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mffnb.typing import Array

_STEP_FRACTION = 1e-3
_ULPS = 4


def matching_order(given: Array, wanted: Array) -> Array | None:
    """Return the positions in ``given`` that have the coordinates ``wanted``; None if the coordinates differ.

    Two numbers are equal if they differ by at most a thousandth of the smallest step of ``wanted``, or by four units in
    the last place (ulp) of the less precise type, if that is more. Coordinates in another order match only if no value
    occurs twice. Text, categories and other labels are compared exactly; NaN equals NaN at the same position.

    Examples
    --------
    >>> matching_order(np.array([2.0, 1.0, 0.0]), np.array([0.0, 1.0, 2.0]))
    array([2, 1, 0])
    >>> matching_order(np.array([0.0, 1.0, 2.1]), np.array([0.0, 1.0, 2.0])) is None
    True
    """
    given, wanted = np.asarray(given), np.asarray(wanted)
    if given.shape != wanted.shape:
        return None
    if given.dtype.kind in "mM" and wanted.dtype.kind == given.dtype.kind:
        given, wanted = (values.astype(f"{given.dtype.kind}8[ns]").astype(np.int64) for values in (given, wanted))
    if given.dtype.kind in "biuf" and wanted.dtype.kind in "biuf":
        return _matching_numbers(given, wanted)
    return _matching_labels(given, wanted)


def _matching_numbers(given: Array, wanted: Array) -> Array | None:
    """Return the positions of ``wanted`` among the numbers ``given``, within the tolerance."""
    in_order = np.arange(given.size)
    if _equal(given, wanted, _smallest_step(wanted)):
        return in_order
    step = _smallest_step(np.sort(wanted))
    if np.isnan(step) or step == 0:
        return None
    of_given, of_wanted = np.argsort(given, kind="stable"), np.argsort(wanted, kind="stable")
    if not _equal(given[of_given], wanted[of_wanted], step):
        return None
    order = np.empty_like(in_order)
    order[of_wanted] = of_given
    return order


def _equal(given: Array, wanted: Array, step: float) -> bool:
    """Return whether two arrays of numbers are equal within the tolerance for this smallest step."""
    types = [values.dtype if values.dtype.kind == "f" else np.dtype(np.float64) for values in (given, wanted)]
    coarser = min(types, key=lambda one: np.finfo(one).nmant)
    a, b = given.astype(np.float64), wanted.astype(np.float64)
    missing = np.isnan(b)
    if not np.array_equal(np.isnan(a), missing):
        return False
    a, b = a[~missing], b[~missing]
    with np.errstate(over="ignore", invalid="ignore"):
        ulp = np.spacing(np.maximum(np.abs(a), np.abs(b)).astype(coarser)).astype(np.float64)
        return bool(np.all((a == b) | (np.abs(a - b) <= np.maximum(_STEP_FRACTION * np.nan_to_num(step), _ULPS * ulp))))


def _smallest_step(values: Array) -> float:
    """Return the smallest distance of neighbours; NaN if there are no two numbers."""
    steps = np.abs(np.diff(values.astype(np.float64)))
    steps = steps[np.isfinite(steps)]
    return float(steps.min()) if steps.size else float("nan")


def _matching_labels(given: Array, wanted: Array) -> Array | None:
    """Return the positions of ``wanted`` among labels that are compared exactly."""
    mine, theirs = pd.Index(given), pd.Index(wanted)
    if mine.equals(theirs):
        return np.arange(given.size)
    if not (mine.is_unique and theirs.is_unique):
        return None
    order = mine.get_indexer(theirs)
    return None if (order < 0).any() else order
