"""Difference between transform of the fitted data and fit_transform, as the tolerance of the fit falls.

    python -m benchmarks accuracy.transform [--part kl] [--tolerances 1e-5 1e-7 1e-9]

For every similarity, weight and term, fits a small matrix of random numbers at each tolerance and prints the norm of
(A - A') E relative to that of A E, with A of fit_transform and A' of transform. A refused combination prints the first
words of its reason, and `!` marks a fit or a transform that warned of no convergence.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from mffnb.errors import ConvergenceWarning
from mffnb.graphs import grid

MAP, CHANNELS, K = (5, 8), 12, 2
SIMILARITIES: dict[str, Any] = {
    name: name for name in ("frobenius", "kl", "huber", "itakura-saito", "angle", "bernoulli")
} | {"beta 0.5": mf.BetaDivergence(0.5), "beta 1.5": mf.BetaDivergence(1.5)}


def settings() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a name and keywords of MatrixFactorization for each weight and term."""
    rng, graph = np.random.default_rng(7), grid(MAP)
    pixels, channels = rng.random((MAP[0] * MAP[1], 1)) + 0.05, rng.random((1, CHANNELS)) + 0.05
    yield "no term", {}
    yield "weights of pixels", {"weights": pixels}
    yield "weights of channels", {"weights": channels}
    yield "weights of entries", {"weights": pixels * channels + 0.01}
    of_abundances = (
        mf.Sparsity(0.1), mf.Ridge(0.1), mf.Smoothness(0.1, graph), mf.TotalVariation(0.05, graph), mf.Bounds(0, 0.7),
        mf.Simplex(), mf.Simplex(gain=True), mf.GroupSparsity(0.1), mf.UnitBall(3.0), mf.Orthogonal(),
    )  # fmt: skip
    for term in of_abundances:
        yield f"A: {_name(term)}", {"abundance_terms": [term]}
    of_endmembers = (
        mf.Sparsity(0.05), mf.Ridge(0.05), mf.SpectralSmoothness(0.05), mf.Bounds(0, 0.5), mf.Unimodal(),
        mf.UnitBall(0.8), mf.MinimumVolume(0.01), mf.Pinned(rng.random((1, CHANNELS))),
    )  # fmt: skip
    for term in of_endmembers:
        yield f"E: {_name(term)}", {"endmember_terms": [term]}
    yield "A: Sparsity, weights of pixels", {"abundance_terms": [mf.Sparsity(0.1)], "weights": pixels}
    yield "A: Simplex, E: MinimumVolume", {
        "abundance_terms": [mf.Simplex()], "endmember_terms": [mf.MinimumVolume(0.01)]
    }  # fmt: skip
    yield "A: Sparsity, E: Ridge", {"abundance_terms": [mf.Sparsity(0.1)], "endmember_terms": [mf.Ridge(0.05)]}


def _name(term: Any) -> str:
    return type(term).__name__ + ("(gain)" if isinstance(term, mf.Simplex) and term.gain else "")


def difference(X: np.ndarray, tol: float, keywords: dict[str, Any], max_iter: int) -> str:
    """Return the relative difference of the reconstructions of fit_transform and transform, or why it is refused."""
    model = mf.MatrixFactorization(K, random_state=0, tol=tol, max_iter=max_iter, **keywords)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            A = model.fit_transform(X)
            late = any(issubclass(one.category, ConvergenceWarning) for one in told)
            told.clear()
            other = model.transform(X)
        except (ValueError, TypeError) as error:
            return "refused: " + str(error)[:40]
    marks = "!fit" * late + "!transform" * any(issubclass(one.category, ConvergenceWarning) for one in told)
    E = model.components_
    return f"{np.linalg.norm((A - other) @ E) / np.linalg.norm(A @ E):.1e} {marks}".strip()


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--part", default="", help="only settings or similarities with this text in their name")
    options.add_argument("--tolerances", type=float, nargs="+", default=[1e-5, 1e-7, 1e-9])
    options.add_argument("--iterations", type=int, default=20000)
    chosen = options.parse_args(arguments)
    X = np.random.default_rng(0).random((MAP[0] * MAP[1], CHANNELS))
    print_header("similarity, setting", *(f"tol {tol:g}" for tol in chosen.tolerances))
    for name, similarity in SIMILARITIES.items():
        data = (X > 0.5).astype(float) if name == "bernoulli" else X
        for setting, keywords in settings():
            label = f"{name}, {setting}"
            if chosen.part not in label or (chosen.quick and name != "frobenius"):
                continue
            found = [
                difference(data, tol, {"similarity": similarity, **keywords}, 50 if chosen.quick else chosen.iterations)
                for tol in chosen.tolerances
            ]
            print_row(label, *found)
