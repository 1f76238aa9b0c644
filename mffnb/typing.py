"""Type aliases that are used in signatures throughout the package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

#: Any numeric array; docstrings give the shape.
Array = npt.NDArray[Any]
#: Factors and accumulated sums: float64.
Float64Array = npt.NDArray[np.float64]
#: Seed or generator of random numbers.
Seed = int | np.random.RandomState | np.random.Generator | None

#: Function from the sum over the entries of this process to the sum over all processes (an all-reduce).
Total = Callable[[Float64Array], Float64Array]


def local_total(part: Float64Array) -> Float64Array:
    """Return the sum unchanged: the total if all entries are in this process."""
    return part
