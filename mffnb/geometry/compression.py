"""Compression of X to a few scores per pixel by a truncated SVD, so that geometry does not depend on the channels."""

from __future__ import annotations

import numpy as np

from mffnb.matrices import LowRank
from mffnb.matrices.svd import randomized_svd
from mffnb.protocols.matrix import Products


def compress(matrix: Products, rank: int, seed: int) -> LowRank:
    """Compress X to ``rank`` singular triplets, or fewer if its rank is lower."""
    left, values, right = randomized_svd(matrix, min(rank, *matrix.shape), seed)
    # The sign of a singular vector is arbitrary: fixed by its largest entry, since rounding would otherwise change what
    # is drawn at random from the scores.
    peaks = right[np.arange(len(right)), np.abs(right).argmax(axis=1)] if len(right) else np.ones(0)
    signs = np.where(peaks < 0, -1.0, 1.0)[:, None]
    return LowRank(signs * values[:, None] * left, signs * right)


def require_one_process(matrix: Products) -> None:
    """Raise ValueError if X is distributed over several processes."""
    if matrix.shared:
        raise ValueError("geometry needs all pixels in one process: run it without mpiexec, or pass a start as init=")


def check_components(matrix: Products, components: int) -> None:
    """Raise ValueError for a number of endmembers that is not positive or exceeds the data."""
    pixels, channels = matrix.shape
    if isinstance(components, bool) or not isinstance(components, (int, np.integer)) or components < 1:
        raise ValueError(f"the number of endmembers must be a whole number >= 1, got {components!r}")
    if components > channels:
        raise ValueError(f"{components} endmembers cannot be distinguished in {channels} channels: request {channels}")
    if components > pixels:
        raise ValueError(
            f"{components} endmembers cannot be distinguished in {pixels} pixels: request {pixels} at most"
        )
