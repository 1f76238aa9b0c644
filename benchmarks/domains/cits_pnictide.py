"""Tunnelling map `cits_pnictide`: spectra, maps and resonance at the paper's size, next to oracles and scikit-learn.

    python -m benchmarks domains.cits_pnictide [--seeds 3]

All curves begin at the same current, so fractions sum to one; the user knows that. Oracles: the true maps given, spectra by least
squares; the true spectra given, fractions by fully constrained least squares. scikit-learn has no such constraint: its
spectra are scaled to the set current, the scale of the truth, and its maps divided by their sum.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.factorizers import Factors, matrix, scikit_learn_nmf, unmix
from benchmarks.shared.scores import angles, fractions, in_order_of, rmse
from benchmarks.shared.timing import timed
from mffnb.datasets import Sample, cits_pnictide
from mffnb.datasets.tunnelling import RESONANCE
from mffnb.geometry.abundances import fully_constrained
from mffnb.matrices import in_memory


def scikit_learn(cube: xr.DataArray, seed: int) -> Factors:
    E, A = scikit_learn_nmf(matrix(cube), 3, seed, max_iter=2000)
    current = E[:, cube.bias.values >= 0].sum(axis=1, keepdims=True)
    return E, fractions(A * current)


METHODS = {
    '`unmix(cube, 3, volume="auto")`': unmix(3, volume="auto"),
    "`unmix(cube, 3, sum_to_one=True, volume=1e-4)`": unmix(3, sum_to_one=True, volume=1e-4),
    "`unmix(cube, 3, sum_to_one=True)`": unmix(3, sum_to_one=True),
    "scikit-learn `NMF(3)`": scikit_learn,
}
QUICK = {"shape": (12, 16, 40)}


def score(sample: Sample, E: np.ndarray, A: np.ndarray) -> tuple[float, float, float]:
    """Mean spectral angle (rad), RMSE of the fractions, and error of the resonance's bias (meV)."""
    truth, bias = sample.endmembers.values, sample.cube.bias.values
    E, A = in_order_of(truth, E, A)
    near = np.abs(bias - RESONANCE) < 60
    shift = abs(bias[near][E[1][near].argmax()] - RESONANCE)
    return angles(truth, E).mean(), rmse(A, sample.abundances.values.reshape(3, -1)), shift


def print_scores(name: str, rows: Sequence[Sequence[float]], hidden: Sequence[int] = ()) -> None:
    """Mean and worst of the seeds; an oracle hides the columns that it was given."""
    columns = np.array(rows).T
    cells = ["" if i in hidden else f"{column.mean():.3f} ({column.max():.3f})" for i, column in enumerate(columns[:3])]
    print_row(name, *cells, f"{columns[3].mean():.1f}")


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--seeds", type=int, default=3)
    chosen = options.parse_args(arguments)
    seeds = 1 if chosen.quick else chosen.seeds
    samples = [cits_pnictide(seed, **(QUICK if chosen.quick else {})) for seed in range(seeds)]
    heads = ("spectral angle (rad)", "abundance RMSE", "resonance off by (meV)", "seconds")
    print_header("mean (worst) of the seeds", *heads)
    for name, method in METHODS.items():
        rows = []
        for seed, sample in enumerate(samples):
            factors, seconds = timed(lambda s=sample, n=seed, method=method: method(s.cube, n))
            rows.append((*score(sample, *factors), seconds))
        print_scores(name, rows)
    spectra, maps = [], []
    for sample in samples:
        X, E, A = matrix(sample.cube), sample.endmembers.values, sample.abundances.values.reshape(3, -1)
        fitted, seconds = timed(lambda A=A, X=X: np.linalg.lstsq(A.T, X, rcond=None)[0])
        spectra.append((*score(sample, fitted, A), seconds))
        shares, seconds = timed(lambda X=X, E=E: fully_constrained(in_memory(X), E))
        maps.append((*score(sample, E, shares), seconds))
    print_scores("oracle: true maps given", spectra, hidden=(1,))
    print_scores("oracle: true spectra given", maps, hidden=(0, 2))
