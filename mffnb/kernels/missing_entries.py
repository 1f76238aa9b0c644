"""Entries that count in part, or are missing (NaN): what a model makes of them."""

from __future__ import annotations

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.typing import Array


@kernel()
def impute(band: Array, weights: Array, model: Array) -> None:
    """Move ``model`` towards ``band`` by the weight of each entry; where the band is NaN it stays."""
    for i in range(model.shape[0]):
        for m in range(model.shape[1]):
            x = band[i, m]
            if not np.isnan(x):
                model[i, m] += weights[i, m] * (x - model[i, m])


@kernel()
def squared_residual(band: Array, weights: Array, model: Array) -> float:
    """Weighted sum of squares of ``band - model`` where the band is not NaN."""
    total = 0.0
    for i in range(model.shape[0]):
        here = 0.0
        for m in range(model.shape[1]):
            x = band[i, m]
            if not np.isnan(x):
                here += weights[i, m] * (x - model[i, m]) ** 2
        total += here
    return total
