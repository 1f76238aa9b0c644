"""Half steps and presets next to general tools (cvxpy, scipy, scikit-learn, EM): minimum, seconds and peak memory.

    python -m benchmarks speed.oracles

Both columns are the value of the same objective. Seconds are those of the second run, since the first may compile. Memory is the peak that NumPy
allocates; memory inside of compiled libraries is not traced, so that the one of cvxpy (Clarabel) is a lower bound. One thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cvxpy
import numpy as np
from scipy import optimize, special
from sklearn.cluster import KMeans
from sklearn.isotonic import IsotonicRegression

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.factorizers import matrix
from benchmarks.shared.timing import measured
from mffnb import presets
from mffnb.graphs import grid
from mffnb.kernels import polyhedron
from mffnb.protocols.half import Half
from mffnb.solvers import Hals, ProximalGradient

ONE_THREAD = True
RNG = np.random.default_rng(0)


def compare(name: str, ours: Callable[[], float], oracle: Callable[[], float]) -> None:
    """Print a row: the minimum that each finds, seconds and memory."""
    (a, a_seconds, a_peak), (b, b_seconds, b_peak) = measured(ours), measured(oracle)
    print_row(
        name,
        f"{a:.8g}",
        f"{b:.8g}",
        *(f"{s:.3f}" for s in (a_seconds, b_seconds)),
        *(f"{m:.1f}" for m in (a_peak, b_peak)),
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


def bounds() -> None:
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


def total_variation() -> None:
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


def unimodal() -> None:
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


def orthogonal(X: np.ndarray) -> None:
    def oracle():
        labels = KMeans(4, n_init=10, random_state=0).fit(X).labels_
        return np.sum(X**2) - sum(np.linalg.svd(X[labels == j], compute_uv=False)[0] ** 2 for j in range(4))

    def ours():
        model = presets.orthogonal_nmf(4, random_state=0)
        return np.sum((X - model.fit_transform(X) @ model.components_) ** 2)

    compare(f"orthogonal_nmf against k-means and refit, {len(X)} x {X.shape[1]}, k = 4", ours, oracle)


def plsi(X: np.ndarray) -> None:
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


def sum_to_one_in_ball() -> None:
    """The general proximal solver, until a step is 1e-10 of the first one."""
    rng = np.random.default_rng(0)
    basis = rng.random((3, 30))
    gram, cross = basis @ basis.T, basis @ rng.random((30, 400))
    half, root = Half(gram, cross, sum_to_one=True, radius=12.0), np.linalg.cholesky(gram).T

    def ours():
        factor = np.full((3, 400), 1 / 3)
        first = ProximalGradient().update(factor, half)
        while first and ProximalGradient().update(factor, half) > 1e-10 * first:
            pass
        return half.value(factor)

    def oracle():
        F = cvxpy.Variable((3, 400), nonneg=True)
        value = cvxpy.sum_squares(root @ F) / 2 - cvxpy.sum(cvxpy.multiply(cross, F))
        held = [cvxpy.sum(F, axis=0) == 1, *(cvxpy.norm(F[j]) <= 12.0 for j in range(3))]
        return float(cvxpy.Problem(cvxpy.Minimize(value), held).solve())

    compare("Simplex in a ball, general solver, 3 x 400", ours, oracle)


HALF_STEPS = (bounded_rows, bounds, smooth_in_ball, total_variation, unimodal, sum_to_one_in_ball)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--side", type=int, default=64, help="pixels along a side of the image for the presets")
    chosen = options.parse_args(arguments)
    side = 16 if chosen.quick else chosen.side
    X = matrix(mf.datasets.tof_sims_2d(seed=0, shape=(side, side)).cube)
    print_header("minimum found by", "ours", "oracle", "s", "oracle s", "MB", "oracle MB")
    for half_step in (bounds,) if chosen.quick else HALF_STEPS:
        half_step()
    if not chosen.quick:
        orthogonal(X)
        plsi(X[:1024, ::5])
