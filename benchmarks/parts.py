"""Every part beside its oracle: what each reaches, seconds and peak memory; and what a part adds to a whole run.

    OMP_NUM_THREADS=1 python benchmarks/parts.py [--side 64]

Oracles are general tools: cvxpy (Clarabel), scipy, scikit-learn, and Hofmann's EM written out. Memory is what NumPy
allocated at most, as tracemalloc sees it; memory inside of compiled libraries does not show, so that cvxpy's is a lower
bound.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
import warnings

import cvxpy
import numpy as np
from scipy import optimize, special
from sklearn.cluster import KMeans
from sklearn.isotonic import IsotonicRegression

import mffnb as mf
from mffnb import presets
from mffnb.graphs import grid
from mffnb.kernels import polyhedron
from mffnb.protocols.half import Half
from mffnb.solvers import Hals

RNG = np.random.default_rng(0)


def measured(run):
    """Answer, seconds of a run (the better of two, the first one may compile), and its peak in MB."""
    run()
    begin = time.perf_counter()
    run()
    seconds = time.perf_counter() - begin
    tracemalloc.start()
    answer = run()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return answer, seconds, peak


def compare(name: str, ours, oracle) -> None:
    """A line of the table: what is minimised, by both."""
    (a, a_seconds, a_peak), (b, b_seconds, b_peak) = measured(ours), measured(oracle)
    print(
        f"| {name} | {a:.8g} | {b:.8g} | {a_seconds:.3f} | {b_seconds:.3f} | {a_peak:.1f} | {b_peak:.1f} |", flush=True
    )


def bounded_rows() -> None:
    basis, X = RNG.random((200, 4)), RNG.uniform(-1, 3, (50, 200))
    X[RNG.random(X.shape) < 0.3] = np.nan

    def ours():
        A = np.full((50, 4), 0.2)
        return polyhedron.fit_rows(X, basis, A, 0.2, 1.5, True, 1e-13)

    def oracle():
        total = 0.0
        for x in X:
            seen, a = ~np.isnan(x), cvxpy.Variable(4, nonneg=True)
            wanted = cvxpy.Minimize(cvxpy.sum_squares(x[seen] - basis[seen] @ a))
            total += cvxpy.Problem(wanted, [basis @ a >= 0.2, basis @ a <= 1.5]).solve(solver="CLARABEL")
        return total

    compare("bounded product, half step, 50 x 200, k = 4", ours, oracle)


def box() -> None:
    basis = RNG.random((4, 50))
    gram, cross = basis @ basis.T, 20 * RNG.random((4, 500))
    root = np.linalg.cholesky(gram)
    half = Half(gram, cross, lower=0.1, upper=0.8)

    def ours():
        factor = np.full(cross.shape, 0.3)
        Hals(500).update(factor, half)
        return half.value(factor)

    def oracle():
        columns = [optimize.lsq_linear(root.T, np.linalg.solve(root, c), (0.1, 0.8), tol=1e-12).x for c in cross.T]
        return half.value(np.array(columns).T)

    compare("Bounds, half step to the end, 4 x 500", ours, oracle)


def smooth_in_ball() -> None:
    basis, graph = RNG.random((3, 9)), grid((200,))
    gram, cross = basis @ basis.T, RNG.random((3, 200))
    half = Half(gram, cross, radius=0.7, graph=graph, coupling=1.0)
    owner = np.repeat(np.arange(200), np.diff(graph.indptr))

    def ours():
        factor = np.full(cross.shape, 0.02)
        Hals(300).update(factor, half)
        return half.value(factor)

    def oracle():
        F = cvxpy.Variable((3, 200), nonneg=True)
        steps = cvxpy.sum_squares((F[:, owner] - F[:, graph.indices]) @ np.diag(np.sqrt(graph.weights / 2)))
        wanted = cvxpy.sum_squares(np.linalg.cholesky(gram).T @ F) / 2 - cvxpy.sum(cvxpy.multiply(cross, F)) + steps / 2
        return cvxpy.Problem(cvxpy.Minimize(wanted), [cvxpy.norm(F, axis=1) <= 0.7]).solve(solver="CLARABEL")

    compare("SpectralSmoothness in a ball, half step to the end, 3 x 200", ours, oracle)


def variation() -> None:
    image = np.zeros((64, 64))
    image[16:32, 16:48] = 1.0
    x = (image + 0.3 * RNG.standard_normal(image.shape)).ravel()
    part, graph = mf.TotalVariation(0.5, grid(image.shape)), grid(image.shape)
    owner = np.repeat(np.arange(graph.pixels), np.diff(graph.indptr))
    once = owner < graph.indices
    first, second, weights = owner[once], graph.indices[once], graph.weights[once]

    def ours():
        f = part.prox(x[None], 1.0)
        return np.sum((f[0] - x) ** 2) / 2 + part.value(f)

    def oracle():
        f = cvxpy.Variable(x.size, nonneg=True)
        steps = cvxpy.sum(cvxpy.multiply(weights, cvxpy.abs(f[first] - f[second])))
        return cvxpy.Problem(cvxpy.Minimize(cvxpy.sum_squares(f - x) / 2 + 0.5 * steps)).solve(solver="CLARABEL")

    compare("TotalVariation, proximal point, 64 x 64", ours, oracle)


def one_peak() -> None:
    row = np.exp(-(np.linspace(-3, 3, 400) ** 2)) + 0.1 * RNG.standard_normal(400)
    rising, falling = IsotonicRegression(y_min=0), IsotonicRegression(y_min=0, increasing=False)

    def distance(peak):
        parts = [(rising, row[:peak]), (falling, row[peak:])]
        return sum(np.sum((r.fit_transform(np.arange(p.size), p) - p) ** 2) for r, p in parts if p.size)

    compare(
        "Unimodal, nearest point, 400 channels",
        lambda: np.sum((mf.constraints.Unimodal().project(row[None])[0] - row) ** 2),
        lambda: min(distance(peak) for peak in range(401)),
    )


def one_per_pixel(X: np.ndarray) -> None:
    def oracle():
        labels = KMeans(4, n_init=10, random_state=0).fit(X).labels_
        return np.sum(X**2) - sum(np.linalg.svd(X[labels == j], compute_uv=False)[0] ** 2 for j in range(4))

    def ours():
        model = presets.orthogonal_nmf(4, random_state=0)
        return np.sum((X - model.fit_transform(X) @ model.components_) ** 2)

    compare(f"orthogonal_nmf against k-means and refit, {len(X)} x {X.shape[1]}, k = 4", ours, oracle)


def latent_classes(X: np.ndarray) -> None:
    model = presets.plsi(4, random_state=0).fit(X)
    goal = model.log_likelihood_

    def oracle():
        rng = np.random.default_rng(0)
        A, E = rng.random((len(X), 4)), rng.random((4, X.shape[1]))
        best = -np.inf
        for _ in range(2000):
            ratio = np.divide(X, A @ E, out=np.zeros(X.shape), where=X > 0)
            A, E = A * (ratio @ E.T), E * (A.T @ ratio)
            E /= E.sum(axis=1, keepdims=True)
            before, best = best, special.xlogy(X, A @ E / X.sum()).sum()
            if best >= goal or best - before < 1e-8 * abs(best):
                break
        return -best

    compare(
        f"plsi against EM, {len(X)} x {X.shape[1]}, k = 4 (- log likelihood)",
        lambda: -presets.plsi(4, random_state=0).fit(X).log_likelihood_,
        oracle,
    )


def whole_runs(X: np.ndarray, side: int) -> None:
    """What parts add to a run of plain HALS."""
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
    print("\n| part | iterations | s | ms an iteration | MB | relative error |\n|---|---|---|---|---|---|")
    for name, terms in runs.items():
        model = mf.MatrixFactorization(4, random_state=0, max_iter=300, tol=1e-4, **terms)
        _, seconds, peak = measured(lambda model=model: model.fit_transform(X))
        n = model.n_iter_
        print(f"| {name} | {n} | {seconds:.2f} | {1e3 * seconds / n:.1f} | {peak:.0f} | {model.relative_error_:.4f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=64)
    side = parser.parse_args().side
    warnings.simplefilter("ignore")
    X = np.asarray(mf.datasets.tof_sims_2d(seed=0, shape=(side, side)).cube, dtype=float).reshape(side**2, -1)
    print("| | ours | oracle | s | oracle s | MB | oracle MB |\n|---|---|---|---|---|---|---|")
    bounded_rows()
    box()
    smooth_in_ball()
    variation()
    one_peak()
    one_per_pixel(X)
    latent_classes(X[:1024, ::5])
    whole_runs(X, side)


if __name__ == "__main__":
    main()
