"""Scenes that have a name: Samson, a file without pure pixels, and the simulated experiments, each as a cube with its truth.

Experiments are drawn with seed 0 by default, some of them smaller than by default, to save time. The fluorescence of the Raman map is subtracted, and the picture of the catalyst becomes
windows, before any method gets them; two channel axes become one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from benchmarks.domains.raman_map import BASELINE
from benchmarks.shared.scenes import without_pure_pixels
from mffnb import datasets
from mffnb.datasets.mixed_oxide import PAPER_WINDOW
from mffnb.preprocessing import Step, fit_chain

EXPERIMENTS = (
    "tof_sims_2d", "tof_sims_3d", "cits_pnictide", "eels_map", "raman_map", "xdm_film", "stem_catalyst",
)  # fmt: skip
SETTINGS = {
    "tof_sims_2d": {"shape": (64, 64)},
    "tof_sims_3d": {"shape": (25, 16, 16)},
    "xdm_film": {"shape": (100, 100), "field_of_view": 10.0},
}
STEPS: dict[str, Step] = {"raman_map": BASELINE, "stem_catalyst": PAPER_WINDOW}


@dataclass(frozen=True, eq=False)
class NamedScene:
    """Data (pixel axes, channel), true endmembers (k, channels) and abundances (k, pixels)."""

    name: str
    cube: xr.DataArray
    endmembers: np.ndarray
    abundances: np.ndarray


def experiment(name: str, seed: int = 0) -> NamedScene:
    """Simulate an experiment, or read Samson."""
    sample = getattr(datasets, name)(**({} if name == "samson" else {"seed": seed}), **SETTINGS.get(name, {}))
    cube, E = sample.cube, sample.endmembers
    if name in STEPS:
        cube = fit_chain(cube, [STEPS[name]])[0]
    channels = E.dims[1:]
    pixels = [axis for axis in sample.abundances.dims if axis != "component"]
    A = sample.abundances.transpose("component", *pixels).values.reshape(len(E), -1)
    axes = cube.dims[: cube.ndim - len(channels)]
    values = cube.transpose(*axes, *channels).values if len(channels) == 1 else cube.values
    values = values.reshape(*values.shape[: len(axes)], -1).astype(np.float64)
    title = "Samson" if name == "samson" else f"`{name}`"
    return NamedScene(title, xr.DataArray(values, dims=(*axes, "channel")), E.values.reshape(len(E), -1), A)


def no_pure_pixels(path: str, decibel: float, seed: int = 0) -> NamedScene:
    """Read a simulation from a file and add noise."""
    X, E, A = without_pure_pixels(path, decibel)(seed)
    rows, columns = np.load(path)["abundances"].shape[:2]
    cube = xr.DataArray(X.reshape(rows, columns, -1), dims=("y", "x", "channel"))
    return NamedScene(f"no pure pixels, {decibel:g} dB", cube, E, A)


def named_scenes(path: str | None) -> Iterator[NamedScene]:
    """Draw all of them, one after the other."""
    yield experiment("samson")
    for decibel in (30, 20) if path else ():
        yield no_pure_pixels(path, decibel)
    for name in EXPERIMENTS:
        yield experiment(name)
