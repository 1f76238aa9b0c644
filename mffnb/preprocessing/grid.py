"""Preprocessing steps that change the grid: cropping, and binning of neighbouring pixels and channels."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Literal

import numpy as np
import xarray as xr

from mffnb.preprocessing.step import Fitted, Step, float_type, pixels
from mffnb.typing import Array

__all__ = ["Bin", "Crop"]

Bounds = slice | tuple[float | None, float | None]


@dataclass(frozen=True)
class Cropped(Fitted):
    """Fitted crop: the kept positions of each dimension. Results stay on the cropped grid."""

    positions: dict[Hashable, slice]

    def transform(self, cube: xr.DataArray) -> xr.DataArray:
        """Return the kept part of the cube as a copy."""
        return cube.isel(self.positions).copy()

    @property
    def selected(self) -> Mapping[Hashable, slice]:
        """Kept positions of each dimension."""
        return self.positions

    def new_positions(self, dim: Hashable, length: int) -> Array:
        """Return the position in the cropped grid of each position of a dimension; -1 outside of the crop."""
        new = np.full(length, -1)
        kept = new[self.positions.get(dim, slice(None))]
        kept[:] = np.arange(len(kept))
        return new

    def prepare_known(self, spectra: xr.DataArray) -> xr.DataArray:
        """Return the kept channels of known spectra."""
        return self._part_of(spectra)

    def prepare_weights(self, weights: xr.DataArray) -> xr.DataArray:
        """Return the weights of the kept pixels and channels."""
        return self._part_of(weights)

    def _part_of(self, array: xr.DataArray) -> xr.DataArray:
        """Return the kept part of an array that has some of the dimensions of the cube."""
        return array.isel({name: where for name, where in self.positions.items() if name in array.dims})


@dataclass(frozen=True)
class Crop(Step):
    r"""Crop a cube to ranges of its dimensions.

    .. math:: x_{ij} = X_{ij} \quad (c_{\mathrm{low}} \leq c_j \leq c_{\mathrm{high}})

    with the coordinate c of each dimension.

    Maps and spectra of the result have the cropped grid and its coordinates.

    Parameters
    ----------
    where
        For each dimension either ``(low, high)`` in the units of its coordinate, with both ends included and None for
        no limit, or a slice of positions. A dimension without coordinate counts from 0.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> energy = 400 + 2.0 * np.arange(60)
    >>> cube = xr.DataArray(np.zeros((4, 5, 60)), dims=("y", "x", "energy"), coords={"energy": energy})
    >>> part = Crop({"energy": (410, 420), "x": slice(1, 4)}).fit(cube, ("energy",)).transform(cube)
    >>> part.shape, part["energy"].values
    ((4, 3, 6), array([410., 412., 414., 416., 418., 420.]))
    """

    where: Mapping[Hashable, Bounds] = field(default_factory=dict)

    @property
    def undone(self) -> bool:
        """Whether the inverse undoes the step: never, results stay on the cropped grid."""
        return False

    @property
    def selects(self) -> bool:
        """Whether the step only selects a part of the grid: always."""
        return True

    def fit(self, cube: xr.DataArray, channel: tuple[Hashable, ...]) -> Cropped:
        """Compute the kept positions of each dimension of a cube.

        Raises
        ------
        ValueError
            If a dimension is unknown, a coordinate is not monotonic, or the crop is empty.
        """
        return Cropped({name: _positions(cube, name, bounds) for name, bounds in self.where.items()})


@dataclass(frozen=True)
class Binned(Fitted):
    """Fitted binning: block length of each dimension, sum or mean. Results stay on the binned grid."""

    blocks: dict[Hashable, int]
    how: str

    def transform(self, cube: xr.DataArray) -> xr.DataArray:
        """Return sums or means of the observed values of each block, at block centres; NaN for blocks without any."""
        blocks = {name: length for name, length in self.blocks.items() if length > 1}
        if not blocks:
            return cube.copy()
        text = [name for name, c in cube.coords.items() if c.dtype.kind not in "biufmM" and set(c.dims) & set(blocks)]
        groups = cube.drop_vars(text).coarsen(blocks, boundary="trim")
        total = groups.sum(keep_attrs=True)
        size = prod(blocks.values())
        if cube.dtype.kind != "f":
            return total if self.how == "sum" else _labelled(total / size, cube)
        observed = groups.count()
        # Missing values of a block count as the mean of the observed ones, because sums at the border of a mask would
        # otherwise be too low.
        share = (size if self.how == "sum" else 1) / observed.where(observed > 0)
        return _labelled((total * share).astype(float_type(cube)), cube)

    def new_positions(self, dim: Hashable, length: int) -> Array:
        """Return the block of each position of a dimension; -1 for positions of an incomplete block at the end."""
        block = self.blocks.get(dim, 1)
        new = np.arange(length) // block
        new[length // block * block :] = -1
        return new

    def prepare_known(self, spectra: xr.DataArray) -> xr.DataArray:
        """Return known spectra on the binned grid: sums or means over blocks of channels, times the pixels of a block.

        A block of a known spectrum with an unknown channel is unknown. The sum of n pixels of a pure component is n
        times its spectrum, so that abundances keep their scale.
        """
        blocks = self._blocks_of(spectra)
        groups = spectra.coarsen(blocks, boundary="trim") if blocks else None
        if self.how == "mean":
            return spectra if groups is None else groups.reduce(np.mean)
        pixels = prod(length for name, length in self.blocks.items() if name not in spectra.dims)
        return (spectra if groups is None else groups.reduce(np.sum)) * pixels

    def prepare_weights(self, weights: xr.DataArray) -> xr.DataArray:
        r"""Return the harmonic mean of the weights of each block, :math:`n / \sum_i w_i^{-1}`; 0 if one of them is 0.

        With weights in inverse proportion to the variances, this is the weight of a sum or mean up to a common factor.
        """
        blocks = self._blocks_of(weights)
        if not blocks:
            return weights
        inverse = (1 / weights.astype(np.float64).where(weights > 0)).coarsen(blocks, boundary="trim")
        return (1 / inverse.reduce(np.mean)).fillna(0.0)

    def _blocks_of(self, array: xr.DataArray) -> dict[Hashable, int]:
        """Return the block lengths above 1 of the dimensions of an array."""
        return {name: length for name, length in self.blocks.items() if length > 1 and name in array.dims}


@dataclass(frozen=True)
class Bin(Step):
    r"""Sum or average blocks of neighbouring pixels and channels.

    .. math:: x_{ab} = \sum_{i \in a} \sum_{j \in b} X_{ij}

    for blocks a of pixels and b of channels; the average divides by the number of entries.

    Maps and spectra of the result have the binned grid, at block centres. Incomplete blocks at the end are cropped. Bin
    before non-linear or scaling steps: sums of scaled values could not be inverted.

    Parameters
    ----------
    space, channel
        Length of a block along pixel and channel dimensions: one number, or one by dimension name.
    how
        ``"sum"`` for counts, ``"mean"`` for currents, heights or intensities. ``"auto"`` sums integers and data in
        units of counts, and averages all other data.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> cube = xr.DataArray(np.ones((4, 5, 6)), dims=("y", "x", "energy"), coords={"x": 0.5 * np.arange(5)})
    >>> small = Bin(space=2, channel={"energy": 3}, how="sum").fit(cube, ("energy",)).transform(cube)
    >>> small.shape, small["x"].values, float(small[0, 0, 0])
    ((2, 2, 2), array([0.25, 1.25]), 12.0)
    """

    space: int | Mapping[Hashable, int] = 2
    channel: int | Mapping[Hashable, int] = 1
    how: Literal["auto", "sum", "mean"] = "auto"

    @property
    def undone(self) -> bool:
        """Whether the inverse undoes the step: never, results stay on the binned grid."""
        return False

    def __post_init__(self) -> None:
        if self.how not in ("auto", "sum", "mean"):
            raise ValueError(f"how={self.how!r} is not known: use 'auto', 'sum' or 'mean'")

    def fit(self, cube: xr.DataArray, channel: tuple[Hashable, ...]) -> Binned:
        """Compute the block length of each dimension of a cube, and whether to sum or to average.

        Raises
        ------
        ValueError
            If a dimension is unknown or shorter than its block.
        """
        blocks = _blocks(self.space, pixels(cube, channel), cube) | _blocks(self.channel, list(channel), cube)
        for name, length in blocks.items():
            if not (isinstance(length, (int, np.integer)) and 1 <= length <= cube.sizes[name]):
                raise ValueError(
                    f"a block along {name!r} is a whole number from 1 to its length {cube.sizes[name]}, got {length!r}"
                )
        how = self.how if self.how != "auto" else "sum" if _holds_counts(cube) else "mean"
        return Binned({name: int(length) for name, length in blocks.items()}, how)


def _holds_counts(cube: xr.DataArray) -> bool:
    """Return whether a cube holds counts: by its units, or as whole numbers, also if stored as float for NaN."""
    types = (cube.dtype, np.dtype(cube.encoding.get("dtype", cube.dtype)))
    return any(one.kind in "biu" for one in types) or str(cube.attrs.get("units", "")).lower() in ("count", "counts")


def _labelled(array: xr.DataArray, cube: xr.DataArray) -> xr.DataArray:
    """Return the array with the name and attributes of the cube, which arithmetic operations drop."""
    return array.rename(cube.name).assign_attrs(cube.attrs)


def _blocks(lengths: int | Mapping[Hashable, int], names: list[Hashable], cube: xr.DataArray) -> dict[Hashable, int]:
    """Return the block length of each dimension; raise ValueError for an unknown dimension."""
    if not isinstance(lengths, Mapping):  # one number for all dimensions; a dimension of length 1 is not binned
        return {name: lengths if cube.sizes[name] > 1 else 1 for name in names}
    unknown = [name for name in lengths if name not in names]
    if unknown:
        raise ValueError(f"Bin knows no dimension {unknown[0]!r} among {names}")
    return dict(lengths)


def window_positions(cube: xr.DataArray, name: Hashable, bounds: tuple[float | None, float | None]) -> slice:
    """Return the positions of ``low <= coordinate <= high`` along a monotonic coordinate."""
    values = cube[name].values
    low, high = bounds
    inside = np.ones(len(values), dtype=bool)
    if low is not None:
        inside &= values >= low
    if high is not None:
        inside &= values <= high
    found = np.flatnonzero(inside)
    if not len(found):
        units = cube[name].attrs.get("units", "")
        raise ValueError(
            f"nothing of {name!r} lies in {bounds}: it goes from {values[0]} to {values[-1]} {units}".rstrip()
        )
    if found[-1] - found[0] + 1 != len(found):
        raise ValueError(f"the coordinate {name!r} goes to and fro: sort it first, cube.sortby({name!r})")
    return slice(int(found[0]), int(found[-1]) + 1)


def _positions(cube: xr.DataArray, name: Hashable, bounds: Bounds) -> slice:
    """Return the kept positions along a dimension; raise ValueError if there are none."""
    if name not in cube.dims:
        raise ValueError(f"Crop knows no dimension {name!r}: the cube has {cube.dims}")
    if isinstance(bounds, slice):
        if not range(*bounds.indices(cube.sizes[name])):
            raise ValueError(f"nothing of {name!r} lies in {bounds}: it has {cube.sizes[name]} positions")
        return bounds
    if len(bounds) != 2:
        raise ValueError(f"the part of {name!r} is a slice or (low, high), got {bounds!r}")
    return window_positions(cube, name, (bounds[0], bounds[1]))
