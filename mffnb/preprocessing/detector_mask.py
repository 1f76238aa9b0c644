"""Mask of a two-dimensional detector: defective pixels and beam stop of diffraction patterns."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import xarray as xr

from mffnb.preprocessing.channel_mask import MissingChannels
from mffnb.preprocessing.detector_defects import constant_pixels, outlying_pixels
from mffnb.preprocessing.row_blocks import mean_over_pixels, over_pixels
from mffnb.preprocessing.step import Fitted, Step, pixels
from mffnb.typing import Array

__all__ = ["DetectorMask"]


@dataclass(frozen=True, eq=False)
class MaskedDetector(Fitted):
    """Fitted detector mask: True for detector pixels that are left out, and how many there are of each kind."""

    left_out: xr.Variable
    counts: dict[str, int]

    @property
    def found(self) -> dict[str, Any]:
        """Numbers of detector pixels that are given, dead, and hot or weak, and of all that are left out."""
        return self.counts

    def transform(self, cube: xr.DataArray) -> xr.DataArray:
        """Return the cube with NaN in the detector pixels that are left out; the fit masks a channel without values."""
        return MissingChannels(self.left_out).transform(cube)


@dataclass(frozen=True)
class DetectorMask(Step):
    r"""Leave defective pixels and the beam stop of a detector out of the fit (diffraction, 4D-STEM).

    .. math:: x_{ij} = X_{ij} \quad (j \notin D)

    with the defects D, whose entries are missing.

    Defects are found in the patterns: a dead pixel has the same value in all patterns while its neighbours have not. A
    hot or weak pixel lies, in the mean pattern, above or below the median of its 5 x 5 neighbourhood by more than the
    noise, and by more than five times what two of its neighbours do. A reflection that is not wider than one detector
    pixel cannot be told from a hot one: use ``find=False``, and give the defects.

    There is no inverse: endmembers, reconstruction and residual have gaps there. Put the step first, so that sums and
    norms leave the defects out.

    Parameters
    ----------
    runs
        First and one-past-last position of each run of detector pixels to leave out, counted row by row;
        :meth:`of` converts a Boolean image.
    disc
        (first coordinate, second coordinate, radius) of a beam stop or central beam, in the units of the channel
        coordinates; a dimension without coordinate counts from 0.
    find
        Whether to find defects in the patterns.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> counts = np.random.default_rng(0).poisson(50.0, (4, 5, 8, 8))
    >>> counts[..., 2, 3] *= 0  # a dead pixel
    >>> counts[..., 6, 6] *= 80  # a hot pixel
    >>> cube = xr.DataArray(counts, dims=("y", "x", "ky", "kx"))
    >>> fitted = DetectorMask(disc=(4, 0, 1.0)).fit(cube, ("ky", "kx"))
    >>> fitted.found
    {'given': 4, 'dead': 1, 'hot or weak': 1, 'left out': 6}
    """

    runs: tuple[tuple[int, int], ...] = ()
    disc: tuple[float, float, float] | None = None
    find: bool = True

    def __post_init__(self) -> None:
        runs = tuple((int(first), int(stop)) for first, stop in self.runs)
        if any(not 0 <= first < stop for first, stop in runs):
            raise ValueError(f"runs are pairs of first and one-past-last position, got {self.runs!r}")
        object.__setattr__(self, "runs", runs)
        if self.disc is not None and not (len(self.disc) == 3 and self.disc[2] >= 0):
            raise ValueError(f"disc is two coordinates of the centre and a radius, got {self.disc!r}")

    @classmethod
    def of(cls, mask: Array, disc: tuple[float, float, float] | None = None, find: bool = True) -> DetectorMask:
        """Return the step for a Boolean image of the detector, True for the pixels to leave out.

        Examples
        --------
        >>> import numpy as np
        >>> DetectorMask.of(np.array([[False, True, True], [True, False, False]]))
        DetectorMask(runs=((1, 4),), disc=None, find=True)
        """
        flat = np.asarray(mask)
        if flat.ndim != 2 or flat.dtype.kind != "b":
            raise ValueError(f"a mask is a Boolean image of the detector, got {flat.dtype} of shape {flat.shape}")
        edges = np.flatnonzero(np.diff(np.concatenate([[0], flat.ravel().astype(int), [0]])))
        return cls(tuple(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)), disc, find)

    @property
    def undone(self) -> bool:
        """Whether the inverse undoes the step: never, results have gaps in the pixels that are left out."""
        return False

    def fit(self, cube: xr.DataArray, channel: tuple[Hashable, ...]) -> MaskedDetector:
        """Find the defects of the detector, in three passes over the cube.

        Raises
        ------
        ValueError
            If there are not two channel dimensions, a run ends beyond the detector, or no pixel is left.
        """
        if len(channel) != 2:
            raise ValueError(
                f"DetectorMask needs patterns with two channel dimensions, got {channel}: name them, channel=(...), or "
                "use LeaveOutChannels"
            )
        shape = tuple(cube.sizes[name] for name in channel)
        given = self._given(cube, channel, shape)
        dead = outlying = np.zeros(shape, bool)
        if self.find:
            over = pixels(cube, channel)
            low = over_pixels(cube, channel, lambda part: part.min(over).compute(), np.fmin)
            high = over_pixels(cube, channel, lambda part: part.max(over).compute(), np.fmax)
            spread = (high.astype(np.float64) - low).transpose(*channel).values
            mean = mean_over_pixels(cube, channel).compute().transpose(*channel).values
            patterns = prod(cube.sizes[name] for name in over)
            dead = constant_pixels(spread, given)
            outlying = outlying_pixels(patterns * mean, given | dead)
        left_out = given | dead | outlying
        if left_out.all():
            raise ValueError("DetectorMask leaves no detector pixel for the fit: make the disc or the mask smaller")
        kinds = {"given": given, "dead": dead & ~given, "hot or weak": outlying, "left out": left_out}
        return MaskedDetector(xr.Variable(channel, left_out), {name: int(one.sum()) for name, one in kinds.items()})

    def _given(self, cube: xr.DataArray, channel: tuple[Hashable, ...], shape: tuple[int, ...]) -> Array:
        """Return the detector pixels that the user leaves out."""
        given = np.zeros(prod(shape), bool)
        for first, stop in self.runs:
            if stop > given.size:
                raise ValueError(f"the run ({first}, {stop}) ends beyond the last of {given.size} detector pixels")
            given[first:stop] = True
        given = given.reshape(shape)
        if self.disc is None:
            return given
        row, column = (
            cube[name].values.astype(np.float64) - at for name, at in zip(channel, self.disc[:2], strict=True)
        )
        return np.asarray(given | (np.hypot(row[:, None], column) <= self.disc[2]))
