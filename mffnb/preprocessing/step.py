"""What a preprocessing step is: fitted to a cube it knows the way there, and the way back for both factors."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Protocol, Self

import numpy as np
import xarray as xr

__all__ = ["Fitted", "Step"]


class Fitted(Protocol):
    """A step with what it has learned from a cube. No method changes its argument.

    Data in steps are called x, their physical values X. A linear step is undone by ``X = x p c + o``: the factor p of a
    pixel goes into the abundances, the factor c of a channel into the endmembers, and the offset o into neither. So

        inverse(a e) = A E + o     with A = abundances(a), E = endmembers(e)

    A step that is not linear is undone on the endmembers, and ``inverse(a e)``, not A E, is the reconstruction.
    Subclasses state only what is not the identity.
    """

    @property
    def new_channel(self) -> tuple[Hashable, ...] | None:
        """Channel dimensions in place of the former ones; None where these are kept. Nothing is undone beyond it."""
        return None

    def transform(self, cube: xr.DataArray) -> xr.DataArray:
        """Process the cube it was fitted to, or one on the same grid."""
        raise NotImplementedError

    def inverse(self, cube: xr.DataArray) -> xr.DataArray:
        """A processed cube, or a product of processed factors, in physical values."""
        return cube

    def endmembers(self, endmembers: xr.DataArray) -> xr.DataArray:
        """Processed spectra ("component", channel dims) in physical values."""
        return endmembers

    def abundances(self, abundances: xr.DataArray) -> xr.DataArray:
        """Maps ("component", pixel dims) that belong to the processed cube, for the physical one."""
        return abundances

    def prepare_endmembers(self, endmembers: xr.DataArray) -> xr.DataArray:
        """Physical spectra as the processed cube has them: the opposite of :meth:`endmembers`."""
        return endmembers

    def prepare_abundances(self, abundances: xr.DataArray) -> xr.DataArray:
        """The opposite of :meth:`abundances`."""
        return abundances

    def cropped(self, positions: Mapping[Hashable, slice]) -> Self:
        """The same for a part of the grid, so that it can be undone after a later :class:`Crop`."""
        return self


class Step(Protocol):
    """A preprocessing step: a frozen dataclass of its parameters."""

    @property
    def signed(self) -> bool:
        """Whether data that were not negative may become so."""
        return False

    @property
    def centred(self) -> bool:
        """Whether zero no longer means "nothing there", so that a non-negative factorization has no meaning."""
        return False

    @property
    def stabilizes(self) -> bool:
        """Whether the noise of counts is evened out: for least squares, and wrong under the Poisson likelihood."""
        return False

    @property
    def bends(self) -> bool:
        """Whether the step is not linear: A E of the answer is then not the reconstruction, see :class:`Fitted`."""
        return False

    @property
    def takes_image(self) -> bool:
        """Whether the input is an image, all of whose dimensions are pixels."""
        return False

    def fit(self, cube: xr.DataArray, channel: tuple[Hashable, ...]) -> Fitted:
        """Learn from a cube whose channel dimensions are named; small states of a lazy cube are computed here.

        Raises
        ------
        ValueError
            If the step has no meaning for this cube, with what to do.
        """
        raise NotImplementedError


def float_type(cube: xr.DataArray) -> np.dtype[np.floating]:
    """The type in which a cube is processed: float32 stays, everything else becomes float64."""
    return np.dtype(np.float32 if cube.dtype == np.float32 else np.float64)


def pixels(cube: xr.DataArray, channel: tuple[Hashable, ...]) -> list[Hashable]:
    """Dimensions of the cube that are not channels."""
    return [name for name in cube.dims if name not in channel]


def refilled(array: xr.DataArray, values: xr.Variable, units: bool = True) -> xr.DataArray:
    """The array with other values on the same grid; its units are dropped where these no longer hold."""
    filled = array.copy(data=values.transpose(*array.dims).data)
    if not units:
        filled.attrs = {key: value for key, value in array.attrs.items() if key not in ("units", "long_name")}
    return filled


def part(state: xr.Variable, positions: Mapping[Hashable, slice]) -> xr.Variable:
    """What is left of a state on a cropped grid."""
    return state.isel({name: where for name, where in positions.items() if name in state.dims})


def single_channel(cube: xr.DataArray, channel: tuple[Hashable, ...], step: object) -> Hashable:
    """The one channel dimension that a step along a spectrum needs."""
    if len(channel) != 1:
        raise ValueError(
            f"{type(step).__name__} needs spectra along one channel dimension, got {channel} of {cube.dims}"
        )
    return channel[0]


def smallest(cube: xr.DataArray) -> float:
    """Smallest value that is not NaN; NaN if there is none."""
    return float(cube.min().compute())
