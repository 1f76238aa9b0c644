"""Compression of X by a truncated SVD to a few scores per pixel, on which the geometric methods work."""

from __future__ import annotations

import numpy as np

from mffnb.matrices import LowRank
from mffnb.matrices.svd import randomized_svd
from mffnb.protocols.matrix import Products
from mffnb.typing import Array, Float64Array


def compress(matrix: Products, rank: int, seed: int) -> LowRank:
    """Compress X to its leading ``rank`` singular triplets, or fewer if the rank of X is lower."""
    left, values, right = randomized_svd(matrix, min(rank, *matrix.shape), seed)
    # The sign of a singular vector is arbitrary. It is chosen such that the largest entry is positive; otherwise
    # rounding errors could change the sign, and with it the results of methods that draw pixels at random by their
    # scores.
    peaks = right[np.arange(len(right)), np.abs(right).argmax(axis=1)] if len(right) else np.ones(0)
    signs = np.where(peaks < 0, -1.0, 1.0)[:, None]
    return LowRank(signs * values[:, None] * left, signs * right)


def require_one_process(matrix: Products) -> None:
    """Raise ValueError if X is distributed over several processes."""
    if matrix.shared:
        raise ValueError("geometry needs all pixels in one process: run it without mpiexec, or pass a start as init=")


def check_components(matrix: Products, components: int) -> None:
    """Raise ValueError if the number of endmembers is not positive or exceeds the number of pixels or channels."""
    pixels, channels = matrix.shape
    if isinstance(components, bool) or not isinstance(components, (int, np.integer)) or components < 1:
        raise ValueError(f"the number of endmembers must be a whole number >= 1, got {components!r}")
    if components > channels:
        raise ValueError(f"{components} endmembers cannot be distinguished in {channels} channels: request {channels}")
    if components > pixels:
        raise ValueError(
            f"{components} endmembers cannot be distinguished in {pixels} pixels: request {pixels} at most"
        )


def gather_pixels(matrix: Products, factor: Float64Array, pixels: Array) -> Float64Array:
    """Return the columns of a factor (k, own pixels) that belong to these pixels, on every rank."""
    here = (matrix.own.start <= pixels) & (pixels < matrix.own.stop)
    some = np.zeros((len(factor), len(pixels)))
    some[:, here] = factor[:, pixels[here] - matrix.own.start]
    return matrix.total(some)
