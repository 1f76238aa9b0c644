"""From the grid of a result back to that of its cube, where preprocessing has cropped or binned it."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import xarray as xr

from mffnb.cubes.align import OTHER, Frame
from mffnb.errors import UnsupportedCombinationError
from mffnb.preprocessing import Chain
from mffnb.typing import Array

_EXACT = 1e-6  # relative error above which a spectrum on the grid of the cube does not repeat that of the result


def spectrum_before(chain: Chain, spectrum: xr.DataArray, frame: Frame) -> xr.DataArray:
    """Return the spectrum of a cube whose preparation is a spectrum of the result, (channel dims).

    Channels that are not in the result are unknown (NaN). The channels of a block get equal values: the value of the
    block over the response of the steps to a constant spectrum, which is the number of channels for a sum.

    Raises
    ------
    UnsupportedCombinationError
        If no such spectrum is found: another step treats the channels of a block differently.
    """
    dims, order = tuple(frame.channel_shape), (OTHER, *spectrum.dims)
    wanted = chain.prepare_endmembers(spectrum.expand_dims({OTHER: 1})).transpose(*order).values
    constant = frame.labelled(xr.Variable(dims, np.ones(tuple(frame.channel_shape.values()))))
    values = wanted[0] / chain.prepare_known(constant.expand_dims({OTHER: 1})).transpose(*order).values[0]
    for place, name in enumerate(spectrum.dims):
        owner = _owners(chain, name, frame.channel_shape[name])
        taken = np.take(values, np.maximum(owner, 0), axis=place)
        values = np.where((owner >= 0).reshape([-1 if i == place else 1 for i in range(spectrum.ndim)]), taken, np.nan)
    found = frame.labelled(xr.Variable(spectrum.dims, values).transpose(*dims))
    repeated = chain.prepare_known(found.expand_dims({OTHER: 1})).transpose(*order).values
    if not np.allclose(repeated, wanted, rtol=0, atol=_EXACT * np.nanmax(np.abs(wanted), initial=0.0), equal_nan=True):
        raise UnsupportedCombinationError(
            "hold cannot find the spectrum of the cube that these preprocessing steps turn into that of the component: "
            "apply the step that changes the grid first, step.fit(cube, ()).transform(cube), and explore its result"
        )
    return found


def _owners(chain: Chain, name: Hashable, size: int) -> Array:
    """Return the index in the result of each position of a dimension of the cube; -1 if it is not in the result."""
    owner = np.arange(size)
    for fitted in chain.fitted:
        length = int(owner.max(initial=-1)) + 1
        moved = fitted.new_positions(name, length)
        owner = np.where(owner >= 0, moved[np.maximum(owner, 0)], -1)
    return owner
