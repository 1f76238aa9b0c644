"""Channels of a range, of a spot of a pattern, or of a mask: which ones an image is summed over."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.align import align
from mffnb.cubes.layout import frame_of
from mffnb.plots import channel_coordinate
from mffnb.typing import Array
from mffnb.widgets.measured import pixel_axis
from mffnb.widgets.region_shapes import mask_inside

_SHAPES = ("rectangle", "ellipse")


@dataclass(frozen=True, eq=False)
class ChannelChoice:
    """Which channels are meant: a range, two corners of a box, an outline as shares of a pattern, or a mask.

    Attributes
    ----------
    start, stop
        Ends of a range, or opposite corners of a box on a pattern; None is the first and the last channel.
    shape
        Of the box: "rectangle" or "ellipse".
    between
        Range along some channel dimensions, by name.
    outline
        Corners of a polygon as shares of height and width of a pattern.
    mask
        True for the channels, (channel dims).
    """

    start: Any = None
    stop: Any = None
    shape: str = "rectangle"
    between: Mapping[str, Sequence[float]] | None = None
    outline: Sequence[Sequence[float]] | None = None
    mask: Any = None

    def inside(self, spectra: xr.DataArray) -> xr.DataArray:
        """Return which channels of spectra ("component", channel dims) are meant, (channel dims).

        Raises
        ------
        ValueError
            If the choice is given twice, does not fit the channels, or if there is no channel in it.
        """
        kinds = (self.start is not None or self.stop is not None, self.between, self.outline is not None)
        if sum(map(bool, (*kinds, self.mask is not None))) > 1:
            raise ValueError("give one of two ends, ranges by dimension, outline and mask")
        if self.shape not in _SHAPES:
            raise ValueError(f"shape={self.shape!r} is not known: use {' or '.join(map(repr, _SHAPES))}")
        one = spectra.isel(component=0, drop=True)
        if self.mask is not None:
            found = align(self.mask, frame_of(spectra, list(one.dims)), "the mask of the channels", [tuple(one.dims)])
            chosen = np.broadcast_to(found.transpose(*one.dims).values.astype(bool), one.shape)
        elif self.outline is not None:
            _check_pattern(one)
            chosen = mask_inside(spectra, self.outline, shares=True)[0].values
        elif one.ndim == 1 and not self.between:
            chosen = _in_range(channel_coordinate(spectra), np.isfinite(one.values), self.start, self.stop)
        else:
            chosen = self._in_box(spectra)
        used = one.copy(data=chosen & np.isfinite(one.values))
        if not used.any():
            raise ValueError("no channel that the fit uses is inside: draw a larger shape, or give wider ranges")
        return used

    def _in_box(self, spectra: xr.DataArray) -> Array:
        """Return which channels lie in a box, or in the ellipse in it."""
        one = spectra.isel(component=0, drop=True)
        ranges: Mapping[Hashable, Sequence[float]]
        if self.between:
            unknown = {*self.between} - {*map(str, one.dims)}
            if unknown:
                raise ValueError(
                    f"there is no channel dimension {', '.join(sorted(unknown))}: use {', '.join(map(str, one.dims))}"
                )
            ranges = {name: self.between[str(name)] for name in one.dims if str(name) in self.between}
        elif self.start is None and self.stop is None:
            ranges = {}
        else:
            _check_pattern(one)
            corners = np.asarray([self.start, self.stop], dtype=np.float64)
            if corners.shape != (2, 2):
                names = ", ".join(map(str, one.dims))
                raise ValueError(f"give two opposite corners ({names}) of the spot, for example band((-1, 2), (1, 4))")
            ranges = dict(zip(one.dims, corners.T.tolist(), strict=True))
        if self.shape == "ellipse" and len(ranges) == 2:
            _check_pattern(one)
            ends = np.array([ranges[name] for name in one.dims], dtype=np.float64).T
            return np.asarray(mask_inside(spectra, ends, shares=False, shape="ellipse")[0].values)
        chosen = np.ones(one.shape, dtype=bool)
        for place, name in enumerate(one.dims):
            if name in ranges:
                axis = pixel_axis(one, name)
                along = _in_range(axis, np.ones(axis.shape, dtype=bool), *sorted(map(float, ranges[name])))
                chosen &= along.reshape([-1 if i == place else 1 for i in range(one.ndim)])
        return chosen


def box_of(inside: xr.DataArray) -> dict[str, list[float]]:
    """Return first and last channel of a choice along each channel dimension."""
    found = {}
    for name in inside.dims:
        others = [other for other in inside.dims if other != name]
        axis = pixel_axis(inside, name) if others else channel_coordinate(inside.expand_dims("component"))
        used = axis[inside.any(others).values if others else inside.values]
        found[str(name)] = [float(used.min()), float(used.max())]
    return found


def outline_of(inside: xr.DataArray, given: Sequence[Sequence[float]] | None) -> list[list[float]] | None:
    """Return corners of a choice on a pattern as shares of height and width: as given, or those of its box."""
    if inside.ndim != 2:
        return None
    if given is not None:
        return [[float(y), float(x)] for y, x in given]
    rows, columns = (np.flatnonzero(inside.values.any(axis=1 - axis)) for axis in (0, 1))
    height, width = inside.shape
    top, bottom = float(rows[0] / height), float((rows[-1] + 1) / height)
    left, right = float(columns[0] / width), float((columns[-1] + 1) / width)
    return [[top, left], [top, right], [bottom, right], [bottom, left]]


def _check_pattern(one: xr.DataArray) -> None:
    """Refuse a shape where there are no patterns to draw it on."""
    if one.ndim != 2:
        raise ValueError("a shape needs patterns with two channel dimensions: give the two ends of a range, or mask=")


def _in_range(axis: Array, used: Array, start: float | None, stop: float | None) -> Array:
    """Return which channels lie in the range, or the nearest one that is used if none does."""
    seen = axis[used]
    if not seen.size:
        return np.zeros(axis.shape, dtype=bool)
    low, high = sorted((float(seen.min() if start is None else start), float(seen.max() if stop is None else stop)))
    inside: Array = (axis >= low) & (axis <= high) & used
    if not inside.any():
        inside[np.argmin(np.where(used, np.abs(axis - (low + high) / 2), np.inf))] = True
    return inside
