"""Splits: one material that a result shows as two components, which share its pixels without an image of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from mffnb.errors import DegenerateWarning, warn
from mffnb.geometry.matching import spectral_angles
from mffnb.typing import Array, Float64Array

_NEAR = np.deg2rad(35)  # largest angle between the spectra of a split
_MOSTLY = 0.5  # share of a pixel that both have together, from which it is one of theirs
_FEWEST = 50  # pixels of both, at least, and pairs of neighbours
_PRESENT = 0.1  # mean share of the smaller one of both in these pixels, at least
_OPPOSED = -0.3  # correlation of their shares, at most
# Variance between neighbours relative to that of all pixels: at least the first in the ratio of both, where 1 has no
# image at all, and at most the second in their sum. These limits were set on four simulated experiments (catalyst,
# impurities, root, edges), not on scenes drawn for it: splits had 0.75 to 1.1, pairs of true components 0 to 0.4.
_GRAIN, _IMAGE = 0.7, 0.5


@dataclass(frozen=True)
class Split:
    """Two components that look like one material.

    Attributes
    ----------
    first, second
        Numbers of the components.
    angle
        Angle between their spectra, in rad.
    grain
        Variance of their ratio between neighbouring pixels relative to that of all: near 1 if it is no image.
    """

    first: int
    second: int
    angle: float
    grain: float


def find_splits(endmembers: xr.DataArray, abundances: xr.DataArray) -> list[Split]:
    """Find pairs of components that look like one material.

    Their spectra are each other's nearest and similar, they share the same pixels such that one rises as the other
    falls, and their sum is an image while their ratio is grain.

    Parameters
    ----------
    endmembers, abundances
        ("component", channel dims) and ("component", pixel dims); NaN where masked.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> ratio, phase = rng.random((20, 30)), np.linspace(0, 1, 30) > 0.4
    >>> maps = np.stack([phase * ratio, phase * (1 - ratio), np.broadcast_to(1.0 - phase, (20, 30))])
    >>> spectra = xr.DataArray(np.array([[1, 1, 0.1], [1, 0.8, 0.1], [0.1, 0.2, 1]]), dims=("component", "mz"))
    >>> [(one.first, one.second) for one in find_splits(spectra, xr.DataArray(maps, dims=("component", "y", "x")))]
    [(0, 1)]
    """
    k = len(endmembers)
    E = np.nan_to_num(endmembers.values.reshape(k, -1).astype(np.float64))
    size = np.linalg.norm(E, axis=1)
    if k < 2 or not size.all():
        return []
    angles = spectral_angles(E, E)
    np.fill_diagonal(angles, np.inf)
    nearest = angles.argmin(axis=1)
    found = []
    for first in range(k):
        second = int(nearest[first])
        if first < second and nearest[second] == first and angles[first, second] <= _NEAR:
            grain = _grain_of_split(abundances.values * size.reshape(-1, *[1] * (abundances.ndim - 1)), first, second)
            if grain is not None:
                found.append(Split(first, second, float(angles[first, second]), grain))
    return found


def warn_if_split(found: list[Split], k: int, *, windows: bool = False) -> None:
    """Warn of components that look like one material; ``windows`` says that pixels are windows of a sliding FFT."""
    if not found:
        return
    pairs = ", ".join(f"{one.first} and {one.second} ({np.rad2deg(one.angle):.0f} degrees apart)" for one in found)
    advice = ", or larger windows that span more unit cells" if windows else ""
    warn(
        f"components {pairs} look like one material shown twice: they share the same pixels, and their ratio is no "
        f"image; try k={k - len(found)}{advice}",
        DegenerateWarning,
    )


def _grain_of_split(maps: Float64Array, first: int, second: int) -> float | None:
    """Return the grain of the ratio of two components if they share one material, else None."""
    total = np.nansum(maps, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        one, other = maps[first] / total, maps[second] / total
        both = one + other
        theirs = both >= _MOSTLY
        ratio = np.where(theirs, one / both, np.nan)
    if np.count_nonzero(theirs) < _FEWEST:
        return None
    smaller = min(float(np.nanmean(ratio)), 1 - float(np.nanmean(ratio)))
    x, y = one[theirs], other[theirs]
    if smaller < _PRESENT or min(x.std(), y.std()) == 0 or np.corrcoef(x, y)[0, 1] > _OPPOSED:
        return None
    grain, image = _grain(ratio), _grain(both)
    return grain if grain is not None and grain >= _GRAIN and (image is None or image <= _IMAGE) else None


def _grain(values: Array) -> float | None:
    """Return half the mean square of differences between neighbours over the variance; None with few neighbours.

    0 for values that are all the same.
    """
    steps = [np.diff(values, axis=axis) for axis in range(values.ndim)]
    squares = np.concatenate([one[np.isfinite(one)] for one in steps]) ** 2
    if squares.size < _FEWEST:
        return None
    spread = float(np.nanvar(values))
    return float(squares.mean()) / (2 * spread) if spread > 0 else 0.0
