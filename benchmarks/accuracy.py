"""How close to the truth on `tof_sims_2d`, beside what no method can beat and beside scikit-learn.

    python benchmarks/accuracy.py [--seeds 3]

Mean spectral angle to the true endmembers (Hungarian matching), and root mean square error of the abundances. The
scale of an endmember is not in the data: each is scaled to the total counts of its true partner, then abundances are
divided by their sum in each pixel; the same for every method. No setting is chosen by looking at these figures: the weights
are the values 1e-3, 1e-2, 1e-1 and 1 that a user would try.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
from scipy.optimize import nnls
from sklearn.decomposition import NMF

import mffnb as mf
from mffnb.selection import match, spectral_angles


def score(sample, E, A):
    """Mean spectral angle (rad) and abundance RMSE of E (k, channels) and A (k, pixels)."""
    truth = sample.endmembers.values
    order = match(truth, E)
    E, A = E[order], A[order]
    angle = float(np.diag(spectral_angles(truth, E)).mean())
    A = A * (E.sum(axis=1) / truth.sum(axis=1))[:, None]
    fractions = A / np.maximum(A.sum(axis=0), 1e-12)
    return angle, float(np.sqrt(np.mean((fractions - sample.abundances.values.reshape(len(A), -1)) ** 2)))


def floor_of_spectra(X, sample):
    """Non-negative least squares for the spectra, the true maps given."""
    A = sample.abundances.values.reshape(4, -1)
    return np.stack([solution(A @ A.T, A @ X[:, channel]) for channel in range(X.shape[1])]).T


def floor_of_maps(X, sample):
    """Fully constrained least squares for the maps (non-negative, sum 1), the true spectra given."""
    E = sample.endmembers.values
    gram, cross = E @ E.T, E @ X.T
    heavy = 1e6 * np.trace(gram)
    return np.stack([solution(gram + heavy, cross[:, pixel] + heavy) for pixel in range(len(X))]).T


def solution(gram, cross):
    """Minimise a quadratic over non-negative vectors through its Cholesky factor."""
    root = np.linalg.cholesky(gram)
    return nnls(root.T, np.linalg.solve(root, cross))[0]


def ours(**options):
    def run(cube, X, seed):
        result = mf.unmix(cube, 4, random_state=seed, **options)
        return result.endmembers.values, result.abundances.values.reshape(4, -1)

    return run


def scikit(cube, X, seed):
    model = NMF(4, random_state=seed, max_iter=500)
    A = model.fit_transform(X)
    return model.components_, A.T


METHODS = {
    "`unmix(cube, 4)`": ours(),
    "`unmix(cube, 4, sparsity=1e-3)`": ours(sparsity=1e-3),
    "`unmix(cube, 4, sparsity=1e-2)`": ours(sparsity=1e-2),
    "`unmix(cube, 4, smoothness=1e-2)`": ours(smoothness=1e-2),
    "`unmix(cube, 4, smoothness=0.1)`": ours(smoothness=0.1),
    "`unmix(cube, 4, smoothness=1)`": ours(smoothness=1.0),
    "scikit-learn `NMF(4)`": scikit,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    seeds = range(parser.parse_args().seeds)
    warnings.simplefilter("ignore")
    samples = [mf.datasets.tof_sims_2d(seed=seed) for seed in seeds]
    matrices = [s.cube.values.reshape(-1, s.cube.sizes["mz"]).astype(float) for s in samples]
    print("| mean over seeds | spectral angle (rad) | abundance RMSE | seconds |\n|---|---|---|---|")
    for name, run in METHODS.items():
        rows = []
        for seed, sample, X in zip(seeds, samples, matrices, strict=True):
            begin = time.perf_counter()
            E, A = run(sample.cube, X, seed)
            rows.append((*score(sample, E, A), time.perf_counter() - begin))
        angle, error, seconds = np.mean(rows, axis=0)
        print(f"| {name} | {angle:.3f} | {error:.3f} | {seconds:.1f} |", flush=True)
    angles, errors = [], []
    for sample, X in zip(samples, matrices, strict=True):
        A = sample.abundances.values.reshape(4, -1)
        angles.append(score(sample, floor_of_spectra(X, sample), A)[0])
        errors.append(score(sample, sample.endmembers.values, floor_of_maps(X, sample))[1])
    print(f"| floor: true maps given, spectra fitted | {np.mean(angles):.3f} | | |")
    print(f"| floor: true spectra given, maps fitted (sum 1) | | {np.mean(errors):.3f} | |")


if __name__ == "__main__":
    main()
