"""Base class of sparse arrays that xarray wraps: NumPy functions work on a dense copy of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np


class DenseCopy:
    """Array that NumPy functions and operators replace by ``np.asarray`` of itself.

    Examples
    --------
    >>> class Twos(DenseCopy):
    ...     def __array__(self, dtype=None, copy=None):
    ...         return np.full(3, 2.0)
    >>> np.concatenate([Twos(), [1.0]]), np.add(Twos(), 1)
    (array([2., 2., 2., 1.]), array([3., 3., 3.]))
    """

    def __array_ufunc__(self, function: Any, method: str, *inputs: Any, **options: Any) -> Any:
        return getattr(function, method)(*_to_dense(inputs), **options)

    def astype(self, dtype: Any, **options: Any) -> Any:
        """Return a dense copy with another type of numbers; ``options`` are those of ``numpy.ndarray.astype``."""
        return np.asarray(self).astype(dtype, **options)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Sequence[Any], options: Mapping[str, Any]
    ) -> Any:
        return function(*_to_dense(args), **options)


def _to_dense(values: Any) -> Any:
    """Replace every :class:`DenseCopy` in nested arguments of a NumPy function by a dense array."""
    return type(values)(
        np.asarray(value)
        if isinstance(value, DenseCopy)
        else _to_dense(value)
        if isinstance(value, (list, tuple))
        else value
        for value in values
    )
