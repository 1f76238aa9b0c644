"""Names for the types that appear in every signature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

#: Any numeric array; shapes are said in the docstrings.
Array = npt.NDArray[Any]
#: Factors and everything accumulated: float64.
Float64Array = npt.NDArray[np.float64]
#: What may seed a random start.
Seed = int | np.random.RandomState | np.random.Generator | None

#: From a sum over the entries that are in this process to the sum over all of them.
Total = Callable[[Float64Array], Float64Array]


def local_total(part: Float64Array) -> Float64Array:
    """The total where all entries are in this process."""
    return part
