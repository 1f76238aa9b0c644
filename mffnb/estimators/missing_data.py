"""Missing data (NaN) in all estimators: pixels and channels without data are left out, NaN in the result, and reported.

Estimators that take single missing entries fit the others; those that need complete spectra refuse them in a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mffnb.errors import DegenerateWarning, warn
from mffnb.estimators.base import LinearModel
from mffnb.matrices import Partial, in_memory, replicate_columns
from mffnb.matrices.checking import as_matrix
from mffnb.matrices.partial import weight_times
from mffnb.protocols.matrix import Matrix, is_matrix
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

    def insert_pixels(self, abundances: Float64Array) -> Float64Array:
        """Return the abundances (pixels with data, ...) for all pixels, with NaN where there are no data."""
        return _inserted(abundances, self.pixels)

    def insert_channels(self, endmembers: Float64Array) -> Float64Array:
        """Return the endmembers (..., channels with data) for all channels, with NaN where there are no data."""
        return np.ascontiguousarray(_inserted(endmembers.T, self.channels).T)


@dataclass(frozen=True, eq=False)
class ObservedPart:
    """Data matrix without the pixels and channels that hold no data.

    Attributes
    ----------
    matrix
        The other pixels and channels of X; incomplete if single entries are missing.
    unobserved
        Pixels and channels that were left out.
    """

    matrix: Matrix
    unobserved: Unobserved

    @property
    def channels(self) -> slice | Array:
        """Index of the channels of the matrix among those of X."""
        return ~self.unobserved.channels if self.unobserved.channels.any() else slice(None)


def observed_part(
    estimator: LinearModel,
    X: Array | Matrix,
    *,
    reset: bool,
    fitted: Array | None = None,
    keep: bool = False,
) -> ObservedPart:
    """Validate X (pixels, channels) and leave out pixels and channels without data, with one warning.

    X may be a complete matrix of :mod:`mffnb.matrices`. The other parameters are those of
    :func:`mffnb.matrices.checking.as_matrix` and of :func:`leave_out_unobserved`.
    """
    matrix = as_matrix(estimator, X, reset=reset, missing=not is_matrix(X))
    return leave_out_unobserved(estimator, matrix, fitted=fitted, keep=keep)


def leave_out_unobserved(
    estimator: LinearModel,
    matrix: Matrix,
    *,
    fitted: Array | None = None,
    keep: bool = False,
) -> ObservedPart:
    """Return a validated matrix without pixels and channels that hold no data, with one warning about these.

    Parameters
    ----------
    estimator
        Estimator that declares whether it takes single missing entries.
    matrix
        Data matrix X, (pixels, channels), complete or in memory.
    fitted
        Endmembers for which X is transformed, (k, channels), NaN in channels without data in the fit; None in a fit.
    keep
        Whether a transformation needs all fitted channels: those without data are then missing entries.

    Raises
    ------
    ValueError
        If single entries are missing and the estimator does not take them, or if X has data in channels without data in
        the fit.
    """
    found = find_unobserved(matrix)
    if fitted is None and float(matrix.total(np.array(float((~found.pixels).sum())))) == 0:
        raise ValueError("all entries of X are missing (NaN), so there is nothing to fit: check how the data were read")
    unfitted = found.channels if fitted is None else unfitted_channels(found, fitted)
    warn_if_unobserved(matrix, found, channels=fitted is None)
    found = Unobserved(found.pixels, unfitted) if keep else found
    if not isinstance(matrix, Partial):
        return ObservedPart(matrix, found)
    rest = np.asarray(matrix.array)
    if found.pixels.any() or found.channels.any():
        rest = rest[np.ix_(~found.pixels, ~found.channels)]
    if estimator.missing_entries:
        return ObservedPart(Partial(rest), found)
    if (gaps := np.isnan(rest)).any():
        raise ValueError(
            f"{type(estimator).__name__} needs complete spectra, and {np.count_nonzero(gaps)} entries of X in "
            f"{np.count_nonzero(gaps.any(axis=1))} pixels are missing (NaN): leave these pixels or their channels out, "
            "fill the gaps, or use mffnb.presets.nmf, which fits the other entries"
        )
    return ObservedPart(in_memory(rest), found)


def find_unobserved(matrix: Matrix) -> Unobserved:
    """Return the pixels and channels of X in which each entry is missing; complete data have none."""
    pixels, channels = (np.zeros(part.stop - part.start, bool) for part in (matrix.own, matrix.own_columns))
    if not matrix.complete:
        pixels = weight_times(matrix, np.ones((1, len(channels))))[0] == 0
        other = matrix.transposed
        if other is not None:  # without the transposed matrix, X is read by rows only and channels are not examined
            channels = weight_times(other, np.ones((1, matrix.own.stop - matrix.own.start)))[0] == 0
    return Unobserved(pixels, replicate_columns(matrix, channels.astype(np.float64)) > 0)


def unfitted_channels(found: Unobserved, endmembers: Float64Array) -> Array:
    """Return which channels had no data in the fit, (channels,), so that endmembers are NaN; refuse data in these."""
    unfitted = np.asarray(np.isnan(endmembers).all(axis=0))
    if (extra := int((unfitted & ~found.channels).sum())) > 0:
        raise ValueError(
            f"X has data in {extra} channels without data in the fit, whose endmembers are undetermined: "
            "set these channels of X to NaN, or fit again with them"
        )
    return unfitted


def warn_if_unobserved(matrix: Matrix, found: Unobserved, *, channels: bool = True) -> None:
    """Warn if there are pixels or channels without data; the warning says how many.

    Parameters
    ----------
    matrix
        Data matrix X; the pixels of all ranks are counted.
    found
        Its pixels and channels without data.
    channels
        Whether to report channels too; False if the endmembers were given, not computed from X.
    """
    rows = int(matrix.total(np.array(float(found.pixels.sum()))))
    columns = int(found.channels.sum()) if channels else 0
    if rows or columns:
        warn(
            f"X holds no data in {rows} of its rows (pixels) and {columns} of its columns (channels): abundances and "
            "endmembers are NaN there; leave them out of X, or drop NaN from the result",
            DegenerateWarning,
        )


def _inserted(rows: Float64Array, left_out: Array) -> Float64Array:
    """Return the rows with rows of NaN inserted where ``left_out`` is True."""
    if not left_out.any():
        return rows
    full = np.full((len(left_out), *rows.shape[1:]), np.nan)
    full[~left_out] = rows
    return full
