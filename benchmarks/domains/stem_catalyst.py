"""STEM image `stem_catalyst`: two phases found from one image at the paper's size, next to oracles and scikit-learn.

    python -m benchmarks domains.stem_catalyst [--seeds 3]

Windows of 500 pixels every 100, as in the paper; scikit-learn gets the same windows. Maps are compared as fractions: endmembers
scaled to the norm of the true ones, the two of the phases divided by their sum. "Windows right" counts those outside of the
interface, which one phase fills to nine tenths or more. "Spacing" is the largest deviation of the ten brightest reflections of
both endmembers from the published lattices. "Third" is the share of a third component in windows at the interface, then
elsewhere. Oracles: the true maps given, spectra by least squares; the true spectra given, maps by non-negative least squares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.factorizers import Factors, matrix, scikit_learn_nmf, unmix
from benchmarks.shared.scores import angles, fractions, rmse
from benchmarks.shared.timing import timed
from mffnb.datasets import Sample, stem_catalyst
from mffnb.datasets.mixed_oxide import PAPER_WINDOW
from mffnb.datasets.oxide_phases import M1, M2, reflections
from mffnb.geometry.abundances import non_negative
from mffnb.matrices import in_memory
from mffnb.selection import match

FORMATS = ("{:.3f} ({:.3f})", "{:.3f} ({:.3f})", "{:.1f} ({:.1f})", "{:.2f} ({:.2f})")
HEADS = ("spectral angle (rad)", "abundance RMSE", "windows right (%)", "spacing off by (%)", "third", "seconds")
Method = Callable[[Sample, np.ndarray, int], tuple[np.ndarray, np.ndarray | None]]


def unmix_windows(k: int, **settings: Any) -> Method:
    def run(sample: Sample, X: np.ndarray, seed: int) -> Factors:
        return unmix(k, preprocess=[PAPER_WINDOW], **settings)(sample.cube, seed)

    return run


def scikit_learn(k: int) -> Method:
    def run(sample: Sample, X: np.ndarray, seed: int) -> Factors:
        return scikit_learn_nmf(X, k, seed)

    return run


def from_true_maps(sample: Sample, X: np.ndarray, seed: int) -> tuple[np.ndarray, None]:
    A = sample.abundances.values.reshape(2, -1)
    return np.maximum(np.linalg.lstsq(A.T, X, rcond=None)[0], 0), None


def from_true_spectra(sample: Sample, X: np.ndarray, seed: int) -> Factors:
    E = matrix(sample.endmembers, 2)
    return E, non_negative(in_memory(X), E)


METHODS: dict[str, Method] = {
    "`unmix(image, 2)`": unmix_windows(2),
    "`unmix(image, 3)`": unmix_windows(3),
    '`unmix(image, 2, volume="auto")`': unmix_windows(2, volume="auto"),
    "scikit-learn `NMF(2)`": scikit_learn(2),
    "scikit-learn `NMF(3)`": scikit_learn(3),
    "oracle: true maps given": from_true_maps,
    "oracle: true spectra given": from_true_spectra,
}


def figures(sample: Sample, E: np.ndarray, A: np.ndarray | None) -> tuple[float, ...]:
    """Angle, RMSE, windows right, deviation of the spacing, third component at the interface and elsewhere."""
    truth, maps = matrix(sample.endmembers, 2), sample.abundances.values.reshape(2, -1)
    order = match(truth, E)
    angle = np.nan if np.array_equal(E, truth) else angles(truth, E[order]).mean()
    error = right = inside = elsewhere = np.nan
    if A is not None:
        strength = A * np.linalg.norm(E, axis=1, keepdims=True)
        two = fractions(strength[order] / np.linalg.norm(truth, axis=1, keepdims=True))
        outside = maps.max(axis=0) > 0.9
        error = rmse(two, maps)
        right = np.mean((two.argmax(axis=0) == maps.argmax(axis=0))[outside])
        if len(E) > 2:
            third = np.delete(strength, order, axis=0)[0] / strength.sum(axis=0)
            inside, elsewhere = third[~outside].mean(), third[outside].mean()
    return angle, error, 100 * right, 100 * spacing_error(sample, E[order]), inside, elsewhere


def spacing_error(sample: Sample, E: np.ndarray) -> float:
    """Largest relative deviation of a reflection from the published lattice of its phase."""
    worst = 0.0
    for phase, spectrum in zip((M1, M2), E, strict=True):
        pattern = xr.DataArray(spectrum.reshape(sample.endmembers.shape[1:]), coords=sample.endmembers[0].coords)
        spots = reflections(pattern)
        found, published = (np.linalg.norm(one, axis=1) for one in (spots, phase.nearest_reflection(spots)))
        worst = max(worst, np.abs(found / published - 1).max())
    return worst


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--seeds", type=int, default=3)
    chosen = options.parse_args(arguments)
    seeds, size = (1, {"shape": (800, 800)}) if chosen.quick else (chosen.seeds, {})
    rows = {name: [] for name in METHODS}
    for seed in range(seeds):
        sample = stem_catalyst(seed, **size)
        X = matrix(PAPER_WINDOW.fit(sample.cube).transform(sample.cube), 2)
        for name, method in METHODS.items():
            factors, seconds = timed(lambda method=method, s=sample, X=X, seed=seed: method(s, X, seed))
            rows[name].append((*figures(sample, *factors), seconds))
    print_header(f"mean (worst) of {seeds} seeds", *HEADS)
    for name, table in rows.items():
        mean, low, high = np.mean(table, axis=0), np.min(table, axis=0), np.max(table, axis=0)
        worst = (*high[:2], low[2], high[3])
        cells = [text.format(m, w) for text, m, w in zip(FORMATS, mean, worst, strict=False)]
        cells += [f"{mean[4]:.2f}, {mean[5]:.2f}", f"{mean[6]:.1f}"]
        print_row(name, *("" if "nan" in cell else cell for cell in cells))
