"""Local Fourier patterns: endmembers with and without `PatternSymmetry`, and the modulus against its logarithm.

    python -m benchmarks accuracy.pattern_symmetry [--seeds 3]

Two grains of one lattice are turned against each other, in 384 x 384 pixels with noise; the figures are mean angles (rad) to
the mean pattern of large grains. `qpi_twins` has the expected patterns as truth. The last rows are root mean square errors of the
fractions of `stem_catalyst`, in all windows and in those of the interface.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from mffnb.datasets.mixed_oxide import PAPER_WINDOW
from mffnb.datasets.quasiparticle_interference import WINDOW
from mffnb.preprocessing import SlidingFFT
from mffnb.selection import match, spectral_angles

TILTS = (4.0, 23.0)
PERIOD = 6.0
LATTICES = {"square": 4, "hexagonal": 6}


def lattice(side: int, tilt: float, order: int) -> np.ndarray:
    """Plane waves that are symmetric under 360 / order degrees."""
    y, x = np.mgrid[:side, :side].astype(float)
    angles = np.deg2rad(tilt + 360 / order * np.arange(order // 2))
    return sum(np.cos(2 * np.pi / PERIOD * (x * np.cos(a) + y * np.sin(a))) for a in angles)


def of_grains(order: int, size: int, noise: float, seed: int) -> tuple[float, float]:
    """Angles without and with the symmetry."""
    rng, step = np.random.default_rng(seed), SlidingFFT(size=size, step=size // 2)

    def noisy(image: np.ndarray) -> xr.DataArray:
        return xr.DataArray(image + noise * rng.standard_normal(image.shape), dims=("y", "x"))

    large = [noisy(lattice(768, tilt, order)) for tilt in TILTS]
    truth = np.array([step.fit(one).transform(one).mean(("y", "x")).values.ravel() for one in large])
    y, x = np.mgrid[:384, :384]
    image = noisy(np.where(x + 0.2 * y < 230, *(lattice(384, tilt, order) for tilt in TILTS)))
    return of_patterns(image, step, truth, mf.PatternSymmetry(order))


def of_patterns(image: xr.DataArray, step: SlidingFFT, truth: np.ndarray, term: mf.PatternSymmetry) -> tuple:
    """Mean angle of two endmembers to the truth, without and with the symmetry."""
    found = [
        mf.unmix(image, 2, preprocess=[step], endmember_terms=terms, random_state=0).endmembers.values.reshape(2, -1)
        for terms in ([], [term])
    ]
    return tuple(spectral_angles(truth, one[match(truth, one)]).diagonal().mean() for one in found)


def of_fractions(seed: int, *, log: bool, **size: tuple[int, int]) -> tuple[float, float]:
    """Error of the fractions of the catalyst in all windows, and in those of the interface."""
    sample = mf.datasets.stem_catalyst(seed, **size)
    result = mf.unmix(sample.cube, 2, preprocess=[replace(PAPER_WINDOW, log=log)], random_state=0)
    spectra, truth = result.endmembers.values.reshape(2, -1), sample.endmembers.values.reshape(2, -1)
    order = match(truth, np.expm1(spectra) if log else spectra)
    amounts = (result.abundances.values * np.linalg.norm(spectra, axis=1)[:, None, None])[order]
    off, border = amounts / amounts.sum(axis=0) - sample.abundances.values, sample.abundances.values.max(axis=0) < 0.9
    return tuple(float(np.sqrt(np.mean(part**2))) for part in (off, off[:, border]))


def rows(seeds: int, quick: bool) -> Iterator[tuple[str, np.ndarray]]:
    """Name of a row, and its two figures for each seed."""
    for name, order in LATTICES.items():
        for size in (64,) if quick else (32, 64):
            for noise in (3.0,) if quick else (0.5, 1.5, 3.0, 6.0):
                yield (
                    f"{name}, windows of {size}, noise {noise:g}: no symmetry, `PatternSymmetry({order})`",
                    np.array([of_grains(order, size, noise, seed) for seed in range(seeds)]),
                )
    twins = [mf.datasets.qpi_twins(seed) for seed in range(seeds)]
    mirror = mf.PatternSymmetry(2, mirror=0)
    found = [of_patterns(one.cube, WINDOW, one.endmembers.values.reshape(2, -1), mirror) for one in twins]
    yield "`qpi_twins`: no symmetry, `PatternSymmetry(2, mirror=0)`", np.array(found)
    field = {"shape": (800, 800)} if quick else {}
    for log in (False, True):
        off = [of_fractions(seed, log=log, **field) for seed in range(seeds)]
        yield f"fractions of `stem_catalyst`, log={log}: all windows, interface", np.array(off)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--seeds", type=int, default=3)
    chosen = options.parse_args(arguments)
    seeds = 1 if chosen.quick else chosen.seeds
    print_header(f"mean of {seeds} seeds", "first", "second")
    for name, figures in rows(seeds, chosen.quick):
        print_row(name, *(f"{value:.3f}" for value in figures.mean(axis=0)))
