"""ToF-SIMS image `tof_sims_2d`: spectra and maps under several penalties, next to lower bounds and scikit-learn.

    python -m benchmarks domains.tof_sims_2d [--seeds 3]

Mean spectral angle to the true endmembers, and RMSE of the abundances, after scaling each endmember to the total counts of the true
one and each pixel to sum 1. Weights are the values that a user would try; none was chosen by these figures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import nnls

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.factorizers import matrix, scikit_learn, unmix
from benchmarks.shared.scores import angles, fractions, in_order_of, rmse, with_true_sums
from benchmarks.shared.timing import timed

METHODS = {
    "`unmix(cube, 4)`": unmix(4),
    "`unmix(cube, 4, sparsity=1e-3)`": unmix(4, sparsity=1e-3),
    "`unmix(cube, 4, sparsity=1e-2)`": unmix(4, sparsity=1e-2),
    "`unmix(cube, 4, smoothness=1e-2)`": unmix(4, smoothness=1e-2),
    "`unmix(cube, 4, smoothness=0.1)`": unmix(4, smoothness=0.1),
    "`unmix(cube, 4, smoothness=1)`": unmix(4, smoothness=1.0),
    "scikit-learn `NMF(4)`": scikit_learn(4),
}


def score(sample: mf.datasets.Sample, E: np.ndarray, A: np.ndarray) -> tuple[float, float]:
    """Mean spectral angle (rad) and RMSE of the abundances."""
    truth = sample.endmembers.values
    E, A = in_order_of(truth, E, A)
    maps = fractions(with_true_sums(truth, E, A))
    return float(angles(truth, E).mean()), rmse(maps, sample.abundances.values.reshape(len(A), -1))


def spectra_from_true_maps(X: np.ndarray, A: np.ndarray) -> np.ndarray:
    """Non-negative least squares for the spectra."""
    return np.stack([non_negative_minimum(A @ A.T, A @ X[:, channel]) for channel in range(X.shape[1])]).T


def maps_from_true_spectra(X: np.ndarray, E: np.ndarray) -> np.ndarray:
    """Non-negative least squares for the maps; a heavy weight makes the fractions sum to 1."""
    gram, cross = E @ E.T, E @ X.T
    heavy = 1e6 * np.trace(gram)
    return np.stack([non_negative_minimum(gram + heavy, cross[:, pixel] + heavy) for pixel in range(len(X))]).T


def non_negative_minimum(gram: np.ndarray, cross: np.ndarray) -> np.ndarray:
    """Minimise a quadratic over non-negative vectors, by `nnls` on the Cholesky factor of its matrix."""
    root = np.linalg.cholesky(gram)
    return nnls(root.T, np.linalg.solve(root, cross))[0]


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--seeds", type=int, default=3)
    chosen = options.parse_args(arguments)
    seeds, shape = (range(1), (16, 16)) if chosen.quick else (range(chosen.seeds), (128, 128))
    samples = [mf.datasets.tof_sims_2d(seed=seed, shape=shape) for seed in seeds]
    print_header("mean over seeds", "spectral angle (rad)", "abundance RMSE", "seconds")
    for name, run in METHODS.items():
        rows = []
        for seed, sample in zip(seeds, samples, strict=True):
            factors, seconds = timed(lambda s=sample, n=seed, run=run: run(s.cube, n))
            rows.append((*score(sample, *factors), seconds))
        angle, error, seconds = np.mean(rows, axis=0)
        print_row(name, f"{angle:.3f}", f"{error:.3f}", f"{seconds:.1f}")
    bounds = []
    for sample in samples:
        X, E, A = matrix(sample.cube), sample.endmembers.values, sample.abundances.values.reshape(4, -1)
        from_maps, from_spectra = spectra_from_true_maps(X, A), maps_from_true_spectra(X, E)
        bounds.append((score(sample, from_maps, A)[0], score(sample, E, from_spectra)[1]))
    angle, error = np.mean(bounds, axis=0)
    print_row("floor: true maps given, spectra fitted", f"{angle:.3f}", "", "")
    print_row("floor: true spectra given, maps fitted (sum 1)", "", f"{error:.3f}", "")
