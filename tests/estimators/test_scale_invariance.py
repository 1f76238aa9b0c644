"""X times a number gives the same iterations, and the same factors up to that number."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.errors import MffnbWarning

pytestmark = pytest.mark.filterwarnings(f"ignore::{MffnbWarning.__module__}.{MffnbWarning.__name__}")

RNG = np.random.default_rng(0)
SPECTRA = RNG.random((3, 12)) + 0.05
X = RNG.dirichlet(np.ones(3), 40) @ SPECTRA + 0.02 * RNG.random((40, 12))
GRID = mf.graphs.grid((5, 8))
PARTS: dict[str, Callable[[float], dict[str, Any]]] = {
    "none": lambda s: {},
    "sparsity": lambda s: {"abundance_terms": [mf.Sparsity(0.05)]},
    "smoothness": lambda s: {"abundance_terms": [mf.Smoothness(0.05, GRID)]},
    "fractions": lambda s: {"abundance_terms": [mf.Simplex()]},
    "gain": lambda s: {"abundance_terms": [mf.Simplex(gain=True)]},
    "bounded abundances": lambda s: {"abundance_terms": [mf.Bounds(0, 0.7)]},
    "bounded endmembers": lambda s: {"endmember_terms": [mf.Bounds(0, 0.7 * s)]},
    "ridge": lambda s: {"endmember_terms": [mf.Ridge(0.05)]},
    "volume": lambda s: {"abundance_terms": [mf.Simplex()], "endmember_terms": [mf.MinimumVolume(0.05)]},
    "known": lambda s: {"endmember_terms": [mf.Pinned(SPECTRA[:1] * s)]},
    "known fractions": lambda s: {"endmember_terms": [mf.Pinned(SPECTRA[:1] * s)], "abundance_terms": [mf.Simplex()]},
    "weights": lambda s: {"weights": np.outer(np.arange(1, 41), np.arange(1, 13)) / 480},
}


@pytest.mark.parametrize("scale", [1e-30, 1e-6, 1e6])
@pytest.mark.parametrize("similarity", ["frobenius", "kl"])
@pytest.mark.parametrize("part", PARTS)
def test_factors_scale_with_the_data(part: str, similarity: str, scale: float) -> None:
    found = []
    for size in (1.0, scale):
        model = mf.MatrixFactorization(
            3, similarity=similarity, random_state=0, max_iter=25, tol=1e-4, **PARTS[part](size)
        )
        found.append((model.n_iter_, A, model.components_ / size) if (A := model.fit_transform(X * size)).size else ())
    assert found[0][0] == found[1][0]
    for one, other in zip(found[0][1:], found[1][1:], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6 * abs(one).max())


REFUSED = {"sparsity", "fractions", "bounded endmembers", "ridge", "volume", "known fractions"}  # beside an angle


@pytest.mark.parametrize("similarity", ["huber", "itakura-saito", "angle", mf.BetaDivergence(0.5)], ids=str)
@pytest.mark.parametrize("part", PARTS)
def test_factors_of_other_similarities_scale_with_the_data(part: str, similarity: Any) -> None:
    found = []
    for size in (1.0, 1e6):
        model = mf.MatrixFactorization(3, similarity=similarity, random_state=0, max_iter=6, **PARTS[part](size))
        if similarity == "angle" and part in REFUSED:
            with pytest.raises(mf.errors.UnsupportedCombinationError):
                model.fit(X)
            return
        A = model.fit_transform(X * size)
        found.append((A, model.components_ / size))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6 * abs(one).max())  # backtracking enlarges rounding


def test_a_fraction_of_rounding_size_is_zero_and_does_not_move_its_endmember() -> None:
    """A component with abundances of 1e-16 has a gradient of rounding errors, and its endmember would diverge."""
    model = mf.MatrixFactorization(
        3, similarity="itakura-saito", abundance_terms=[mf.Simplex()], random_state=0, max_iter=60
    )
    A = model.fit_transform(X)
    assert not ((A > 0) & (A < 1e-15)).any()
    assert abs(model.components_).max() < 2 * X.max()
    assert model.objective_ < 1e-2
    near = mf.Simplex().project(np.array([[1.0, 0.3], [0.0, 0.7], [2e-16, -5.0]]))
    assert near[2].tolist() == [0.0, 0.0]


def test_lazy_and_in_memory_counts_take_the_same_iterations() -> None:
    counts = np.random.default_rng(1).poisson(50 * X.reshape(5, 8, 12)).astype(float)
    cube = xr.DataArray(counts, dims=("y", "x", "channel"))
    options = {"similarity": "kl", "random_state": 0, "max_iter": 40, "tol": 1e-6}
    memory, lazy = mf.unmix(cube, 3, **options), mf.unmix(cube.chunk({"y": 2}), 3, **options)
    assert len(memory.trace.iteration) == len(lazy.trace.iteration)
    np.testing.assert_allclose(lazy.endmembers, memory.endmembers, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(lazy.abundances, memory.abundances, rtol=1e-6, atol=1e-6)
