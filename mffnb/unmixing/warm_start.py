"""Convert labelled factors, such as an earlier unmixing result, to factors from which a run starts (warm start)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from mffnb.cubes.align import OTHER, Frame, align
from mffnb.cubes.axes import Beside
from mffnb.typing import Array, Float64Array
from mffnb.unmixing.image import Prepared
from mffnb.unmixing.result import Unmixing


class StartFactors(NamedTuple):
    """Factors A (pixels, k) and E (k, channels) of the processed image, from which a run starts as they are."""

    A: Float64Array
    E: Float64Array


def is_labelled(part: Any) -> bool:
    """Return whether one array of a start has names or coordinates, as a DataArray or a signal of HyperSpy has."""
    return Beside.of(part, "init").labelled


def factors_of(start: Any, image: Prepared) -> tuple[Float64Array, Float64Array]:
    """Convert a result, or a pair of maps and spectra, to the factors A (pixels, k) and E (k, channels) of an image.

    Parameters
    ----------
    start
        An earlier result; or a pair of maps (one dimension more than the pixels have) and spectra (one more than the
        channels have) in any container with labels, or of matrices A (used pixels, k) and E (k, used channels). Both
        are in the units of the cube, on the grid of the processed image.
    image
        The image. Maps and spectra are aligned with it by the names and coordinates of their dimensions. A pixel or
        channel that the start has masked gets the mean of the others.

    Raises
    ------
    ValueError
        If dimensions or coordinates do not fit.
    """
    if isinstance(start, Unmixing):
        gain = 1.0 if start.gain is None else start.gain
        start = (start.abundances * gain, start.endmembers)
    if len(start) != 2:
        raise ValueError(f"init=(A, E) is a pair, got {len(start)} parts")
    layout = image.layout
    maps = _Factor("the maps of init", tuple(layout.pixel_shape), layout.pixel_mask, layout.abundances)
    spectra = _Factor("the spectra of init", tuple(layout.channel_shape), layout.channel_mask, layout.endmembers)
    A = maps.on_grid(start[0], layout.frame, transposed=True)
    E = spectra.on_grid(start[1], layout.frame)
    # The steps hold their states in the order of the image, so they come after the alignment.
    if image.chain is not None:
        A, E = image.chain.prepare_abundances(A), image.chain.prepare_endmembers(E)
    return maps.used(A).T, spectra.used(E)


@dataclass(frozen=True, eq=False)
class _Factor:
    """Dimensions of the maps or of the spectra of a start, and the mask of their entries.

    Attributes
    ----------
    what
        Name in error messages.
    dims
        Dimensions of the image.
    mask
        True where an entry is used; None if all are.
    labelled
        Function that returns a labelled array of a matrix (k, used entries).
    """

    what: str
    dims: tuple[Any, ...]
    mask: Array | None
    labelled: Callable[[Array], xr.DataArray]

    def on_grid(self, given: Any, frame: Frame, transposed: bool = False) -> xr.DataArray:
        """Return maps or spectra as ("component", dims of the image), at the coordinates of the image."""
        if not is_labelled(given):
            return self._of_matrix(np.asarray(given, dtype=np.float64), frame, transposed)
        found = align(given, frame, self.what, [self.dims], more=True)
        if set(found.dims) != {OTHER, *self.dims}:
            raise ValueError(
                f"{self.what} need the dimensions {('component', *map(str, self.dims))}, "
                f"got {tuple('component' if name == OTHER else str(name) for name in found.dims)}"
            )
        values = found.transpose(OTHER, *self.dims).astype(np.float64)
        return frame.labelled(values).rename({OTHER: "component"})

    def used(self, factor: xr.DataArray) -> Float64Array:
        """Return the matrix (k, used entries), with the mean of the others where an entry is missing."""
        values = np.array(factor.transpose("component", *self.dims).values, dtype=np.float64)
        values = values.reshape(len(values), -1)
        values = values if self.mask is None else values[:, self.mask.ravel()]
        missing = np.isnan(values).all(axis=0)
        if missing.any() and not missing.all():
            values[:, missing] = values[:, ~missing].mean(axis=1, keepdims=True)
        return values

    def _of_matrix(self, matrix: Array, frame: Frame, transposed: bool) -> xr.DataArray:
        """Return a matrix without labels as a labelled array, if its shape fits."""
        entries = prod(frame.shape[name] for name in self.dims) if self.mask is None else int(self.mask.sum())
        rows = matrix.T if transposed else matrix
        if rows.ndim != 2 or rows.shape[1] != entries:
            wanted = f"({entries}, k)" if transposed else f"(k, {entries})"
            raise ValueError(f"{self.what} without labels are a matrix of shape {wanted}, got {matrix.shape}")
        return self.labelled(rows)


def non_negative_factors_of(result: Unmixing, image: Prepared) -> StartFactors:
    """Convert a result to the factors A (pixels, k) and E (k, channels) of an image, clipped at zero.

    Preprocessing and its inverse may leave rounding errors below zero, and NaN in pixels without a gain; both become 0.
    """
    A, E = (np.maximum(np.nan_to_num(part, posinf=0.0), 0.0) for part in factors_of(result, image))
    return StartFactors(A, E)
