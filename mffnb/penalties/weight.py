"""What every weight of a penalty has to be."""

from __future__ import annotations

import numpy as np


def check_weight(weight: float) -> None:
    """Refuse what is no finite number of at least zero."""
    if not (isinstance(weight, (int, float, np.number)) and np.isfinite(weight) and weight >= 0):
        raise ValueError(f"a penalty weight must be a finite number >= 0, got {weight!r}")
