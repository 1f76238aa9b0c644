"""Sums over groups of neighbouring channels: the fitted state of steps that bin spectra or pick peaks."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from scipy import sparse

from mffnb.cubes.data_array import coordinate
from mffnb.cubes.sparse_map import SparseMap
from mffnb.cubes.sparse_pixels import sparse_pixels_of
from mffnb.preprocessing.step import Fitted, float_type
from mffnb.typing import Array

_BLOCK = 2**20  # entries that are added together, which limits the memory


@dataclass(frozen=True, eq=False)
class ChannelGroups(Fitted):
    """Fitted sums over groups of consecutive channels. Results stay on the grid of the groups; there is no inverse.

    Attributes
    ----------
    group
        Ascending number of the group of each channel; -1 for channels in no group.
    centre
        Coordinate of each group, with attributes.
    numbers
        Further numbers for the record of a result.
    """

    group: xr.Variable
    centre: xr.Variable
    numbers: Mapping[str, float] = field(default_factory=dict)

    @property
    def found(self) -> dict[str, Any]:
        """Number of groups, of channels in a group, and further numbers."""
        return {"groups": self.centre.size, "channels": int((self.group.values >= 0).sum()), **self.numbers}

    def transform(self, cube: xr.DataArray) -> xr.DataArray:
        """Return the sums over each group; a sparse cube stays sparse, and sums of integers stay integers.

        A missing value counts as the mean of the observed values of its group; a group without any is missing.
        """
        pixels = sparse_pixels_of(cube)
        if pixels is not None and cube.dims[-1] == self._dim:
            summed = xr.Variable(cube.dims, _sparse_sums(pixels, self.group.values, self.centre.size))
            kept = {name: one.variable for name, one in cube.coords.items() if self._dim not in one.dims}
            return xr.DataArray(summed, coords=kept | self._labels, name=cube.name, attrs=cube.attrs)
        kind: np.dtype[Any] = np.dtype(np.int64) if cube.dtype.kind in "biu" else float_type(cube)
        return self._reduced(cube, lambda values: self._sums(values).astype(kind, copy=False), kind)

    def prepare_known(self, spectra: xr.DataArray) -> xr.DataArray:
        """Return known spectra on the grid of the groups: sums, unknown where one channel of the group is unknown."""
        return self._reduced(spectra, self._reduceat, np.dtype(np.float64))

    def prepare_weights(self, weights: xr.DataArray) -> xr.DataArray:
        r"""Return the harmonic mean of the weights of each group, :math:`n / \sum_i w_i^{-1}`; 0 if one is 0."""
        if self._dim not in weights.dims:
            return weights

        def harmonic(values: Array) -> Array:
            inverse = np.divide(1.0, values, out=np.full(values.shape, np.inf), where=values > 0)
            return np.asarray(self._reduceat(np.ones(values.shape)) / self._reduceat(inverse))

        return self._reduced(weights, harmonic, np.dtype(np.float64))

    def new_positions(self, dim: Hashable, length: int) -> Array:
        """Return the group of each channel."""
        return self.group.values if dim == self._dim else np.arange(length)

    @property
    def _dim(self) -> Hashable:
        return self.group.dims[0]

    @property
    def _labels(self) -> dict[Hashable, xr.Variable]:
        return {self._dim: coordinate(self._dim, self.centre.values, self.centre.attrs)}

    def _reduced(self, array: xr.DataArray, function: Any, kind: np.dtype[Any]) -> xr.DataArray:
        """Apply a function of (..., channels) that returns (..., groups), along the channels of an array."""
        name = self._dim
        reduced: xr.DataArray = xr.apply_ufunc(
            function,
            array,
            input_core_dims=[[name]],
            output_core_dims=[[name]],
            exclude_dims={name},
            keep_attrs=True,
            dask="parallelized",
            output_dtypes=[kind],
            dask_gufunc_kwargs={"allow_rechunk": True, "output_sizes": {name: self.centre.size}},
        )
        return reduced.transpose(*array.dims).assign_coords(self._labels)

    def _sums(self, values: Array) -> Array:
        """Return the sums over each group, in which missing values count as the mean of the others."""
        if values.dtype.kind != "f":
            return self._reduceat(values, np.int64)
        total = self._reduceat(values)
        if not np.isnan(total).any():
            return total
        seen = ~np.isnan(values)
        total = self._reduceat(np.where(seen, values, 0.0))
        observed = self._reduceat(seen)
        size = self._reduceat(np.ones(values.shape[-1]))
        return np.asarray(total * np.divide(size, observed, out=np.full(observed.shape, np.nan), where=observed > 0))

    def _reduceat(self, values: Array, kind: Any = np.float64) -> Array:
        """Return the sums of values (..., channels) over each group, in a type of numbers that holds them."""
        group = self.group.values
        inside = np.flatnonzero(group >= 0)
        begins = np.flatnonzero(np.append(True, np.diff(group[inside]) > 0))
        whole = inside.size == group.size
        if values.ndim == 1:
            return np.asarray(np.add.reduceat(values if whole else values[inside], begins, dtype=kind))
        sums = np.empty((*values.shape[:-1], self.centre.size), kind)
        step = max(1, _BLOCK * len(values) // max(values.size, 1))  # NumPy converts all that it gets to ``kind``
        for start in range(0, len(values), step):
            part = values[start : start + step]
            np.add.reduceat(part if whole else part[..., inside], begins, axis=-1, out=sums[start : start + step])
        return sums


def _sparse_sums(pixels: Any, group: Array, groups: int) -> SparseMap:
    """Return a sparse image with the channels of each group added; the sums are exact for integers."""
    rows = pixels.compressed()
    kind = np.dtype(np.int64) if rows.dtype.kind in "biu" else np.dtype(np.float64)
    number = group[rows.indices]
    kept = number >= 0
    begins = np.append(0, np.cumsum(kept))[rows.indptr]
    summed = sparse.csr_array((rows.data[kept].astype(kind), number[kept], begins), shape=(rows.shape[0], groups))
    summed.sum_duplicates()
    if rows.dtype == np.float32:
        summed = summed.astype(np.float32)
    absent = pixels.absent if isinstance(pixels, SparseMap) else np.zeros(rows.shape[0], bool)
    return SparseMap(summed, tuple(pixels.shape[:-1]), absent)


def mean_of_groups(values: Array, group: Array, weights: Array | None = None) -> Array:
    """Return the (weighted) mean of the values of each group of channels."""
    inside = group >= 0
    weight = np.ones(values.size) if weights is None else weights
    first = values[inside][np.append(0, np.flatnonzero(np.diff(group[inside])) + 1)]  # subtracted to keep all digits
    sums = np.bincount(group[inside], weight[inside] * (values[inside] - first[group[inside]]))
    return np.asarray(first + sums / np.bincount(group[inside], weight[inside]))
