"""Small simulated scenes whose truth is known."""

from __future__ import annotations

import numpy as np

from mffnb.matrices import in_memory
from mffnb.selection import match, spectral_angles


def smooth_spectra(components, channels, seed=0):
    """Positive spectra (components, channels) of a few broad bands each."""
    rng = np.random.default_rng(seed)
    position = np.linspace(0, 1, channels)
    bands = np.exp(-(((position - rng.random((components, 5, 1))) / 0.15) ** 2))
    return 0.1 + (rng.random((components, 5, 1)) * bands).sum(axis=1)


def scene(components=3, pixels=900, channels=40, noise=0.005, gain=0.0, purest=1.0, seed=0):
    """X (pixels, channels), its spectra, its fractions (components, pixels)."""
    rng = np.random.default_rng(seed)
    spectra = smooth_spectra(components, channels, seed)
    fractions = rng.dirichlet(np.full(components, 0.8), 20 * pixels)
    fractions = fractions[fractions.max(axis=1) <= purest][:pixels]
    gains = np.exp(gain * rng.standard_normal((len(fractions), 1)))
    X = gains * (fractions @ spectra) + noise * rng.standard_normal((len(fractions), channels))
    return X, spectra, fractions.T


def matrix(X):
    return in_memory(np.ascontiguousarray(X, dtype=np.float64))


def angles(truth, found):
    """Angle (rad) of each true spectrum to its partner."""
    return spectral_angles(truth, found)[np.arange(len(truth)), match(truth, found)]


def error_of_maps(truth, fractions, E, A):
    """Root mean square error of abundances (components, pixels), matched by spectra."""
    return float(np.sqrt(np.mean((A[match(truth, E)] - fractions) ** 2)))
