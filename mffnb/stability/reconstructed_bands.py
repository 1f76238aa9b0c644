"""A cube and its reconstruction in bands along the first dimension, which need little memory."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import replace

import numpy as np
import xarray as xr

from mffnb.typing import Array, Float64Array
from mffnb.unmixing.result import Unmixing

_ENTRIES = 2**19  # in a band: 4 MB of float64
# Random signs are drawn four at a time, so bands of a multiple of four rows give the signs of the undivided cube.
_ROWS = 4


def reconstructed_sizes(answer: Unmixing) -> dict[Hashable, int]:
    """Return the dimensions of the reconstruction and their lengths."""
    if answer.processed is not None:
        return {**answer.reconstruction().sizes}
    sizes = {**answer.abundances.sizes, **answer.endmembers.sizes}
    del sizes["component"]
    return sizes


def row_bands(cube: xr.DataArray) -> Iterator[slice]:
    """Yield the bands of a cube: ranges of indices along its first dimension."""
    length = cube.shape[0]
    per_row = max(1, cube.size // max(1, length))
    height = max(1, _ENTRIES // per_row // _ROWS) * _ROWS
    for start in range(0, length, height):
        yield slice(start, start + height)


def reconstructed_bands(cube: xr.DataArray, answer: Unmixing) -> Iterator[tuple[slice, Array, Float64Array]]:
    """Yield (band, values, expected) of the cube: indices along its first dimension, data, and reconstruction.

    After preprocessing, or with a transformation, there is a single band, because these may mix all entries.
    """
    first, divisible = cube.dims[0], answer.processed is None and answer.mapped is None
    for band in row_bands(cube) if divisible else [slice(0, cube.shape[0])]:
        part = _section(answer, first, band) if divisible else answer
        expected = part.reconstruction().transpose(*cube.dims).values
        yield band, cube.isel({first: band}).values, np.asarray(expected, dtype=np.float64)


def _section(answer: Unmixing, dim: Hashable, band: slice) -> Unmixing:
    """Return the result for a part of the cube along one dimension."""
    names = ("abundances", "endmembers", "gain")
    factors = {name: factor for name in names if (factor := getattr(answer, name)) is not None}
    return replace(answer, **{name: factor.isel({dim: band}) for name, factor in factors.items() if dim in factor.dims})


class ReplicaValues:
    """A copy of a cube whose values are written band by band, in its dtype if they fit.

    Parameters
    ----------
    cube
        The labelled data.
    smallest
        Whether whole numbers are kept in the smallest unsigned type that holds them, whatever the type of the cube.
    """

    def __init__(self, cube: xr.DataArray, *, smallest: bool = False) -> None:
        self._like = cube
        self._smallest = smallest
        self._values = np.empty(cube.shape, np.uint8 if smallest else cube.dtype)

    def write(self, band: slice, new: Array, old: Array, missing: Array) -> None:
        """Write the new values of a band; missing entries keep the old ones."""
        values = np.where(missing, old, new) if missing.any() else new
        if self._smallest:
            self._widen(values)
        kept = self._values.dtype
        if kept.kind != "f":
            fits = kept.kind in "iu" and new.dtype.kind != "f" and new.max(initial=0) <= np.iinfo(kept).max
            if not fits:
                self._values = self._values.astype(np.float64 if new.dtype.kind == "f" else new.dtype)
        self._values[band] = values

    def _widen(self, values: Array) -> None:
        """Convert the values written so far to a type that holds these as well: two bytes, or that of the cube."""
        whole = values.dtype.kind in "iub" or bool(np.all(values == np.rint(values)))
        for kind in (np.uint8, np.uint16):
            if whole and values.min(initial=0) >= 0 and values.max(initial=0) <= np.iinfo(kind).max:
                wanted = np.promote_types(kind, self._values.dtype)
                break
        else:
            self._smallest, wanted = False, self._like.dtype
        if wanted != self._values.dtype:
            self._values = self._values.astype(wanted)

    @property
    def cube(self) -> xr.DataArray:
        """The copy, with the labels of the cube."""
        return self._like.copy(data=self._values)
