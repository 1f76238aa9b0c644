"""Simulated scenes drawn at random for the choice of k: maps, spectra, noise, and what a linear model lacks.

2 to 6 materials in 32 to 48 by 32 to 48 pixels and 60 to 120 channels. The truth is the number of materials that occur,
also where the spectra of one of them vary across the map, where light passes two of them, or where noise is shared by
neighbouring pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d

MAPS = {"smooth": 0.4, "grains": 0.4, "unordered": 0.2}
NOISES = {"even": 0.28, "uneven": 0.14, "counts": 0.24, "neighbouring pixels": 0.16, "neighbouring channels": 0.1, "clipped": 0.08}  # fmt: skip
VARIATIONS = {"none": 0.54, "smooth gain": 0.1, "gain of each pixel": 0.1, "tilt of one": 0.1, "tilt of all": 0.03, "shift of one": 0.05, "bilinear": 0.08}  # fmt: skip
Maker = Callable[[np.random.Generator], np.ndarray]


@dataclass(frozen=True, eq=False)
class RankScene:
    """A cube (rows, columns, channels), the number of its materials, and the words for how it was drawn."""

    cube: np.ndarray
    k: int
    maps: str
    noise: str
    variation: str


def rank_scene(*seed: int) -> RankScene:
    """Draw a scene from a seed of one or more integers."""
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    k, channels = int(rng.integers(2, 7)), int(rng.integers(60, 121))
    shape = int(rng.integers(32, 49)), int(rng.integers(32, 49))
    maps, noise, variation = (_draw(kinds, rng) for kinds in (MAPS, NOISES, VARIATIONS))
    A = _abundances(maps, k, shape, rng)
    X = _varied(variation, A, _spectra(k, rng), np.linspace(0, 1, channels), rng)
    return RankScene(_with_noise(noise, X, rng), int((A.max(axis=(0, 1)) > 0).sum()), maps, noise, variation)


def _draw(kinds: dict[str, float], rng: np.random.Generator) -> str:
    return str(rng.choice(list(kinds), p=list(kinds.values())))


def _abundances(kind: str, k: int, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Fractions (rows, columns, k)."""
    if kind == "unordered":
        return rng.dirichlet(np.full(k, 0.7), shape)
    if kind == "smooth":
        hills = np.stack([_field(shape, rng.uniform(2, 5), rng) for _ in range(k)], -1)
        A = np.exp(1.5 * hills)
        return np.asarray(A / A.sum(-1, keepdims=True))
    seeds = rng.random((rng.integers(20, 50), 2)) * shape
    y, x = np.mgrid[: shape[0], : shape[1]]
    nearest = ((y[..., None] - seeds[:, 0]) ** 2 + (x[..., None] - seeds[:, 1]) ** 2).argmin(-1)
    grains = np.eye(k)[rng.integers(0, k, len(seeds))[nearest]]
    return np.stack([gaussian_filter(grains[..., j], 0.8) for j in range(k)], -1)


def _field(shape: tuple[int, int], width: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth random map with standard deviation 1."""
    field = gaussian_filter(rng.standard_normal(shape), width)
    return np.asarray((field - field.mean()) / field.std())


def _spectra(k: int, rng: np.random.Generator) -> list[Callable[[np.ndarray], np.ndarray]]:
    """Spectra as functions of the position on the spectral axis, 0 to 1: broad bands, or narrow peaks."""
    widest = 0.2 if rng.random() < 0.7 else 0.04

    def spectrum(centre: np.ndarray, width: np.ndarray, height: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        return lambda x: 0.05 + (height * np.exp(-(((x[..., None] - centre) / width) ** 2))).sum(-1)

    return [spectrum(rng.random(5), rng.uniform(0.02, widest, 5), rng.random(5)) for _ in range(k)]


def _varied(
    kind: str, A: np.ndarray, spectra: list[Callable[[np.ndarray], np.ndarray]], x: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Mixtures (rows, columns, channels) with the kind of variation."""
    E = np.stack([one(x) for one in spectra])
    X, shape, first = A @ E, A.shape[:2], A[..., :1]
    if kind in ("smooth gain", "gain of each pixel"):
        gain = 0.3 * _field(shape, 4, rng) if kind == "smooth gain" else 0.2 * rng.standard_normal(shape)
        return np.asarray(X * np.exp(gain)[..., None])
    if kind == "bilinear":
        strength = rng.uniform(0.3, 1.0)
        pairs = [(i, j) for i in range(len(E)) for j in range(i)]
        return np.asarray(X + strength * sum(A[..., [i]] * A[..., [j]] * (E[i] * E[j]) for i, j in pairs))
    if kind == "none":
        return np.asarray(X)
    amount = (_field(shape, rng.uniform(5, 12), rng) * rng.uniform(0.08, 0.25))[..., None]
    slope = 2 * x - 1
    if kind == "tilt of one":
        return np.asarray(X + first * E[0] * (np.clip(1 + amount * slope, 0, None) - 1))
    if kind == "tilt of all":
        return np.asarray(X * np.exp(amount * slope))
    return np.asarray(X + first * (spectra[0](x + 0.05 * amount) - E[0]))


def _with_noise(kind: str, X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if kind == "counts":
        dose = np.exp(rng.uniform(np.log(100), np.log(10000)))
        return np.asarray(rng.poisson(X / X.sum(-1).mean() * dose), dtype=np.float64)
    size = np.sqrt(np.mean(X**2) / 10 ** (rng.uniform(15, 40) / 10))
    noise = rng.standard_normal(X.shape)
    if kind == "uneven":
        noise *= rng.uniform(0.2, 2, X.shape[-1])
    elif kind == "neighbouring pixels":
        noise = gaussian_filter(noise, (*[rng.uniform(0.5, 1.1)] * 2, 0))
    elif kind == "neighbouring channels":
        noise = gaussian_filter1d(noise, rng.uniform(0.5, 1.5), axis=-1)
    found = X + size * noise / noise.std()
    return np.asarray(np.maximum(found, 0) if kind == "clipped" else found)
