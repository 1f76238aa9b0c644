"""Validation of penalty weights."""

from __future__ import annotations

import numpy as np


def check_weight(weight: float) -> None:
    """Raise ValueError unless the weight is a finite number >= 0."""
    if not (isinstance(weight, (int, float, np.number)) and np.isfinite(weight) and weight >= 0):
        raise ValueError(f"a penalty weight must be a finite number >= 0, got {weight!r}")
