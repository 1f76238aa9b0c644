"""How well two phases of a catalyst are found from one image, at the paper's size.

    python benchmarks/domain_stem_catalyst.py [--seeds 3]

Windows of 500 pixels every 100, as in the paper. Maps are compared as shares: endmembers scaled to the norm of the true
ones, the two of the phases divided by their sum. "Windows right" counts those outside of the interface, of which one
phase fills at least nine tenths; "spacing" is the largest deviation of the ten brightest reflections of both endmembers
from the published lattices; the last column, where a third component is: its share of the pattern in windows at the
interface, beside that elsewhere. Oracles: the true maps given, spectra by least squares; the true spectra given, maps
by non-negative least squares. scikit-learn's NMF gets the same windows.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
import xarray as xr
from sklearn.decomposition import NMF

import mffnb as mf
from mffnb.datasets import stem_catalyst
from mffnb.datasets.mixed_oxide import PAPER_WINDOW
from mffnb.datasets.oxide_phases import M1, M2, reflections
from mffnb.geometry.abundances import non_negative
from mffnb.matrices import in_memory
from mffnb.selection import match, spectral_angles


def of_unmix(k, **settings):
    def run(sample, X, seed):
        result = mf.unmix(sample.cube, k, preprocess=[PAPER_WINDOW], random_state=seed, **settings)
        return result.endmembers.values.reshape(k, -1), result.abundances.values.reshape(k, -1)

    return run


def scikit(k):
    def run(sample, X, seed):
        model = NMF(k, random_state=seed, max_iter=500)
        A = model.fit_transform(X).T
        return model.components_, A

    return run


def maps_given(sample, X, seed):
    A = sample.abundances.values.reshape(2, -1)
    return np.maximum(np.linalg.lstsq(A.T, X, rcond=None)[0], 0), None


def spectra_given(sample, X, seed):
    E = sample.endmembers.values.reshape(2, -1).astype(np.float64)
    return E, non_negative(in_memory(X), E)


METHODS = {
    "`unmix(image, 2)`": of_unmix(2),
    "`unmix(image, 3)`": of_unmix(3),
    '`unmix(image, 2, volume="auto")`': of_unmix(2, volume="auto"),
    "scikit-learn `NMF(2)`": scikit(2),
    "scikit-learn `NMF(3)`": scikit(3),
    "oracle: true maps given": maps_given,
    "oracle: true spectra given": spectra_given,
}


def figures(sample, E, A):
    """Angle, RMSE, share of windows right, deviation of the spacing, third component at the interface and elsewhere."""
    truth, maps = sample.endmembers.values.reshape(2, -1), sample.abundances.values.reshape(2, -1)
    order = match(truth, E)
    given = np.array_equal(E, truth)
    angle = np.nan if given else spectral_angles(truth, E[order]).diagonal().mean()
    spacing = 0.0
    for phase, spectrum in zip((M1, M2), E[order], strict=True):
        pattern = xr.DataArray(spectrum.reshape(sample.endmembers.shape[1:]), coords=sample.endmembers[0].coords)
        spots = reflections(pattern)
        found, published = (np.linalg.norm(one, axis=1) for one in (spots, phase.nearest_reflection(spots)))
        spacing = max(spacing, np.abs(found / published - 1).max())
    error = right = inside = elsewhere = np.nan
    if A is not None:
        strength = A * np.linalg.norm(E, axis=1, keepdims=True)
        two = strength[order] / np.linalg.norm(truth, axis=1, keepdims=True)
        two = two / np.maximum(two.sum(axis=0), 1e-12)
        outside = maps.max(axis=0) > 0.9
        error = np.sqrt(np.mean((two - maps) ** 2))
        right = np.mean((two.argmax(axis=0) == maps.argmax(axis=0))[outside])
        if len(E) > 2:
            third = np.delete(strength, order, axis=0)[0] / strength.sum(axis=0)
            inside, elsewhere = third[~outside].mean(), third[outside].mean()
    return angle, error, 100 * right, 100 * spacing, inside, elsewhere


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = {name: [] for name in METHODS}
    for seed in range(options.seeds):
        sample = stem_catalyst(seed)
        stack = PAPER_WINDOW.fit(sample.cube).transform(sample.cube)
        X = stack.values.reshape(stack.shape[0] * stack.shape[1], -1).astype(np.float64)
        for name, method in METHODS.items():
            begin = time.perf_counter()
            E, A = method(sample, X, seed)
            seconds = time.perf_counter() - begin
            rows[name].append((*figures(sample, E, A), seconds))
    heads = ("spectral angle (rad)", "abundance RMSE", "windows right (%)", "spacing off by (%)", "third", "seconds")
    print(f"| mean (worst) of {options.seeds} seeds | {' | '.join(heads)} |")
    print("|---" * (len(heads) + 1) + "|")
    for name, table in rows.items():
        mean, low, high = np.mean(table, axis=0), np.min(table, axis=0), np.max(table, axis=0)
        cells = [
            f"{m:.{d}f} ({w:.{d}f})" for m, w, d in zip(mean, (*high[:2], low[2], high[3]), (3, 3, 1, 2), strict=False)
        ]
        cells += [f"{mean[4]:.2f}, {mean[5]:.2f}", f"{mean[6]:.1f}"]
        print(f"| {name} | {' | '.join(['' if 'nan' in cell else cell for cell in cells])} |")


if __name__ == "__main__":
    main()
