"""Small seeded spectral images, the input of the recorded calls."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

SHAPE, CHANNELS = (12, 15), 40


class Scene(NamedTuple):
    """An image and the endmembers (component, energy) that it is a mixture of."""

    cube: xr.DataArray
    endmembers: xr.DataArray


def rng(seed: int = 0) -> np.random.Generator:
    """A fresh generator, so that no call depends on those before it."""
    return np.random.default_rng(seed)


@cache
def scene() -> Scene:
    """Three overlapping peaks, mixed in maps that are smooth along x, with noise; axes are calibrated."""
    random = rng()
    energy = 400.0 + 2.0 * np.arange(CHANNELS)
    centres = np.array([415.0, 440.0, 462.0])
    spectra = 20.0 * np.exp(-(((energy - centres[:, None]) / 12.0) ** 2)) + 1.0
    fractions = random.dirichlet(np.full(3, 0.4), SHAPE)
    fractions[:, 1:] = 0.5 * (fractions[:, 1:] + fractions[:, :-1])
    values = np.abs(fractions @ spectra + 0.3 * random.standard_normal((*SHAPE, CHANNELS)))
    axes = {
        "y": ("y", 0.5 * np.arange(SHAPE[0]), {"units": "um"}),
        "x": ("x", 0.5 * np.arange(SHAPE[1]), {"units": "um"}),
        "energy": ("energy", energy, {"units": "eV"}),
    }
    cube = xr.DataArray(values, dims=("y", "x", "energy"), coords=axes, attrs={"units": "counts"}, name="intensity")
    return Scene(cube, xr.DataArray(spectra, dims=("component", "energy"), coords={"energy": axes["energy"]}))


def cube() -> xr.DataArray:
    """The image of :func:`scene`, a copy."""
    return scene().cube.copy(deep=True)


def matrix() -> Any:
    """The same as a plain array, (pixels, channels)."""
    return cube().values.reshape(-1, CHANNELS)


def counts() -> xr.DataArray:
    """Poisson counts with these means, as integers."""
    means = scene().cube
    return means.copy(data=rng(1).poisson(means.values))


def chances() -> xr.DataArray:
    """Values between 0 and 1."""
    means = scene().cube
    return means.copy(data=np.clip(means.values / 25.0, 0.02, 0.98))


def yes_or_no() -> xr.DataArray:
    """Zeros and ones with these chances."""
    likely = chances()
    return likely.copy(data=(rng(2).random(likely.shape) < likely.values).astype(float))


def with_gain() -> xr.DataArray:
    """The image under an uneven illumination."""
    return cube() * (0.4 + 1.2 * rng(3).random((*SHAPE, 1)))


def with_gaps() -> xr.DataArray:
    """The image with missing entries, a missing pixel and a missing channel."""
    image = cube()
    values = np.where(rng(4).random(image.shape) < 0.05, np.nan, image.values)
    values[3, 4] = np.nan
    values[..., 7] = np.nan
    return image.copy(data=values)


def known(spectra: int = 1) -> xr.DataArray:
    """The first true endmembers."""
    return scene().endmembers[:spectra].copy(deep=True)


def weights_of_pixels() -> Any:
    """One positive weight for each pixel, (y, x)."""
    return rng(5).uniform(0.3, 2.0, SHAPE)


def weights_of_channels() -> Any:
    """One positive weight for each channel."""
    return rng(6).uniform(0.3, 2.0, CHANNELS)


def weights_of_entries() -> Any:
    """One positive weight for each entry, (y, x, energy)."""
    return rng(7).uniform(0.3, 2.0, (*SHAPE, CHANNELS))
