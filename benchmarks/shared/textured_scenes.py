"""Random scenes with truth whose maps have a texture, for bands and for the strength of penalties.

A scene has 3 or 4 components on 24 x 28 pixels and 48 channels. Textures:

- `smooth`: the softmax of Gaussian random fields;
- `grains`: Voronoi cells of one component each, with sharp edges;
- `fine`: independent Dirichlet fractions in each pixel.

Noise: white, 12 to 35 dB, or 10 to 2000 counts a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter

TEXTURES = ("smooth", "grains", "fine")
SHAPE, CHANNELS = (24, 28), 48


@dataclass(frozen=True, eq=False)
class TexturedScene:
    """Noisy data (y, x, channel), endmembers (k, channels), fractions (k, pixels), and how the scene was drawn."""

    cube: xr.DataArray
    endmembers: np.ndarray
    fractions: np.ndarray
    texture: str
    counts: bool
    level: float

    @property
    def name(self) -> str:
        noise = f"{self.level:.0f} counts" if self.counts else f"{self.level:.0f} dB"
        return f"{self.texture}, k = {len(self.endmembers)}, {noise}"


def fractions(rng: np.random.Generator, texture: str, k: int, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """Draw fractions of a texture, (k, pixels)."""
    if texture == "fine":
        return rng.dirichlet(np.full(k, 0.5), shape[0] * shape[1]).T
    if texture == "grains":
        grid = np.indices(shape).reshape(2, -1)
        cells = int(rng.integers(12, 40))
        seeds = rng.random((2, cells)) * np.array(shape)[:, None]
        nearest = ((grid[:, :, None] - seeds[:, None, :]) ** 2).sum(axis=0).argmin(axis=1)
        return rng.dirichlet(np.full(k, 0.3), cells)[nearest].T
    sigma = rng.uniform(1.5, 4.0)
    fields = gaussian_filter(rng.standard_normal((k, *shape)), (0, sigma, sigma), mode="wrap")
    fields *= rng.uniform(2.0, 4.0) / fields.std()
    weights = np.exp(fields.reshape(k, -1))
    return weights / weights.sum(axis=0)


def drawn(rng: np.random.Generator, texture: str | None = None, counts: bool | None = None) -> TexturedScene:
    """Draw a scene; texture and kind of noise are drawn as well if they are not given."""
    texture = str(rng.choice(TEXTURES)) if texture is None else texture
    counts = bool(rng.random() < 0.5) if counts is None else counts
    k = int(rng.integers(3, 5))
    position = np.linspace(0, 1, CHANNELS)
    width = 0.03 + 0.09 * rng.random((k, 5, 1))
    bands = np.exp(-(((position - rng.random((k, 5, 1))) / width) ** 2))
    E = rng.choice([0.0, 0.05]) + (rng.random((k, 5, 1)) * bands).sum(axis=1)
    E = np.where(E < 1e-3, 0.0, E)
    E /= E.sum(axis=1, keepdims=True)
    A = fractions(rng, texture, k)
    X = A.T @ E
    if counts:
        level = float(np.exp(rng.uniform(np.log(10), np.log(2000))))
        E, X = level * E, rng.poisson(level * X).astype(float)
    else:
        level = float(rng.uniform(12, 35))
        X = X + np.sqrt(np.mean(X**2) / 10 ** (level / 10)) * rng.standard_normal(X.shape)
    return TexturedScene(xr.DataArray(X.reshape(*SHAPE, -1), dims=("y", "x", "channel")), E, A, texture, counts, level)
