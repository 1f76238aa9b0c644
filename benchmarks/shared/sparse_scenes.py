"""Simulated X-ray maps of few counts with a known number of components, drawn at random for the choice of k.

2 to 5 materials in 32 to 64 by 32 to 64 pixels and 200 to 800 channels, 0.02 to 0.2 counts an entry: lines on a continuum that
falls. Maps are smooth, grains, or a few patches; 40 % of the scenes have a thickness that varies smoothly.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter


def sparse_scene(*seed: int) -> tuple[np.ndarray, int, str]:
    """Draw counts (rows, columns, channels), the number of materials, and words for the scene."""
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    k, channels = int(rng.integers(2, 6)), int(rng.choice([200, 400, 800]))
    shape = int(rng.integers(32, 65)), int(rng.integers(32, 65))
    kind = str(rng.choice(["smooth", "grains", "patches"]))
    A, E = _maps(kind, k, shape, rng), _spectra(k, channels, rng)
    gain = np.ones(shape)
    if rng.random() < 0.4:
        gain = np.exp(0.2 * _field(shape, 8, rng))
    X = (A * gain[..., None]) @ E
    rate = float(np.exp(rng.uniform(np.log(0.02), np.log(0.2))))
    name = f"{kind}, k = {k}, {shape[0]} x {shape[1]} x {channels}, {rate:.3f} counts an entry"
    return rng.poisson(X / X.mean() * rate).astype(np.uint8), k, name


def _maps(kind: str, k: int, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Fractions (rows, columns, k)."""
    if kind == "smooth":
        A = np.exp(1.5 * np.stack([_field(shape, rng.uniform(2, 5), rng) for _ in range(k)], -1))
        return np.asarray(A / A.sum(-1, keepdims=True))
    seeds = rng.random((int(rng.integers(12, 40) if kind == "grains" else rng.integers(6, 12)), 2)) * shape
    y, x = np.mgrid[: shape[0], : shape[1]]
    nearest = ((y[..., None] - seeds[:, 0]) ** 2 + (x[..., None] - seeds[:, 1]) ** 2).argmin(-1)
    material = np.concatenate([np.arange(k), rng.integers(0, k, len(seeds) - k)])
    grains = np.eye(k)[rng.permutation(material)[nearest]]
    return np.stack([gaussian_filter(grains[..., j], 0.8) for j in range(k)], -1)


def _field(shape: tuple[int, int], width: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth random map with standard deviation 1."""
    field = gaussian_filter(rng.standard_normal(shape), width)
    return np.asarray((field - field.mean()) / field.std())


def _spectra(k: int, channels: int, rng: np.random.Generator) -> np.ndarray:
    """Spectra (k, channels): 2 to 5 of 14 lines, 75 eV wide, on a continuum."""
    energy, lines = np.linspace(0.3, 10, channels), rng.uniform(0.6, 9.5, 14)
    continuum = np.exp(-energy / 2) / np.exp(-energy / 2).sum()
    found = []
    for _ in range(k):
        used = rng.choice(14, int(rng.integers(2, 6)), replace=False)
        one = sum(rng.lognormal(0, 0.6) * np.exp(-(((energy - lines[j]) / 0.075) ** 2) / 2) for j in used)
        found.append(one / one.sum() * rng.uniform(0.5, 1.5) + rng.uniform(0.1, 0.6) * continuum)
    return np.stack(found)
