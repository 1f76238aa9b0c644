"""Checks before a fit: share of negative values of the data, and memory that the factors need."""

from __future__ import annotations

import numpy as np

from mffnb.preprocessing.memory import available_bytes
from mffnb.protocols.matrix import Matrix

_MOSTLY = 0.6  # share of negative energy that is refused; centred data have about a half, and get a warning
_COPIES = 4  # arrays of the size of each factor that a fit holds: factor, previous iterate, cross product, result


def negative_share(matrix: Matrix) -> float:
    """Return the share of negative energy: sum of squares of negative values, relative to that of all values."""
    whole = matrix.squared_norm
    return matrix.negative_squares() / whole if whole > 0 else 0.0


def check_sign(share: float) -> None:
    """Refuse data that are mostly negative for a model whose factors are non-negative."""
    if share > _MOSTLY:
        raise ValueError(
            f"{share:.0%} of the energy of the data (sum of squares) is negative, which non-negative abundances and "
            "endmembers cannot describe: subtract the offset, change the sign, take the absolute value or the power of "
            "lock-in channels, or use mffnb.presets.svd or pca; to fit the positive part, pass cube.clip(0)"
        )


def check_memory(matrix: Matrix, components: int) -> None:
    """Refuse a number of components whose factors do not fit into the available memory."""
    entries = matrix.own.stop - matrix.own.start + matrix.own_columns.stop - matrix.own_columns.start
    required, available = 8.0 * _COPIES * components * entries + 8.0 * components**2, available_bytes()
    lacking = 0.0 if available is None else float(required > available)
    if matrix.total(np.array(lacking)):  # all ranks refuse together
        raise ValueError(
            f"k={components} needs {required / 2**30:.3g} GiB of memory for the factors, and "
            f"{(available or 0) / 2**30:.3g} GiB are available: lower k, or bin the pixels"
        )
