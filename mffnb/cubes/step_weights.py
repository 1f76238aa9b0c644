"""Edge weights between neighbouring pixels along named dimensions, from the spacing of their coordinates."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
import xarray as xr

from mffnb.typing import Float64Array

_EVEN = 1e-3  # relative deviation of a step from the median below which the coordinate counts as evenly spaced


def step_weights(
    pixel_shape: Mapping[Hashable, int], coords: Mapping[Hashable, xr.Variable], along: Mapping[str, float]
) -> list[Float64Array]:
    r"""Compute the edge weight of each step along each pixel dimension, (length - 1,) each; 0 for dimensions not named.

    .. math:: w = \frac{r_d}{2 \sum_{d'} r_{d'}} \, \frac{\Delta_d}{t_{i + 1} - t_i}

    r is the relative weight of a dimension, the sum includes dimensions longer than 1, and :math:`\Delta_d` is the
    median of the steps of the coordinate t. On an even coordinate the last factor is 1, and each pixel has a degree
    of 1. For other coordinates the penalty approximates :math:`\int (da/dt)^2 dt`: pixels far apart are coupled less.
    Steps of a dimension without a coordinate, or with one of names, count as equal.

    Raises
    ------
    ValueError
        If a name is no pixel dimension, or its coordinate does not increase or decrease strictly.

    Examples
    --------
    >>> frames = {"t": xr.Variable(("t",), [0.0, 1.0, 2.0, 6.0])}
    >>> [w.tolist() for w in step_weights({"t": 4, "x": 2}, frames, {"t": 1})]
    [[0.5, 0.5, 0.125], [0.0]]
    """
    for name in along:
        if name not in pixel_shape:
            raise ValueError(
                f"along={name!r} is no pixel dimension of this image: use one of {', '.join(map(str, pixel_shape))}"
            )
    total = sum(weight for name, weight in along.items() if pixel_shape[name] > 1) or 1.0
    return [
        along.get(str(name), 0.0) / (2 * total) * _inverse_steps(coords.get(name), name, length)
        for name, length in pixel_shape.items()
    ]


def _inverse_steps(coordinate: xr.Variable | None, name: Hashable, length: int) -> Float64Array:
    """Return the median step of a coordinate divided by each step; ones if it is even, or there is none."""
    if coordinate is None or coordinate.dtype.kind not in "iufmM" or length < 2:
        return np.ones(length - 1)
    steps = np.diff(coordinate.values)
    if steps.dtype.kind == "m":
        steps = steps / np.timedelta64(1, "ns")
    steps = steps.astype(np.float64)
    if not ((steps > 0).all() or (steps < 0).all()):
        raise ValueError(f"the coordinate {name!r} must increase or decrease from pixel to pixel: sort the image by it")
    ratio = np.median(steps) / steps
    return np.ones(length - 1) if np.abs(1 / ratio - 1).max() < _EVEN else ratio
