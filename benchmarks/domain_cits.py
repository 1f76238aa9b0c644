"""How well the parts of a tunnelling map are found, at the paper's size.

    python benchmarks/domain_cits.py [--seeds 3]

Curves begin from the same current, so fractions sum to one: that is the user's knowledge. Oracles: the true maps given,
spectra by least squares; the true spectra given, fractions by fully constrained least squares. scikit-learn's NMF knows
no sum, so its maps are divided by it after its spectra are scaled to the set current, which is the truth's own scale.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
from sklearn.decomposition import NMF

import mffnb as mf
from mffnb.datasets import cits_pnictide
from mffnb.datasets.tunnelling import RESONANCE
from mffnb.geometry.abundances import fully_constrained
from mffnb.matrices import in_memory
from mffnb.selection import match, spectral_angles


def of_unmix(**settings):
    def run(sample, X, seed):
        result = mf.unmix(sample.cube, 3, random_state=seed, **settings)
        return result.endmembers.values, result.abundances.values.reshape(3, -1)

    return run


def scikit(sample, X, seed):
    model = NMF(3, random_state=seed, max_iter=2000)
    A = model.fit_transform(np.maximum(X, 0)).T
    E = model.components_
    current = E[:, sample.cube.bias.values >= 0].sum(axis=1, keepdims=True)
    return E, A * current / np.sum(A * current, axis=0)


def maps_given(sample, X, seed):
    A = sample.abundances.values.reshape(3, -1)
    return np.linalg.lstsq(A.T, X, rcond=None)[0], None


def spectra_given(sample, X, seed):
    E = sample.endmembers.values
    return None, fully_constrained(in_memory(X), E)


METHODS = {
    '`unmix(cube, 3, volume="auto")`': of_unmix(volume="auto"),
    "`unmix(cube, 3, sum_to_one=True, volume=1e-4)`": of_unmix(sum_to_one=True, volume=1e-4),
    "`unmix(cube, 3, sum_to_one=True)`": of_unmix(sum_to_one=True),
    "scikit-learn `NMF(3)`": scikit,
    "oracle: true maps given": maps_given,
    "oracle: true spectra given": spectra_given,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    samples = [cits_pnictide(seed) for seed in range(options.seeds)]
    print("| mean (worst) of the seeds | spectral angle (rad) | abundance RMSE | resonance off by (meV) | seconds |")
    print("|---|---|---|---|---|")
    for name, method in METHODS.items():
        rows = []
        for seed, sample in enumerate(samples):
            X = sample.cube.values.reshape(-1, sample.cube.sizes["bias"]).astype(np.float64)
            truth, maps = sample.endmembers.values, sample.abundances.values.reshape(3, -1)
            begin = time.perf_counter()
            E, A = method(sample, X, seed)
            seconds = time.perf_counter() - begin
            angle = peak = error = np.nan
            order = range(3) if E is None else match(truth, E)
            if E is not None:
                angle = spectral_angles(truth, E[order]).diagonal().mean()
                near = np.abs(sample.cube.bias.values - RESONANCE) < 60
                peak = abs(sample.cube.bias.values[near][E[order[1]][near].argmax()] - RESONANCE)
            if A is not None:
                error = np.sqrt(np.mean((A[order] - maps) ** 2))
            rows.append((angle, error, peak, seconds))
        cells = [
            "" if np.isnan(column).any() else f"{np.mean(column):.3f} ({np.max(column):.3f})"
            for column in np.array(rows).T[:3]
        ]
        print(f"| {name} | {' | '.join(cells)} | {np.mean(rows, axis=0)[3]:.1f} |", flush=True)


if __name__ == "__main__":
    main()
