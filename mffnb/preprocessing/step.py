"""Base classes of preprocessing steps: fitting to a cube, transformation, and its inverse for both factors."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Protocol, Self

import numpy as np
import xarray as xr

from mffnb.typing import Array

__all__ = ["Fitted", "Step"]


class Fitted(Protocol):
    """Base class of fitted steps: a step with the parameters estimated from a cube. No method changes its argument.

    Processed values are called x, physical values X. The inverse of a linear step is ``X = x p c + o``: the inverse
    multiplies the abundances by the factor p of each pixel and the endmembers by the factor c of each channel; the
    offset o belongs to neither. So

        inverse(a e) = A E + o     with A = abundances(a), E = endmembers(e)

    A non-linear step is inverted on the endmembers; the reconstruction is then ``inverse(a e)``, not A E.
    Subclasses override only the methods that are not the identity.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> from mffnb.preprocessing import UnitSum
    >>> cube = xr.DataArray(np.arange(1.0, 61).reshape(3, 4, 5), dims=("y", "x", "energy"))
    >>> fitted = UnitSum().fit(cube, ("energy",))
    >>> processed = fitted.transform(cube)
    >>> bool(np.allclose(processed.sum("energy"), 1)), bool(np.allclose(fitted.inverse(processed), cube))
    (True, True)
    """

    @property
    def new_channel(self) -> tuple[Hashable, ...] | None:
        """Channel dimensions after the step; None if it keeps them. Steps before a change are not inverted."""
        return None

    def transform(self, cube: xr.DataArray) -> xr.DataArray:
        """Process the cube that the step was fitted to, or a cube on the same grid."""
        raise NotImplementedError

    def inverse(self, cube: xr.DataArray) -> xr.DataArray:
        """Convert a processed cube, or the product of processed factors, to physical values."""
        return cube

    def endmembers(self, endmembers: xr.DataArray) -> xr.DataArray:
        """Convert processed spectra ("component", channel dims) to physical values."""
        return endmembers

    def abundances(self, abundances: xr.DataArray) -> xr.DataArray:
        """Convert maps ("component", pixel dims) of the processed cube to those of the physical cube."""
        return abundances

    def prepare_endmembers(self, endmembers: xr.DataArray) -> xr.DataArray:
        """Convert physical spectra to processed ones: the inverse of :meth:`endmembers`."""
        return endmembers

    def prepare_abundances(self, abundances: xr.DataArray) -> xr.DataArray:
        """Convert physical maps to processed ones: the inverse of :meth:`abundances`."""
        return abundances

    def prepare_known(self, spectra: xr.DataArray) -> xr.DataArray:
        """Convert known physical spectra, on the grid before the step, to processed spectra on the grid after it.

        Raises
        ------
        ValueError
            If there is no exact rule; the message names the step.
        """
        return self.prepare_endmembers(spectra)

    def prepare_weights(self, weights: xr.DataArray) -> xr.DataArray:
        """Convert weights of squared residuals, on the grid before the step, to weights on the grid after it.

        Weights are numbers without unit that multiply the squared residuals of processed values, so a step that keeps
        the grid keeps them.

        Raises
        ------
        ValueError
            If there is no exact rule; the message names the step.
        """
        return weights

    @property
    def scales_pixels(self) -> bool:
        """Whether the step divides each pixel by a scale of this pixel, such as its sum or norm."""
        return False

    def cropped(self, positions: Mapping[Hashable, slice]) -> Self:
        """Return the fitted step for a part of the grid, which is inverted after a later :class:`Crop`."""
        return self

    @property
    def selected(self) -> Mapping[Hashable, slice] | None:
        """Kept positions of each dimension, if the step only selects a part of the grid; None for other steps."""
        return None

    def new_positions(self, dim: Hashable, length: int) -> Array:
        """Return the position after the step of each position of a dimension before it; -1 where it is left out.

        A step that changes the length of a dimension overrides this.

        Parameters
        ----------
        dim, length
            Name of a dimension before the step, and its length.
        """
        return np.arange(length)

    @property
    def found(self) -> dict[str, Any]:
        """Numbers and text that the fit found in the data, which the record of a result shows beside the parameters."""
        return {}


class Step(Protocol):
    """Base class of preprocessing steps: a frozen dataclass of the user's parameters.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> from mffnb.preprocessing import Anscombe, Crop
    >>> Anscombe().bends, Anscombe().stabilizes, Crop({"energy": (1, 3)}).selects
    (True, True, True)
    """

    @property
    def undone(self) -> bool:
        """Whether the inverse of a chain undoes the step.

        Otherwise results stay on the grid and in the values after the step, and so do the data that they are compared
        with. Such a step must come before all steps that are undone, unless it only selects a part of the grid.
        """
        return True

    @property
    def selects(self) -> bool:
        """Whether the step only selects a part of the grid, so that it may come anywhere; see `Fitted.selected`."""
        return False

    @property
    def signed(self) -> bool:
        """Whether the step may make non-negative data negative."""
        return False

    @property
    def centred(self) -> bool:
        """Whether zero no longer means absence of signal after the step, so that NMF is not meaningful."""
        return False

    @property
    def stabilizes(self) -> bool:
        """Whether the step stabilises the variance of counts, which suits least squares but no Poisson likelihood."""
        return False

    @property
    def bends(self) -> bool:
        """Whether the step is non-linear, so that A E is not the reconstruction; see :class:`Fitted`."""
        return False

    @property
    def takes_image(self) -> bool:
        """Whether the input of the step is an image without channel dimension."""
        return False

    def fit(self, cube: xr.DataArray, channel: tuple[Hashable, ...]) -> Fitted:
        """Return the step fitted to a cube with the given channel dimensions; a lazy cube is read for the estimates.

        Raises
        ------
        ValueError
            If the step does not suit this cube; the message says what to do.
        """
        raise NotImplementedError


def derived_classes(base: type) -> dict[str, type]:
    """Return the classes of this package that are derived from :class:`Step` or :class:`Fitted`, by name.

    Examples
    --------
    >>> from mffnb.preprocessing import Step
    >>> derived_classes(Step)["MeanCentre"].__name__
    'MeanCentre'
    """
    derived: list[type] = base.__subclasses__()
    return {one.__name__: one for one in derived if one.__module__.startswith("mffnb.")}


def float_type(cube: xr.DataArray) -> np.dtype[np.floating]:
    """Return the floating point type of the processed cube: float32 for float32, else float64."""
    return np.dtype(np.float32 if cube.dtype == np.float32 else np.float64)


def pixels(cube: xr.DataArray, channel: tuple[Hashable, ...]) -> list[Hashable]:
    """Return the dimensions of the cube that are not channels."""
    return [name for name in cube.dims if name not in channel]


def with_new_values(array: xr.DataArray, values: xr.Variable, units: bool = True) -> xr.DataArray:
    """Return a copy of the array with other values on the same grid, without units if these no longer hold."""
    filled = array.copy(data=values.transpose(*array.dims).data)
    if not units:
        filled.attrs = {key: value for key, value in array.attrs.items() if key not in ("units", "long_name")}
    return filled


def part(state: xr.Variable, positions: Mapping[Hashable, slice]) -> xr.Variable:
    """Return a fitted parameter (array or None) on a part of the grid."""
    return state.isel({name: where for name, where in positions.items() if name in state.dims})


def single_channel(cube: xr.DataArray, channel: tuple[Hashable, ...], step: object) -> Hashable:
    """Return the only channel dimension; raise ValueError if there are several."""
    if len(channel) != 1:
        raise ValueError(
            f"{type(step).__name__} needs spectra along one channel dimension, got {channel} of {cube.dims}"
        )
    return channel[0]
