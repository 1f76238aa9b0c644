"""Shape of nested lists: one array as plain numbers, or a list of several arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def is_array_like(parts: Sequence[Any]) -> bool:
    """Return whether a list is one array: a list of numbers, or nested lists of numbers with equal lengths.

    Any other list holds several arrays: it is empty, or has parts that are arrays, None, names such as "poisson", or
    lists of different lengths.

    Examples
    --------
    >>> is_array_like([True, False]), is_array_like([[1, 0], [0, 1]])
    (True, True)
    >>> is_array_like([[True, False], [True]]), is_array_like([np.ones(2), np.ones(3)]), is_array_like([])
    (False, False, False)
    >>> is_array_like(["poisson"]), is_array_like(["poisson", [1.0, 2.0]])
    (False, False)
    """
    numbers = (np.isscalar(part) and not isinstance(part, str) for part in parts)
    nested = len(parts) > 0 and all(
        number or isinstance(part, (list, tuple)) for number, part in zip(numbers, parts, strict=True)
    )
    return nested and shape_of(parts) is not None


def shape_of(values: Any) -> tuple[int, ...] | None:
    """Return the shape of an array, labelled array or nested list; None for nested lists of different lengths."""
    try:
        shape: tuple[int, ...] = np.shape(values)
    except ValueError:
        return None
    return shape
