"""Scenes of three endmembers with truth, for the coverage of bands.

Without noise the truth is a minimum near the start that the benchmark uses; only some scenes have no other one.

- `unique`: separate bands, maps with pure pixels and zeros: non-negative factorization has one solution.
- `open`: the same on fewer channels, so that the second endmember is nowhere zero where the third is not, and up to 9 % of the
  third may be subtracted from it.
- `overlap`: broad bands; each endmember shares most of its channels with the next one.
- `mixed`: the endmembers of `unique`, and no pure pixels.
- `lines`: a few narrow lines each, some of them shared, all else zero; many zeros in the maps.
- `tof`: `tof_sims_2d`, four components on 32 x 48 pixels, 200 counts each.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np

import mffnb as mf

SEEN, PEAK = 20.0, 100.0  # counts: least of a channel that is judged, and largest of an endmember


@dataclass(frozen=True, eq=False)
class Scene:
    """Abundances (rows, columns, k), endmembers (k, channels) in counts, and a mask of the endmember entries that are judged."""

    abundances: np.ndarray
    endmembers: np.ndarray
    seen: np.ndarray


def scene(abundances: np.ndarray, endmembers: np.ndarray, pixels: int) -> Scene:
    """Fractions on a map of so many pixels, and endmembers scaled to the peak."""
    rows = max(4, round((0.75 * pixels) ** 0.5))
    maps = (abundances / abundances.sum(axis=1, keepdims=True)).reshape(rows, -1, len(endmembers))
    return Scene(maps, PEAK * endmembers, PEAK * endmembers >= SEEN)


def sparse_maps(pixels: int, seed: int = 5) -> np.ndarray:
    """Dirichlet fractions with pure pixels and zeros."""
    rows = max(4, round((0.75 * pixels) ** 0.5))
    abundances = np.random.default_rng(seed).dirichlet(np.full(3, 0.3), rows * (pixels // rows))
    return np.where(abundances < 0.05, 0.0, abundances)


def curves(channels: int, bands: Iterable[Iterable[tuple[float, float, float]]]) -> np.ndarray:
    """Sums of Gaussian bands (centre, width, height), zero below a thousandth."""
    position = np.arange(channels)
    sums = [sum(h * np.exp(-0.5 * ((position - c) / w) ** 2) for c, w, h in one) for one in bands]
    return np.where(np.array(sums) < 1e-3, 0.0, sums)


def apart(pixels: int, channels: int) -> Scene:
    """Separate bands: `unique` on 70 channels, `open` on 50, which cut off the last ones."""
    bands = [[(5 + 17 * j, 1.5, 1.0), (11 + 17 * j, 2.0, 0.6), (22 + 17 * j, 4.0, 0.3)] for j in range(3)]
    return scene(sparse_maps(pixels), curves(channels, bands), pixels)


def overlap(pixels: int) -> Scene:
    """Broad bands that overlap."""
    bands = [[(20 + 12 * j, 7.0, 1.0), (26 + 9 * j, 3.0, 0.4)] for j in range(3)]
    return scene(sparse_maps(pixels, 11), curves(64, bands), pixels)


def mixed(pixels: int) -> Scene:
    """Mixtures of the endmembers of `unique`, 80 % pure at most."""
    abundances = 0.1 + 0.7 * np.random.default_rng(12).dirichlet(np.full(3, 0.5), len(sparse_maps(pixels)))
    return scene(abundances, apart(pixels, 70).endmembers / PEAK, pixels)


def lines(pixels: int) -> Scene:
    """Sparse spectra that share some lines."""
    rng = np.random.default_rng(13)
    spectra = np.where(rng.random((3, 60)) < 0.2, rng.uniform(0.1, 1.0, (3, 60)), 0.0)
    return scene(sparse_maps(pixels, 14), spectra / spectra.max(axis=1, keepdims=True), pixels)


def tof() -> Scene:
    """Few counts and overlapping endmembers. A channel is judged by its counts in the whole image."""
    sample = mf.datasets.tof_sims_2d(seed=0, shape=(32, 48))
    endmembers, abundances = sample.endmembers.values, sample.abundances.transpose("y", "x", "component").values
    return Scene(abundances, endmembers, abundances.sum(axis=(0, 1))[:, None] * endmembers >= SEEN)


def named(name: str) -> Scene:
    """Make a scene from its name, which ends in the number of pixels."""
    if name == "tof":
        return tof()
    kind, pixels = name.split("-")
    makers = {"unique": partial(apart, channels=70), "open": partial(apart, channels=50)}
    return (makers | {"overlap": overlap, "mixed": mixed, "lines": lines})[kind](int(pixels))
