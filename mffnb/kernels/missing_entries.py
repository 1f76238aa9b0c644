"""Least squares with missing (NaN) or partly weighted entries."""

from __future__ import annotations

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.typing import Array


@kernel()
def impute(band: Array, weights: Array, model: Array) -> None:
    """Complete data by a model: overwrite ``model`` by ``w x + (1 - w) model``, with data x and entry weights w.

    Entries where ``band`` is NaN keep the value of the model.
    """
    for i in range(model.shape[0]):
        for m in range(model.shape[1]):
            x = band[i, m]
            if not np.isnan(x):
                model[i, m] += weights[i, m] * (x - model[i, m])


@kernel()
def squared_residual(band: Array, weights: Array, model: Array) -> float:
    """Compute the weighted sum of squares ``sum w (x - model)^2`` over the entries x of ``band`` that are not NaN."""
    total = 0.0
    for i in range(model.shape[0]):
        here = 0.0
        for m in range(model.shape[1]):
            x = band[i, m]
            if not np.isnan(x):
                here += weights[i, m] * (x - model[i, m]) ** 2
        total += here
    return total
