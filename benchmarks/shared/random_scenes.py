"""Random scenes with truth for a judgement of methods: spectra, maps, gain and noise are drawn independently.

2 to 8 components in 1500 to 2500 pixels and 60 to 200 channels. Spectra: bands on a background, peaks with exact zeros between
them, or lines. Maps: unordered mixtures with pure pixels or without, smooth, or grains. Half of the scenes have a gain of each pixel
(standard deviation of its logarithm 0.3). Noise: white, 15 to 40 dB, or 20 to 2000 counts a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import xarray as xr

from benchmarks.shared import start_scenes
from benchmarks.shared.scenes import noisy

SPECTRA = {"bands": start_scenes.bands, "peaks": start_scenes.peaks, "lines": start_scenes.lines}
MAPS = {
    "unordered": start_scenes.mixed,
    "no pure pixels": partial(start_scenes.mixed, purest=0.8),
    "smooth": start_scenes.smooth,
    "grains": start_scenes.grains,
}
GAIN = 0.3


@dataclass(frozen=True, eq=False)
class RandomScene:
    """Data (y, x, channel), endmembers (k, channels), fractions (k, pixels), and how the scene was drawn."""

    cube: xr.DataArray
    endmembers: np.ndarray
    fractions: np.ndarray
    spectra: str
    maps: str
    gain: bool
    counts: bool
    level: float

    @property
    def name(self) -> str:
        noise = f"{self.level:.0f} counts" if self.counts else f"{self.level:.0f} dB"
        gain = ", gain" if self.gain else ""
        return f"{self.spectra}, {self.maps}, k = {len(self.endmembers)}, {noise}{gain}"


def random_scene(*seed: int, pixels: tuple[int, int] = (1500, 2500)) -> RandomScene:
    """Draw a scene from a seed of one or more integers."""
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    k, channels, side = int(rng.integers(2, 9)), int(rng.integers(60, 201)), round(rng.uniform(*pixels) ** 0.5)
    spectra, maps = str(rng.choice(list(SPECTRA))), str(rng.choice(list(MAPS)))
    gain, counts = bool(rng.random() < 0.5), bool(rng.random() < 0.5)
    E, A = SPECTRA[spectra](k, channels, rng), MAPS[maps](k, side**2, rng)
    X = A @ E
    if gain:
        X = np.exp(GAIN * rng.standard_normal((len(A), 1))) * X
    if counts:
        level = float(np.exp(rng.uniform(np.log(20), np.log(2000))))
        X = rng.poisson(X * level / X.sum(axis=1).mean()).astype(np.float64)
    else:
        level = float(rng.uniform(15, 40))
        X = noisy(X, level, rng)
    cube = xr.DataArray(X.reshape(side, side, channels), dims=("y", "x", "channel"))
    return RandomScene(cube, E, A.T, spectra, maps, gain, counts, level)
