"""Composite of the components: the colour of each pixel from the abundances of all components, as the page mixes it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mffnb.typing import Array, Float64Array

_DARK = np.array([13.0, 15.0, 20.0]) / 255  # colour of a pixel without any component, as in the maps of the page
_LEAST = 0.02  # smallest ratio of a clipped maximum to the maximum; rare components would vanish below it


def mix(
    maps: Array, colors: Sequence[str], weights: Sequence[float], clip: float, gamma: float
) -> tuple[Float64Array, Float64Array]:
    """Mix maps by colour: squares of the abundances weight the hue, the largest abundance is the brightness.

    Sums of colours wash out to white where several components overlap. With squares the main component of a pixel
    gives its hue.

    Parameters
    ----------
    maps
        Abundances (k, height, width), each relative to its own maximum in the mixture; NaN where there are none.
    colors
        Hexadecimal colour of each component.
    weights
        Factor of each map after its maximum is scaled to 1.
    clip, gamma
        Percentage of the brightest pixels that are saturated, and exponent of the contrast.

    Returns
    -------
    hue
        Red, green and blue from 0 to 1, (height, width, 3); NaN where there are no abundances.
    brightness
        From 0 to 1, (height, width).
    """
    shares = np.stack([_shares(one, clip) for one in maps])
    strength = np.clip(shares * np.asarray(weights, dtype=np.float64)[:, None, None], 0.0, 1.0) ** gamma
    palette = np.array([[int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)] for color in colors])
    squares = strength**2
    total = squares.sum(axis=0)
    hue = np.einsum("kyx,kc->yxc", squares, palette) / np.where(total > 0, total, 1.0)[..., None]
    return hue, strength.max(axis=0)


def on_dark(hue: Float64Array, brightness: Float64Array) -> Float64Array:
    """Return the colours of a composite without an image below it."""
    return _DARK + (hue - _DARK) * brightness[..., None]


def on_image(hue: Float64Array, brightness: Float64Array, image: Array, opacity: float) -> Float64Array:
    """Return the colours of a composite over a grey image with values from 0 to 1; NaN is white."""
    alpha = (opacity * brightness)[..., None]
    grey = np.nan_to_num(image, nan=1.0)[..., None]
    return np.where(np.isfinite(hue), alpha * hue + (1 - alpha) * grey, grey)


def grey_of(image: Array, clip: float = 0.5) -> Float64Array:
    """Scale an image to 0 to 1, with ``clip`` per cent of its pixels saturated at either end."""
    if not np.isfinite(image).any():
        return np.full(image.shape, np.nan)
    low, high = np.nanpercentile(image, [clip, 100 - clip])
    scaled: Float64Array = np.clip((image - low) / (high - low or 1.0), 0.0, 1.0)
    return scaled


def _shares(values: Array, clip: float) -> Float64Array:
    """Divide a map by its maximum, after at most ``clip`` per cent of its pixels are saturated."""
    seen = np.sort(values[np.isfinite(values)])
    if not seen.size:
        return np.asarray(values, dtype=np.float64)
    top, upper = seen[-1], seen[-1 - int(seen.size * clip / 100)]
    largest = upper if upper > _LEAST * top else top
    return np.asarray(np.clip(values / (largest if largest > 0 else 1.0), 0.0, 1.0))
