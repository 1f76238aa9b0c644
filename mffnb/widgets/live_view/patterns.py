"""Endmembers with two channel dimensions (local FFTs, diffraction patterns) as images for the page."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from mffnb.plots.labels import axis_label, pixel_coordinate
from mffnb.widgets.live_view.frame import block_mean

_LARGEST = 128  # longest side of a pattern on the page; larger ones are averaged over square blocks
_PATTERN_DIMS = 3  # component and two channel dimensions


@dataclass(frozen=True)
class PatternAxis:
    """One of the two channel axes of a pattern.

    Parameters
    ----------
    label
        Name and unit, for example "ky (1/nm)".
    first, last
        Coordinate of the first and the last channel; numbers of channels where there is none.
    name
        Name of the dimension, for texts with little room.
    """

    label: str
    first: float
    last: float
    name: str = ""


@dataclass(frozen=True, eq=False)
class Patterns:
    """Endmembers as images.

    Parameters
    ----------
    values : ndarray of shape (k, h, w)
        One pattern per component; NaN in channels that the fit leaves out.
    axes
        Vertical and horizontal axis.
    """

    values: NDArray[np.floating[Any]]
    axes: tuple[PatternAxis, PatternAxis]

    @classmethod
    def of(cls, endmembers: xr.DataArray) -> Patterns | None:
        """Return the patterns of endmembers ("component", two channel dims); None for any other number of dims.

        Examples
        --------
        >>> import xarray as xr
        >>> spectra = xr.DataArray([[[1.0, 2.0, 3.0]]], dims=("component", "ky", "kx"), coords={"kx": [-1.0, 0.0, 1.0]})
        >>> Patterns.of(spectra).axes[1]
        PatternAxis(label='kx', first=-1.0, last=1.0, name='kx')
        >>> Patterns.of(spectra[:, 0]) is None
        True
        """
        if endmembers.ndim != _PATTERN_DIMS or 0 in endmembers.shape:
            return None
        vertical, horizontal = (_axis(endmembers, name) for name in endmembers.dims[1:])
        return cls(endmembers.values, (vertical, horizontal))

    def encoded(self) -> tuple[dict[str, Any], bytes]:
        """Return shape and axes for the header of a frame, and the patterns as float32, row by row."""
        block = max(1, math.ceil(max(self.values.shape[1:]) / _LARGEST))
        reduced = block_mean(self.values, block)
        return (
            {"shape": list(reduced.shape[1:]), "axes": [asdict(axis) for axis in self.axes]},
            np.ascontiguousarray(reduced, dtype="<f4").tobytes(),
        )


def _axis(endmembers: xr.DataArray, name: Any) -> PatternAxis:
    """Return the axis of a channel dimension."""
    coordinate = pixel_coordinate(endmembers, name)
    if coordinate is None:
        return PatternAxis(f"{name}, by number", 0.0, float(endmembers.sizes[name] - 1), str(name))
    return PatternAxis(axis_label(endmembers, name), float(coordinate[0]), float(coordinate[-1]), str(name))
