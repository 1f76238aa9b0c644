"""The general solver beside those that know one problem: seconds, and megabytes beyond the data.

Whole runs on P1 cut to 64 x 64, each solver until it says that it has converged, and half steps of E's counterpart A
against a convex programme in cvxpy. Processor seconds of one thread, the least of three runs.

    OMP_NUM_THREADS=1 python benchmarks/general_solver.py
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
import warnings

import numpy as np
from sklearn.decomposition import NMF

import mffnb as mf
from mffnb import MatrixFactorization, Simplex, Smoothness, Sparsity
from mffnb.graphs import grid
from mffnb.protocols.half import Half
from mffnb.similarities import BetaDivergence
from mffnb.solvers import Extrapolated, Hals, ProximalGradient


def measured(run, times: int = 3) -> tuple[float, float]:
    """Processor seconds of the fastest run, and megabytes at its peak."""
    run()
    seconds = []
    for _ in range(times):
        begin = time.process_time()
        run()
        seconds.append(time.process_time() - begin)
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return min(seconds), peak


def whole_runs(X, side: int) -> None:
    print("| least squares, k = 4 | HALS s | general s | ratio | HALS MB | general MB | objectives |")
    print("|---|---|---|---|---|---|---|")
    for name, terms in (
        ("plain", []),
        ("sparsity", [Sparsity(1e-3)]),
        ("smoothness", [Smoothness(1e-2, grid((side, side)))]),
        ("sum to one", [Simplex()]),
    ):
        models = [
            MatrixFactorization(4, solver=Extrapolated(half), abundance_terms=terms, random_state=0, max_iter=2000)
            for half in (Hals(), ProximalGradient())
        ]
        (a, before), (b, after) = (measured(lambda model=model: model.fit(X)) for model in models)
        ends = ", ".join(f"{model.objective_:.6g}" for model in models)
        print(f"| {name} | {a:.3f} | {b:.3f} | {b / a:.1f} | {before:.1f} | {after:.1f} | {ends} |", flush=True)


def against_scikit_learn(X) -> None:
    print(
        "\n| beta | 500 updates of scikit-learn s | general, until it is as low s | until it has converged s | then lower by |"
    )
    print("|---|---|---|---|---|")
    rng = np.random.default_rng(0)
    start = rng.random((len(X), 4)) + 0.1, rng.random((4, X.shape[1])) + 0.1
    for beta in (0.0, 0.5, 1.5):
        peer = NMF(4, init="custom", solver="mu", beta_loss=beta, max_iter=500, tol=0)
        begin = time.process_time()
        A = peer.fit_transform(X, W=start[0].copy(), H=start[1].copy())
        theirs, there = time.process_time() - begin, peer.components_
        model = MatrixFactorization(4, similarity=BetaDivergence(beta), init=start, max_iter=500)
        MatrixFactorization(4, similarity=model.similarity, max_iter=1).fit(X)  # compiled
        seconds, begin = [], time.process_time()
        model.fit_transform(
            X, callback=lambda _, seconds=seconds, begin=begin: seconds.append(time.process_time() - begin)
        )
        reached = BetaDivergence(beta).distance(1.0).value(X, A @ there).sum() * model.scale_**beta / len(X)
        as_low = next(now for now, one in zip(seconds, model.trace_, strict=True) if one.objective <= reached)
        less = 1 - model.objective_ / reached
        print(f"| {beta:g} | {theirs:.2f} | {as_low:.2f} | {seconds[-1]:.2f} | {less:.1e} |", flush=True)


def half_steps() -> None:
    import cvxpy  # noqa: PLC0415  in the test extra

    print("\n| half step, 3 x 400, a sum of one in a ball | cvxpy s | general s | cvxpy MB | general MB | excess |")
    print("|---|---|---|---|---|---|")
    rng = np.random.default_rng(0)
    basis = rng.random((3, 30))
    gram, cross = basis @ basis.T, basis @ rng.random((30, 400))
    half = Half(gram, cross, sum_to_one=True, radius=12.0)
    root = np.linalg.cholesky(gram).T

    def convex() -> float:
        F = cvxpy.Variable((3, 400), nonneg=True)
        value = cvxpy.sum_squares(root @ F) / 2 - cvxpy.sum(cvxpy.multiply(cross, F))
        held = [cvxpy.sum(F, axis=0) == 1, *(cvxpy.norm(F[j]) <= 12.0 for j in range(3))]
        return float(cvxpy.Problem(cvxpy.Minimize(value), held).solve())

    factor = np.empty((3, 400))

    def general() -> None:
        factor[:] = 1 / 3
        first = ProximalGradient().update(factor, half)
        while first and ProximalGradient().update(factor, half) > 1e-10 * first:
            pass

    (a, before), (b, after) = measured(convex, 1), measured(general)
    excess = half.value(factor) / convex() - 1
    print(f"| | {a:.3f} | {b:.3f} | {before:.1f} | {after:.1f} | {excess:.1e} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=64)
    side = parser.parse_args().side
    warnings.simplefilter("ignore")
    cube = mf.datasets.tof_sims_2d(seed=0, shape=(128, 128)).cube[:side, :side]
    X = np.ascontiguousarray(cube.values.reshape(side * side, -1), dtype=np.float64)
    whole_runs(X, side)
    against_scikit_learn(1.0 + X[:1024, :400])
    half_steps()


if __name__ == "__main__":
    main()
