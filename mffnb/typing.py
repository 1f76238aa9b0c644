"""Names for the types that appear in every signature."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

#: Any numeric array; shapes are said in the docstrings.
Array = npt.NDArray[Any]
#: Factors and everything accumulated: float64.
Float64Array = npt.NDArray[np.float64]
#: What may seed a random start.
Seed = int | np.random.RandomState | np.random.Generator | None
