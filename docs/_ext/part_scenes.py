"""Small data sets on which the pictures of parts are drawn; every seed is 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

SIDE = 40
"""Pixels along each side of the maps."""


def spectra(channels: int = 60) -> Any:
    """Three overlapping bands, (3, channels)."""
    at = np.linspace(0, 1, channels)
    return np.stack([np.exp(-(((at - centre) / 0.13) ** 2)) for centre in (0.3, 0.5, 0.7)]) + 0.02


def maps() -> Any:
    """Fractions of a disc, a stripe and the rest, (3, SIDE, SIDE), with blurred edges between the first two."""
    y, x = np.mgrid[:SIDE, :SIDE] / (SIDE - 1)
    disc = (np.hypot(y - 0.4, x - 0.35) < 0.22).astype(float)
    stripe = np.clip((x + 0.4 * y - 0.85) * 6, 0, 1) * (1 - disc)
    return np.stack([disc, stripe, 1 - disc - stripe])


def noisy(noise: float = 0.25, channels: int = 60) -> xr.DataArray:
    """A mixture of the three spectra with noise, (y, x, channel)."""
    clean = np.einsum("kyx,kc->yxc", maps(), spectra(channels))
    noise_values = np.random.default_rng(0).normal(0, noise, clean.shape)
    return xr.DataArray(np.clip(clean + noise_values, 0, None), dims=("y", "x", "channel"))


def lines(values: Any, name: str = "channel", coordinate: Any = None, units: str = "") -> xr.DataArray:
    """Spectra (pixels, channels) as a cube of one row."""
    values = np.asarray(values, dtype=float)[None]
    at = np.arange(values.shape[-1], dtype=float) if coordinate is None else coordinate
    cube = xr.DataArray(values, dims=("y", "x", name), coords={name: at})
    cube[name].attrs["units"] = units
    return cube
