"""Thumbnail of an answer: all maps in one small picture, each pixel in the colour of its components."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mffnb.typing import Array
from mffnb.widgets.live_view.frame import block_mean

SIDE = 48
"""Longest side of a thumbnail in pixels."""
_BRIGHT = 99.0  # percentile of a map that is shown at full brightness, so that a hot pixel does not darken it


def thumbnail(maps: Array, colors: Sequence[str]) -> NDArray[np.uint8]:
    """Mix maps by colour: squared abundances weight the hue, and the largest abundance is the brightness.

    Parameters
    ----------
    maps
        One map for each component, (k, height, width); NaN is missing, and grey.
    colors
        Hexadecimal colour of each component.

    Returns
    -------
    ndarray
        Red, green and blue, (h, w, 3), with at most :data:`SIDE` rows and columns.

    Examples
    --------
    >>> import numpy as np
    >>> thumbnail(np.array([[[1.0, 0.0]], [[0.0, 1.0]]]), ["#ff0000", "#0000ff"]).tolist()
    [[[255, 0, 0], [0, 0, 255]]]
    """
    small = block_mean(maps, max(1, math.ceil(max(maps.shape[1:]) / SIDE)))
    observed = np.isfinite(small).all(axis=0)
    values = np.maximum(np.where(observed, small, 0.0), 0.0)
    top = np.percentile(values.reshape(len(values), -1), _BRIGHT, axis=1)
    top = np.where(top > 0, top, values.reshape(len(values), -1).max(axis=1))
    shares = np.minimum(values / np.where(top > 0, top, 1.0)[:, None, None], 1.0)
    weights = shares**2
    hues = np.tensordot(weights, np.array([_rgb(color) for color in colors]), axes=(0, 0))
    total = weights.sum(axis=0)
    mixed = hues / np.where(total > 0, total, 1.0)[..., None] * shares.max(axis=0)[..., None]
    return np.where(observed[..., None], np.rint(mixed), 128).astype(np.uint8)


def _rgb(color: str) -> tuple[int, int, int]:
    """Return red, green and blue of a hexadecimal colour."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
