"""Splits: one material that a result shows as two components.

Either both share its pixels without an image of their own, or their spectra are nearly equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

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
# Angle (rad) between nearly equal spectra: true components of 80 simulated scenes were 0.32 rad apart or more.
_EQUAL = 0.05


@dataclass(frozen=True)
class Split:
    """Two components that look like one material.

    Attributes
    ----------
    first, second
        Numbers of the components.
    angle
        Angle between their spectra, in rad.
    why
        What they have in common, such as "have nearly equal spectra (1.0° apart)".
    """

    first: int
    second: int
    angle: float
    why: str


def find_splits(endmembers: xr.DataArray, abundances: xr.DataArray) -> list[Split]:
    """Find pairs of components that look like one material.

    Either their spectra are each other's nearest, they share the same pixels such that one rises as the other falls,
    and their sum is an image while their ratio is grain. Or their spectra are nearly equal.

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
    if k < 2 or not size.any():
        return []
    signal = abundances.values * size.reshape(-1, *[1] * (abundances.ndim - 1))
    angles = np.where(np.outer(size, size) > 0, spectral_angles(E, E), np.inf)
    np.fill_diagonal(angles, np.inf)
    nearest = angles.argmin(axis=1)
    found = []
    for first, second in combinations(range(k), 2):
        angle = float(angles[first, second])
        mutual = nearest[first] == second and nearest[second] == first
        why = _reason(signal, first, second, angle, mutual=bool(mutual and size.all()))
        if why:
            found.append(Split(first, second, angle, why))
    return found


def warn_if_split(found: list[Split], k: int, *, windows: bool = False) -> None:
    """Warn of components that look like one material; ``windows`` says that pixels are windows of a sliding FFT."""
    if not found:
        return
    pairs = "; ".join(f"{one.first} and {one.second} {one.why}" for one in found)
    advice = ", or larger windows that span more unit cells" if windows else ""
    warn(
        f"one material may be shown twice: components {pairs}; try k={k - _surplus(found)}{advice}",
        DegenerateWarning,
    )


def _surplus(found: list[Split]) -> int:
    """Return by how many components the pairs exceed the materials: pairs that share a component are one material."""
    groups: list[set[int]] = []
    for one in found:
        joined = [group for group in groups if {one.first, one.second} & group]
        groups = [group for group in groups if group not in joined] + [{one.first, one.second}.union(*joined)]
    return sum(len(group) - 1 for group in groups)


def _reason(signal: Float64Array, first: int, second: int, angle: float, *, mutual: bool) -> str:
    """Return what two components have in common if they look like one material; empty if they do not."""
    apart = f"{np.rad2deg(angle):.1f}° apart"
    if angle < _EQUAL:
        return f"have nearly equal spectra ({apart})"
    if mutual and angle <= _NEAR and _is_grain(signal, first, second):
        return f"share the same pixels, and their ratio is no image ({apart})"
    return ""


def _is_grain(maps: Float64Array, first: int, second: int) -> bool:
    """Return whether two components share the same pixels by a ratio that is no image."""
    total = np.nansum(maps, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        one, other = maps[first] / total, maps[second] / total
        both = one + other
        theirs = both >= _MOSTLY
        ratio = np.where(theirs, one / both, np.nan)
    if np.count_nonzero(theirs) < _FEWEST:
        return False
    smaller = min(float(np.nanmean(ratio)), 1 - float(np.nanmean(ratio)))
    x, y = one[theirs], other[theirs]
    if smaller < _PRESENT or min(x.std(), y.std()) == 0 or np.corrcoef(x, y)[0, 1] > _OPPOSED:
        return False
    grain, image = _grain(ratio), _grain(both)
    return grain is not None and grain >= _GRAIN and (image is None or image <= _IMAGE)


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
