"""Methods that tables of accuracy compare: each is called with a cube and a seed, and returns E and A.

E is (k, channels), A is (k, pixels).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from sklearn.decomposition import NMF

import mffnb as mf

Factors = tuple[np.ndarray, np.ndarray]
Factorizer = Callable[[xr.DataArray, int], Factors]


def unmix(k: int, **settings: Any) -> Factorizer:
    """``mffnb.unmix`` with these settings, all others being the defaults."""

    def run(cube: xr.DataArray, seed: int) -> Factors:
        result = mf.unmix(cube, k, random_state=seed, **settings)
        kept = [name for name in cube.dims if name in result.abundances.dims]
        maps = result.abundances.transpose("component", *kept, ...).values
        return result.endmembers.values.reshape(k, -1), maps.reshape(k, -1)

    return run


def scikit_learn(k: int, max_iter: int = 500) -> Factorizer:
    """scikit-learn's ``NMF``; negative entries, which it refuses, become zero."""

    def run(cube: xr.DataArray, seed: int) -> Factors:
        return scikit_learn_nmf(matrix(cube), k, seed, max_iter)

    return run


def scikit_learn_nmf(X: np.ndarray, k: int, seed: int, max_iter: int = 500) -> Factors:
    model = NMF(k, random_state=seed, max_iter=max_iter)
    A = model.fit_transform(np.maximum(X, 0))
    return model.components_, A.T


def matrix(cube: xr.DataArray, channel_dims: int = 1) -> np.ndarray:
    """Pixels x channels in float64."""
    return cube.values.reshape(-1, int(np.prod(cube.shape[-channel_dims:]))).astype(np.float64)
