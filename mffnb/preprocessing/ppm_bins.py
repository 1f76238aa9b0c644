"""Bins of constant relative width for mass spectra."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from mffnb.preprocessing.channel_groups import ChannelGroups, mean_of_groups
from mffnb.preprocessing.step import Step, single_channel

__all__ = ["PpmBins"]


@dataclass(frozen=True)
class PpmBins(Step):
    r"""Sum the channels of mass spectra in bins of a constant relative width, as the peaks of an instrument have it.

    Bin b holds the m/z values with :math:`b \le \log(m / m_0) / \log(1 + 10^{-6} p) < b + 1`, where p is the width in
    ppm and :math:`m_0` the first m/z. The label of a bin is the mean m/z of its channels; bins without any channel are
    left out. The total of counts is kept exactly, and a sparse cube stays sparse. A peak at the border of two bins is
    divided between them; :class:`PeakPicking` avoids this where the peaks are resolved.

    There is no inverse: results have the channels of the bins.

    Parameters
    ----------
    ppm
        Width of a bin in parts per million of m/z.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> mz = np.array([100.0, 100.0004, 200.0, 200.01])
    >>> cube = xr.DataArray(np.ones((2, 3, 4), int), dims=("y", "x", "mz"), coords={"mz": mz})
    >>> binned = PpmBins(10).fit(cube, ("mz",)).transform(cube)
    >>> binned["mz"].values, binned[0, 0].values
    (array([100.0002, 200.    , 200.01  ]), array([2, 1, 1]))
    """

    ppm: float = 10.0

    def __post_init__(self) -> None:
        if not self.ppm > 0:
            raise ValueError(f"ppm is the width of a bin in parts per million, above zero; got {self.ppm!r}")

    @property
    def undone(self) -> bool:
        """Whether the inverse undoes the step: never, results stay on the binned grid."""
        return False

    def fit(self, cube: xr.DataArray, channel: tuple[Hashable, ...]) -> ChannelGroups:
        """Compute the bin of each channel; the values of the cube are not read.

        Raises
        ------
        ValueError
            If there is not one channel dimension whose m/z values are positive and ascending.
        """
        mz = ascending_mz(cube, single_channel(cube, channel, self), self)
        bins = np.floor(np.log(mz.values / mz.values[0]) / np.log1p(1e-6 * self.ppm))
        group = np.cumsum(np.append(False, np.diff(bins) > 0))
        return ChannelGroups(
            xr.Variable(mz.dims, group), xr.Variable(mz.dims, mean_of_groups(mz.values, group), mz.attrs)
        )


def ascending_mz(cube: xr.DataArray, name: Hashable, step: Step) -> xr.Variable:
    """Return the m/z values of a cube in float64; raise ValueError unless they are positive and ascending."""
    mz = cube[name].variable.astype(np.float64).to_base_variable()
    if name not in cube.coords or not (mz.values[0] > 0 and (np.diff(mz.values) > 0).all()):
        raise ValueError(
            f"{type(step).__name__} needs m/z values along {name!r} that are positive and ascending: "
            f"cube.sortby({name!r}), or cube.assign_coords({name}=mz)"
        )
    return mz
