"""Pixels and channels without any data: found from the entry weights, set to NaN and reported in one warning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mffnb.errors import DegenerateWarning, warn
from mffnb.matrices import replicate_columns
from mffnb.matrices.partial import weight_times
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Array, Float64Array


@dataclass(frozen=True, eq=False)
class Unobserved:
    """Pixels and channels of a data matrix that hold no data.

    Attributes
    ----------
    pixels
        Boolean, (pixels of this rank,).
    channels
        Boolean, (channels,).
    """

    pixels: Array
    channels: Array

    def blank(self, abundances: Array) -> Array:
        """Set the abundances (pixels, k) of pixels without data to NaN, in place if there are any."""
        if self.pixels.any():
            abundances[self.pixels] = np.nan
        return abundances

    def blank_spectra(self, endmembers: Float64Array) -> Float64Array:
        """Return the endmembers (k, channels) with NaN in channels without data."""
        return np.where(self.channels, np.nan, endmembers) if self.channels.any() else endmembers


def find_unobserved(matrix: Matrix) -> Unobserved:
    """Return the pixels and channels of X in which each entry is missing; complete data have none."""
    pixels, channels = (np.zeros(part.stop - part.start, bool) for part in (matrix.own, matrix.own_columns))
    if not matrix.complete:
        pixels = weight_times(matrix, np.ones((1, len(channels))))[0] == 0
        other = matrix.transposed
        if other is not None:  # without the transposed matrix, X is read by rows only and channels are not examined
            channels = weight_times(other, np.ones((1, matrix.own.stop - matrix.own.start)))[0] == 0
    return Unobserved(pixels, replicate_columns(matrix, channels.astype(np.float64)) > 0)


def warn_if_unobserved(matrix: Matrix, found: Unobserved, *, channels: bool = True, stacklevel: int) -> None:
    """Warn if there are pixels or channels without data; the warning says how many.

    Parameters
    ----------
    matrix
        Data matrix X; the pixels of all ranks are counted.
    found
        Its pixels and channels without data.
    channels
        Whether to report channels too; False if the endmembers were given, not computed from X.
    stacklevel
        As for :func:`warnings.warn`, counted from this function.
    """
    rows = int(matrix.total(np.array(float(found.pixels.sum()))))
    columns = int(found.channels.sum()) if channels else 0
    if rows or columns:
        warn(
            f"X holds no data in {rows} of its rows (pixels) and {columns} of its columns (channels): abundances and "
            "endmembers are NaN there; leave them out of X, or drop NaN from the result",
            DegenerateWarning,
            stacklevel=stacklevel,
        )
