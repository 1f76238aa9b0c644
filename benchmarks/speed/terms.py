"""What each term adds to a run of HALS, and the same terms in the general proximal solver.

    python -m benchmarks speed.terms [--side 64]

First table: runs of HALS to a relative change of 1e-4. Second table: HALS and the general solver, each until it has converged,
processor seconds of the fastest of three runs. Peak memory is what NumPy allocates. One thread.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.factorizers import matrix
from benchmarks.shared.timing import measured
from mffnb.graphs import grid
from mffnb.solvers import Extrapolated, Hals, ProximalGradient

ONE_THREAD = True


def added_cost(X: np.ndarray, side: int) -> None:
    neighbours = grid((side, side))
    runs = {
        "nothing": {},
        "Ridge": {"abundance_terms": [mf.Ridge(1e-2)]},
        "Bounds": {"abundance_terms": [mf.Bounds(0, 1)]},
        "Smoothness": {"abundance_terms": [mf.Smoothness(0.1, neighbours)]},
        "Smoothness among similar spectra": {"abundance_terms": [mf.Smoothness(0.1, mf.graphs.similar(X))]},
        "TotalVariation": {"abundance_terms": [mf.TotalVariation(0.02, neighbours)]},
        "GroupSparsity": {"abundance_terms": [mf.GroupSparsity(1e-2)]},
        "SpectralSmoothness, Ridge": {
            "abundance_terms": [mf.Ridge(1e-2)],
            "endmember_terms": [mf.SpectralSmoothness(0.1)],
        },
        "Unimodal": {"endmember_terms": [mf.Unimodal()]},
        "Orthogonal": {"abundance_terms": [mf.Orthogonal()]},
    }
    print_header("term", "iterations", "s", "ms an iteration", "MB", "relative error")
    for name, terms in runs.items():
        model = mf.MatrixFactorization(4, random_state=0, max_iter=300, tol=1e-4, **terms)
        _, seconds, peak = measured(lambda model=model: model.fit_transform(X))
        n = model.n_iter_
        print_row(name, n, f"{seconds:.2f}", f"{1e3 * seconds / n:.1f}", f"{peak:.0f}", f"{model.relative_error_:.4f}")


def general_solver(X: np.ndarray, side: int) -> None:
    print_header("", "HALS s", "general s", "ratio", "HALS MB", "general MB", "objectives")
    for name, terms in (
        ("plain", []),
        ("sparsity", [mf.Sparsity(1e-3)]),
        ("smoothness", [mf.Smoothness(1e-2, grid((side, side)))]),
        ("sum to one", [mf.Simplex()]),
    ):
        models = [
            mf.MatrixFactorization(4, solver=Extrapolated(half), abundance_terms=terms, random_state=0, max_iter=2000)
            for half in (Hals(), ProximalGradient())
        ]
        (_, a, a_peak), (_, b, b_peak) = (
            measured(lambda model=model: model.fit(X), 3, time.process_time) for model in models
        )
        ends = ", ".join(f"{model.objective_:.6g}" for model in models)
        print_row(name, f"{a:.3f}", f"{b:.3f}", f"{b / a:.1f}", f"{a_peak:.1f}", f"{b_peak:.1f}", ends)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--side", type=int, default=64, help="pixels along a side of the image")
    chosen = options.parse_args(arguments)
    side = 12 if chosen.quick else chosen.side
    added_cost(matrix(mf.datasets.tof_sims_2d(seed=0, shape=(side, side)).cube), side)
    print()
    large = mf.datasets.tof_sims_2d(seed=0, shape=(side, side) if chosen.quick else (128, 128))
    general_solver(matrix(large.cube[:side, :side]), side)
