"""From the grid of a result back to that of its cube, where preprocessing has cropped or binned it."""

from __future__ import annotations

from collections.abc import Hashable
from math import prod

import numpy as np
import xarray as xr

from mffnb.cubes.align import OTHER, Frame
from mffnb.errors import UnsupportedCombinationError
from mffnb.preprocessing import Chain
from mffnb.preprocessing.grid import Binned, Cropped
from mffnb.typing import Array

_EXACT = 1e-6  # relative error above which a spectrum on the grid of the cube does not repeat that of the result


def mask_before(chain: Chain, mask: xr.DataArray, frame: Frame) -> xr.DataArray:
    """Return the pixels of a cube that belong to pixels of its result: True for those of a mask (pixel dims)."""
    found = mask.values
    for place, name in enumerate(mask.dims):
        owner = _owners(chain, name, frame.pixel_shape[name])
        used = np.take(found, np.maximum(owner, 0), axis=place)
        found = used & (owner >= 0).reshape([-1 if i == place else 1 for i in range(mask.ndim)])
    return xr.DataArray(found, dims=mask.dims)


def spectrum_before(chain: Chain, spectrum: xr.DataArray, frame: Frame) -> xr.DataArray:
    """Return the spectrum of a cube whose preparation is a spectrum of the result, (channel dims).

    Channels that are not in the result are unknown (NaN). The channels of a block get equal values.

    Raises
    ------
    UnsupportedCombinationError
        If no such spectrum is found: another step treats the channels of a block differently.
    """
    values = spectrum.values.astype(np.float64)
    for place, name in enumerate(spectrum.dims):
        owner = _owners(chain, name, frame.channel_shape[name])
        taken = np.take(values, np.maximum(owner, 0), axis=place)
        values = np.where((owner >= 0).reshape([-1 if i == place else 1 for i in range(spectrum.ndim)]), taken, np.nan)
    summed = [fitted for fitted in chain.fitted if isinstance(fitted, Binned) and fitted.how == "sum"]
    values = values / prod(prod(fitted.blocks.values()) for fitted in summed)
    dims = tuple(frame.channel_shape)
    found = frame.labelled(xr.Variable(spectrum.dims, values).transpose(*dims))
    wanted = chain.prepare_endmembers(spectrum.expand_dims({OTHER: 1})).transpose(OTHER, *spectrum.dims).values
    repeated = chain.prepare_known(found.expand_dims({OTHER: 1})).transpose(OTHER, *spectrum.dims).values
    if not np.allclose(repeated, wanted, rtol=0, atol=_EXACT * np.nanmax(np.abs(wanted), initial=0.0), equal_nan=True):
        raise UnsupportedCombinationError(
            "hold cannot find the spectrum of the cube that these preprocessing steps turn into that of the component: "
            "apply the step that changes the grid first, step.fit(cube, ()).transform(cube), and explore its result"
        )
    return found


def _owners(chain: Chain, name: Hashable, size: int) -> Array:
    """Return the index in the result of each position of a dimension of the cube; -1 if it is not in the result."""
    groups = np.arange(size)[:, None]  # positions of the cube for each index
    for fitted in chain.fitted:
        if isinstance(fitted, Cropped) and name in fitted.positions:
            groups = groups[fitted.positions[name]]
        elif isinstance(fitted, Binned) and fitted.blocks.get(name, 1) > 1:
            block = fitted.blocks[name]
            groups = groups[: len(groups) // block * block].reshape(-1, block * groups.shape[1])
    owner = np.full(size, -1)
    owner[groups.ravel()] = np.repeat(np.arange(len(groups)), groups.shape[1])
    return owner
