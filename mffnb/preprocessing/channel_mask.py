"""Leave channels out of the fit: a preprocessing step that makes them missing."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from math import prod

import numpy as np
import xarray as xr

from mffnb.preprocessing.step import Fitted, Step, float_type, with_new_values

__all__ = ["LeaveOutChannels"]


@dataclass(frozen=True)
class MissingChannels(Fitted):
    """Fitted step: True for the channels that are left out, over all channel dimensions."""

    left_out: xr.Variable

    def transform(self, cube: xr.DataArray) -> xr.DataArray:
        """Return the cube with NaN in the channels that are left out; the fit masks a channel without values."""
        values = cube.variable.astype(float_type(cube))
        return with_new_values(cube, xr.apply_ufunc(np.where, self.left_out, np.nan, values, dask="allowed"))


@dataclass(frozen=True)
class LeaveOutChannels(Step):
    r"""Leave channels out of the fit, such as the central beam of diffraction patterns that another step computes.

    .. math:: x_{ij} = X_{ij} \quad (j \notin L)

    with the channels L, whose entries are missing.

    Where the cube itself has the channels, ``mask`` of :func:`mffnb.unmix` does the same.

    Parameters
    ----------
    runs
        First and one-past-last position of each run of channels; with several channel dimensions, channels are counted
        row by row.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> cube = xr.DataArray(np.ones((2, 2, 5)), dims=("y", "x", "energy"))
    >>> LeaveOutChannels([(1, 3)]).fit(cube, ("energy",)).transform(cube)[0, 0].values.tolist()
    [1.0, nan, nan, 1.0, 1.0]
    """

    runs: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        runs = tuple((int(first), int(stop)) for first, stop in self.runs)
        if any(not 0 <= first < stop for first, stop in runs):
            raise ValueError(f"runs are pairs of first and one-past-last position, got {self.runs!r}")
        object.__setattr__(self, "runs", runs)

    def fit(self, cube: xr.DataArray, channel: tuple[Hashable, ...]) -> MissingChannels:
        """Mark the channels of a cube.

        Raises
        ------
        ValueError
            If a run ends beyond the last channel, or if no channel is left.
        """
        shape = tuple(cube.sizes[name] for name in channel)
        left_out = np.zeros(prod(shape), dtype=bool)
        for first, stop in self.runs:
            if stop > left_out.size:
                raise ValueError(f"the run ({first}, {stop}) ends beyond the last of {left_out.size} channels")
            left_out[first:stop] = True
        if left_out.all():
            raise ValueError("no channel is left for the fit: leave fewer of them out")
        return MissingChannels(xr.Variable(channel, left_out.reshape(shape)))
