"""Families of simulated scenes with truth for the choice of a start: X (pixels, channels) and E (k, channels).

Each has 2 to 8 components, 1500 to 3500 pixels and 60 to 250 channels. The constants of
`mffnb/geometry/short_runs.py` were chosen on 140 other draws of these families, and 72 of six further ones with
decaying backgrounds, steps and narrow peaks.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.ndimage import gaussian_filter

Scene = tuple[np.ndarray, np.ndarray]


def bands(k: int, channels: int, rng: np.random.Generator, floor: float = 0.05) -> np.ndarray:
    """Sums of six broad bands on a constant background."""
    position, width = np.linspace(0, 1, channels), rng.uniform(0.03, 0.2, (k, 6, 1))
    curves = np.exp(-(((position - rng.random((k, 6, 1))) / width) ** 2))
    return floor + (rng.random((k, 6, 1)) * curves).sum(axis=1)


def peaks(k: int, channels: int, rng: np.random.Generator) -> np.ndarray:
    """Bands without a background: exact zeros between them."""
    return np.maximum(bands(k, channels, rng, 0.0) - 0.2, 0.0)


def lines(k: int, channels: int, rng: np.random.Generator) -> np.ndarray:
    """Separate lines in 15 % of the channels, beside lines that all components share."""
    own = np.where(rng.random((k, channels)) < 0.15, rng.gamma(0.5, 1.0, (k, channels)), 0.0)
    shared = np.where(rng.random(channels) < 0.075, rng.gamma(0.5, 1.0, channels), 0.0)
    return own + shared * rng.uniform(0.2, 1, (k, 1)) + 1e-9


def mixed(k: int, pixels: int, rng: np.random.Generator, purest: float = 1.0) -> np.ndarray:
    """Random fractions without spatial order; no pixel is purer than this."""
    A = np.empty((0, k))
    while len(A) < pixels:
        new = rng.dirichlet(np.full(k, 0.7), 4 * pixels)
        A = np.vstack([A, new[new.max(axis=1) <= (purest if k > 2 else max(purest, 0.9))]])
    return A[:pixels]


def smooth(k: int, pixels: int, rng: np.random.Generator) -> np.ndarray:
    """Smooth maps."""
    side = round(pixels**0.5)
    hills = [gaussian_filter(rng.standard_normal((side, side)), rng.uniform(2, 6)).ravel() for _ in range(k)]
    A = np.exp([2 * one / one.std() for one in hills])
    return (A / A.sum(axis=0)).T


def grains(k: int, pixels: int, rng: np.random.Generator) -> np.ndarray:
    """Pure grains with blurred edges."""
    side, centres = round(pixels**0.5), int(rng.integers(20, 60))
    places = rng.random((centres, 2)) * side
    y, x = np.mgrid[:side, :side]
    nearest = ((y[..., None] - places[:, 0]) ** 2 + (x[..., None] - places[:, 1]) ** 2).argmin(axis=-1)
    pure = np.eye(k)[rng.permutation(np.arange(centres) % k)[nearest]]
    return np.stack([gaussian_filter(pure[..., j], 1) for j in range(k)], axis=-1).reshape(-1, k)


def white(X: np.ndarray, rng: np.random.Generator, least: float = 20.0, most: float = 40.0) -> np.ndarray:
    """White noise of so many decibels."""
    size = np.sqrt(np.mean(X**2) / 10 ** (rng.uniform(least, most) / 10))
    return X + size * rng.standard_normal(X.shape)


def counted(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Poisson counts, 50 to 3000 a pixel."""
    return rng.poisson(X * np.exp(rng.uniform(np.log(50), np.log(3000))) / X.sum(axis=1).mean()).astype(np.float64)


def proportional(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Noise of 3 % of each value, and exact zeros."""
    return np.where(X > 1e-6, np.maximum(X * (1 + 0.03 * rng.standard_normal(X.shape)), 0.0), 0.0)


Spectra = Callable[[int, int, np.random.Generator], np.ndarray]
Maps = Callable[[int, int, np.random.Generator], np.ndarray]
Noise = Callable[[np.ndarray, np.random.Generator], np.ndarray]

FAMILIES: dict[str, tuple[Spectra, Maps, float, Noise]] = {  # spectra, maps, spread of the gain, noise
    "bands": (bands, mixed, 0.0, white),
    "bands, no pure pixels": (bands, partial(mixed, purest=0.8), 0.0, white),
    "bands, gain": (bands, mixed, 0.3, white),
    "bands, 8 to 18 dB": (bands, mixed, 0.0, partial(white, least=8.0, most=18.0)),
    "bands, counts": (bands, mixed, 0.0, counted),
    "bands, smooth maps": (bands, smooth, 0.0, white),
    "bands, grains": (bands, grains, 0.0, white),
    "peaks": (peaks, mixed, 0.0, white),
    "lines": (lines, mixed, 0.0, white),
    "lines, no pure pixels": (lines, partial(mixed, purest=0.8), 0.0, white),
    "lines, no pure pixels, exact zeros": (lines, partial(mixed, purest=0.8), 0.0, proportional),
    "lines, counts": (lines, mixed, 0.0, counted),
    "lines, no pure pixels, counts": (lines, partial(mixed, purest=0.8), 0.0, counted),
    "lines, smooth maps, gain, counts": (lines, smooth, 0.3, counted),
}


def draw(family: str, seed: int, pixels: tuple[int, int] = (1500, 3500)) -> Scene:
    """Draw a scene of a family."""
    rng = np.random.default_rng([seed, list(FAMILIES).index(family)])
    spectra, maps, spread, noise = FAMILIES[family]
    k = int(rng.integers(2, 9))
    E, A = spectra(k, int(rng.integers(60, 250)), rng), maps(k, int(rng.integers(*pixels)), rng)
    gains = np.exp(spread * rng.standard_normal((len(A), 1)))
    return noise((gains * A) @ E, rng), E
