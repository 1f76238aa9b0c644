"""A map that a tool adds to the page beside those of the components: its encoding."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from mffnb.plots.labels import MIDDLE, as_image
from mffnb.widgets.live_view.frame import LEVELS, MISSING, block_mean, quantise

_LARGEST = 1024  # longest side of a map in pixels; larger than most screens


def encode_tile(
    image: xr.DataArray,
    section: Mapping[Hashable, int] = MIDDLE,
    *,
    from_zero: bool = True,
    symmetric: float | None = None,
) -> dict[str, Any]:
    r"""Encode a map (pixel dims) for the page: bytes, their range of values, and their shape; see :func:`.encode`.

    Parameters
    ----------
    image
        The map.
    section
        Index along each dimension of a stack other than the last two; the middle one where it is not given.
    from_zero
        Whether the colours begin at zero; otherwise at the smallest value.
    symmetric
        Largest absolute value of several maps that are compared: zero is in the middle of their common scale.

    Examples
    --------
    >>> import xarray as xr
    >>> encode_tile(xr.DataArray([[0.0, 2.0, float("nan")]], dims=("y", "x")))
    {'codes': b'\x00\xfe\xff', 'range': [0.0, 2.0], 'shape': [1, 3]}
    """
    values = np.asarray(as_image(image, section).values, dtype=np.float64)[None]
    reduced = block_mean(values, max(1, math.ceil(max(values.shape) / _LARGEST)))
    if symmetric is not None:
        scaled = np.rint(LEVELS * (0.5 + 0.5 * reduced / (symmetric or 1.0)))
        codes = np.where(np.isfinite(reduced), scaled, MISSING).astype(np.uint8)
        return {"codes": codes.tobytes(), "range": [-symmetric, symmetric], "shape": list(reduced.shape[1:])}
    low = 0.0 if from_zero or not np.isfinite(reduced).any() else float(np.nanmin(reduced))
    codes, ((start, end),) = quantise(reduced - low)
    return {"codes": codes.tobytes(), "range": [start + low, end + low], "shape": list(reduced.shape[1:])}
