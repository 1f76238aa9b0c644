"""Type aliases that are used in signatures throughout the package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

#: Numeric array of any type; docstrings give the shape.
Array = npt.NDArray[Any]
#: float64 array, for factors and accumulated sums.
Float64Array = npt.NDArray[np.float64]
#: Argument ``random_state``: a seed or a generator of random numbers, or None.
Seed = int | np.random.RandomState | np.random.Generator | None

#: Function from the sum over the entries of this process to the sum over all processes (an all-reduce).
Total = Callable[[Float64Array], Float64Array]


def local_total(part: Float64Array) -> Float64Array:
    """Return a sum over the entries of this process unchanged: it is the total if there is only one process."""
    return part
