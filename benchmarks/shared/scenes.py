"""Simulated scenes with truth for the volume rule: X (pixels, channels), E (k, channels), A (k, pixels)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Scene = tuple[np.ndarray, np.ndarray, np.ndarray]


def noisy(X: np.ndarray, decibel: float, rng: np.random.Generator) -> np.ndarray:
    """Add white noise of a given signal-to-noise ratio."""
    return X + np.sqrt(np.mean(X**2) / 10 ** (decibel / 10)) * rng.standard_normal(X.shape)


def simulated(k: int, decibel: float, purest: float, gain: float) -> Callable[..., Scene]:
    """Sums of Gaussian bands in random mixtures.

    Parameters
    ----------
    purest
        Largest fraction of a component in any pixel.
    gain
        Standard deviation of the logarithm of each pixel's gain.
    """

    def draw(seed: int, pixels: int = 5000, channels: int = 150) -> Scene:
        rng = np.random.default_rng(seed)
        position = np.linspace(0, 1, channels)
        width = 0.04 + 0.16 * rng.random((k, 6, 1))
        bands = np.exp(-(((position - rng.random((k, 6, 1))) / width) ** 2))
        E = 0.1 + (rng.random((k, 6, 1)) * bands).sum(axis=1)
        A = rng.dirichlet(np.full(k, 0.7), 10 * pixels)
        A = A[A.max(axis=1) <= purest][:pixels].T
        gains = np.exp(gain * rng.standard_normal(A.shape[1]))
        return noisy((gains * A).T @ E, decibel, rng), E, A

    return draw


def peaks(k: int, decibel: float, purest: float, gain: float) -> Callable[..., Scene]:
    """Sums of narrow peaks on nothing, as in mass spectra, in random mixtures; parameters as for :func:`simulated`."""

    def draw(seed: int, pixels: int = 5000, channels: int = 150) -> Scene:
        rng = np.random.default_rng(seed)
        position, E = np.arange(channels), np.zeros((k, channels))
        for one in E:
            for _ in range(rng.integers(3, 9)):
                width = rng.uniform(0.7, 2.5)
                one[:] += rng.lognormal() * np.exp(-(((position - rng.integers(channels)) / width) ** 2) / 2)
        E[E < 1e-4] = 0
        A = rng.dirichlet(np.full(k, 0.7), 20 * pixels)
        A = A[A.max(axis=1) <= purest][:pixels].T
        gains = np.exp(gain * rng.standard_normal(A.shape[1]))
        return noisy((gains * A).T @ E, decibel, rng), E, A

    return draw


def without_pure_pixels(path: str, decibel: float) -> Callable[[int], Scene]:
    """A simulation in a file with arrays `abundances` (y, x, k) and `endmembers` (k, channels); noise is added."""

    def draw(seed: int) -> Scene:
        content = np.load(path)
        E = content["endmembers"].astype(np.float64)
        A = content["abundances"].reshape(-1, len(E)).T.astype(np.float64)
        return noisy(A.T @ E, decibel, np.random.default_rng(seed)), E, A

    return draw
