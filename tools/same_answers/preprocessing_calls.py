"""Calls with preprocessing chains, their way back, and the simulated data sets."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import mffnb as mf
from mffnb.preprocessing import (
    Anscombe,
    AsymmetricBaseline,
    Bin,
    ConstantBackground,
    Crop,
    Log1p,
    MeanCentre,
    PoissonScaling,
    PowerLawBackground,
    Range,
    SlidingFFT,
    UnitNorm,
    UnitSum,
    augment,
    fit_chain,
    split,
)

from . import inputs

CHAINS: dict[str, Callable[[], list[Any]]] = {
    "crop_bin_poisson": lambda: [Crop({"energy": (404, 470)}), Bin(space=3, channel=2), PoissonScaling()],
    "range": lambda: [Range()],
    "range_of_channels": lambda: [Range(-1, 1, each="channel")],
    "unit_sum": lambda: [UnitSum()],
    "unit_norm": lambda: [UnitNorm()],
    "log": lambda: [Log1p()],
    "anscombe": lambda: [Anscombe()],
    "baseline": lambda: [AsymmetricBaseline(1e3)],
    "power_law": lambda: [PowerLawBackground((400, 410)), Crop({"energy": (410, None)})],
    "constant": lambda: [ConstantBackground((470, None)), UnitNorm()],
    "centre": lambda: [MeanCentre()],
}


def chain_and_back(make: Callable[[], list[Any]]) -> dict[str, Any]:
    """Process counts, bring them back, and unmix through the chain, with a mask and a known endmember."""
    counts, steps = inputs.counts(), make()
    processed, chain = fit_chain(counts, steps)
    found: dict[str, Any] = {"processed": processed, "back": chain.inverse(processed), "target": chain.target(counts)}
    if not chain.centred:
        mask = inputs.rng(8).random(inputs.SHAPE) < 0.9
        found["result"] = mf.unmix(counts, 3, preprocess=steps, mask=mask, max_iter=40, random_state=0)
        found["auto"] = mf.unmix(counts.astype(float), 3, preprocess=steps, volume="auto", random_state=0)
    return found


def sliding_fft() -> dict[str, Any]:
    """An image becomes local diffraction patterns, which are unmixed."""
    y, x = np.mgrid[:48, :64]
    image = np.where(x < 32, np.cos(2 * np.pi * y / 4), np.cos(2 * np.pi * (x + y) / 5))
    image = image + 2 + 0.2 * inputs.rng(16).standard_normal(image.shape)
    step = SlidingFFT(size=16, step=8, zoom=1.5)
    return {"result": mf.unmix(image, 2, preprocess=[step], max_iter=40, random_state=0)}


def features() -> dict[str, Any]:
    """A topography map as one more channel, and the way back."""
    topography = inputs.rng(17).normal(0.0, 5.0, inputs.SHAPE)
    cube = augment(inputs.cube(), topography, weight=0.5)
    parts = split(mf.unmix(cube, 3, max_iter=40, random_state=0).endmembers)
    return {"cube": cube, "spectra": parts.spectra, "features": parts.features}


def data_sets() -> dict[str, Any]:
    """All simulated data sets, small, with their truth."""
    sets = mf.datasets
    samples = {
        "tof_sims_2d": sets.tof_sims_2d(seed=0, shape=(8, 12)),
        "tof_sims_3d": sets.tof_sims_3d(seed=0, shape=(20, 6, 8)),
        "cits_pnictide": sets.cits_pnictide(seed=0, shape=(8, 10, 30)),
        "raman_map": sets.raman_map(seed=0, shape=(8, 10)),
        "eels_map": sets.eels_map(seed=0, shape=(16, 18)),
        "xdm_film": sets.xdm_film(seed=0, shape=(16, 18)),
        "stem_catalyst": sets.stem_catalyst(seed=0, shape=(520, 540)),
    }
    parts = ("cube", "endmembers", "abundances")
    return {name: {part: getattr(sample, part) for part in parts} for name, sample in samples.items()}


CALLS: dict[str, Callable[[], dict[str, Any]]] = {
    **{f"chain_{name}": partial(chain_and_back, make) for name, make in CHAINS.items()},
    "chain_sliding_fft": sliding_fft,
    "chain_features": features,
    "data_sets": data_sets,
}
