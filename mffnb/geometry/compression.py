"""X as a few scores a pixel: geometry is done in that many dimensions, whatever the number of channels."""

from __future__ import annotations

import numpy as np

from mffnb.matrices import LowRank
from mffnb.matrices.svd import randomized_svd
from mffnb.protocols.matrix import Products


def compress(matrix: Products, rank: int, seed: int) -> LowRank:
    """Keep ``rank`` singular triplets, fewer where X has fewer."""
    left, values, right = randomized_svd(matrix, min(rank, *matrix.shape), seed)
    # A singular vector has no sign of its own: left to rounding, it would turn what is drawn from the scores.
    peaks = right[np.arange(len(right)), np.abs(right).argmax(axis=1)] if len(right) else np.ones(0)
    signs = np.where(peaks < 0, -1.0, 1.0)[:, None]
    return LowRank(signs * values[:, None] * left, signs * right)


def one_process(matrix: Products) -> None:
    """Refuse rows that are shared out over processes."""
    if matrix.shared:
        raise ValueError("geometry needs all pixels in one process: run it without mpiexec, or give init= a start")


def check_components(matrix: Products, components: int) -> None:
    """Refuse a number of endmembers that the data cannot hold."""
    pixels, channels = matrix.shape
    if isinstance(components, bool) or not isinstance(components, (int, np.integer)) or components < 1:
        raise ValueError(f"the number of endmembers must be a whole number >= 1, got {components!r}")
    if components > channels:
        raise ValueError(f"{components} endmembers cannot be told apart in {channels} channels: ask for {channels}")
    if components > pixels:
        raise ValueError(f"{components} endmembers cannot be told apart in {pixels} pixels: ask for {pixels} at most")
