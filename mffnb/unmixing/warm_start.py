"""Convert labelled factors, such as an earlier unmixing result, to factors from which a run starts (warm start)."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.align import Frame, align
from mffnb.typing import Array, Float64Array
from mffnb.unmixing.image import Prepared
from mffnb.unmixing.result import Unmixing


def factors_of(start: Any, image: Prepared) -> tuple[Float64Array, Float64Array]:
    """Convert a result, or labelled maps and spectra, to the factors A (pixels, k) and E (k, channels) of an image.

    Parameters
    ----------
    start
        An earlier result, in physical units; or a pair of DataArrays, maps ("component", pixel dims) and spectra
        ("component", channel dims), in the units of the processed image.
    image
        The image. Maps and spectra are aligned with it by the names and coordinates of their dimensions. A pixel or
        channel that the start has masked gets the mean of the others.

    Raises
    ------
    ValueError
        If dimensions or coordinates do not fit.
    """
    if isinstance(start, Unmixing):
        amounts = start.abundances if start.gain is None else start.abundances * start.gain
        spectra = start.endmembers
        if image.chain is not None:
            amounts, spectra = image.chain.prepare_abundances(amounts), image.chain.prepare_endmembers(spectra)
    else:
        amounts, spectra = start
    layout = image.layout
    A = _aligned(amounts, layout.frame, "the maps of init", tuple(layout.pixel_shape), layout.pixel_mask)
    E = _aligned(spectra, layout.frame, "the spectra of init", tuple(layout.channel_shape), layout.channel_mask)
    return A.T, E


def _aligned(factor: xr.DataArray, frame: Frame, what: str, dims: tuple[Any, ...], mask: Array | None) -> Float64Array:
    """Return a labelled factor as (k, used entries), with the mean of the others where it is missing."""
    if "component" not in factor.dims:
        raise ValueError(f'{what} need the dimension "component", got {tuple(map(str, factor.dims))}')
    parts = factor.drop_vars("component", errors="ignore").transpose("component", ...)
    rows = []
    for part in parts:
        found = align(part, frame, what, [dims])
        if set(found.dims) != set(dims):
            raise ValueError(f"{what} need the dimensions {tuple(map(str, dims))}, got {tuple(map(str, found.dims))}")
        rows.append(found.transpose(*dims).values.ravel())
    values = np.array(rows, dtype=np.float64)
    values = values if mask is None else values[:, mask.ravel()]
    missing = np.isnan(values).all(axis=0)
    if missing.any() and not missing.all():
        values[:, missing] = values[:, ~missing].mean(axis=1, keepdims=True)
    return values


def non_negative_factors_of(result: Unmixing, image: Prepared) -> tuple[Float64Array, Float64Array]:
    """Convert a result to the factors A (pixels, k) and E (k, channels) of an image, clipped at zero.

    Preprocessing and its inverse may leave rounding errors below zero, and NaN in pixels without a gain; both become 0.
    """
    A, E = (np.maximum(np.nan_to_num(part, posinf=0.0), 0.0) for part in factors_of(result, image))
    return A, E
