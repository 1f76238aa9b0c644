"""Short runs as a start: pure pixels or pure channels are found by the data alone, for every kind of storage."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

import mffnb as mf
from mffnb.geometry.short_runs import ShortRuns, _misfit, _Run, extreme_rays, perspective
from mffnb.geometry.starts import NNDSVD
from mffnb.matrices import Dense, LowRank, Sparse, in_memory

from .scenes import angles, smooth_spectra

K = 4


def pure_pixels(seed=0, noise=1e-3):
    """Overlapping positive spectra, and some pixels of each material alone."""
    rng = np.random.default_rng(seed)
    E = smooth_spectra(K, 60, seed) + 0.1
    A = np.vstack([rng.dirichlet(np.ones(K), 400), np.repeat(np.eye(K), 20, axis=0)])
    X = rng.permutation(A) @ E
    return np.maximum(X + noise * X.max() * rng.standard_normal(X.shape), 0.0), E


def pure_channels(seed=0, noise=1e-3):
    """Mixed pixels only, and some channels of each material alone."""
    rng = np.random.default_rng(seed)
    E = np.hstack([rng.random((K, 40)), np.repeat(np.eye(K), 5, axis=1)])
    A = 0.1 + rng.dirichlet(np.ones(K), 480)
    X = A @ E
    return np.maximum(X + noise * X.max() * rng.standard_normal(X.shape), 0.0), E


@pytest.mark.parametrize(("scene", "expected"), [(pure_pixels, "pure pixels"), (pure_channels, "pure channels")])
@pytest.mark.parametrize("seed", range(4))
def test_the_data_show_which_spectra_or_maps_are_pure(scene, expected, seed):
    X, E = scene(seed)
    chosen = ShortRuns().choose(Dense(X), K, 0)
    assert chosen.name == expected
    assert angles(E, chosen.endmembers).max() < 0.1
    assert angles(E, chosen.endmembers).mean() < 0.3 * angles(E, NNDSVD().start(Dense(X), K, 0)[1]).mean()


@pytest.mark.parametrize(("scene", "expected"), [(pure_pixels, "pure pixels"), (pure_channels, "pure channels")])
def test_the_plain_call_starts_from_it_and_records_the_choice(scene, expected):
    X, E = scene()
    result = mf.unmix(X.reshape(20, 24, -1), K, random_state=0)
    assert result.parameters["start"] == f"{ShortRuns()!r} from {expected}"
    given = mf.unmix(X.reshape(20, 24, -1), K, init=ShortRuns(), random_state=0)
    np.testing.assert_array_equal(given.endmembers, result.endmembers)
    older = mf.unmix(X.reshape(20, 24, -1), K, init="nndsvd", random_state=0)
    assert older.parameters["start"] == "NNDSVD()"
    assert angles(E, result.endmembers.values).mean() <= angles(E, older.endmembers.values).mean()


@pytest.mark.parametrize(
    "layout",
    [
        in_memory,
        lambda X: in_memory(X.astype(np.float32)),
        lambda X: in_memory(X.astype(np.uint8)),
        lambda X: Sparse(sparse.csr_array(X)),
    ],
    ids=["float64", "float32", "uint8", "sparse"],
)
def test_storage_changes_the_start_by_rounding_only(layout):
    X = np.round(100 * pure_pixels()[0])
    start = ShortRuns(pixels=200)
    expected, found = start.choose(Dense(X), K, 3), start.choose(layout(X), K, 3)
    assert found.name == expected.name
    np.testing.assert_allclose(found.abundances, expected.abundances, atol=1e-8 * expected.abundances.max())
    np.testing.assert_allclose(found.endmembers, expected.endmembers, atol=1e-8 * expected.endmembers.max())
    again = start.choose(layout(X), K, 3)
    np.testing.assert_array_equal(found.abundances, again.abundances)
    np.testing.assert_array_equal(found.endmembers, again.endmembers)


@pytest.mark.parametrize("factor", [1e-60, 1e-3, 1e60])
def test_units_of_the_data_do_not_matter(factor):
    X, _ = pure_channels()
    one, other = (ShortRuns().choose(Dense(f * X), K, 0) for f in (1.0, factor))
    assert one.name == other.name
    np.testing.assert_allclose(other.abundances.T @ other.endmembers / factor, one.abundances.T @ one.endmembers)


@pytest.mark.parametrize(
    "X",
    [
        np.zeros((30, 20)),
        np.eye(14),
        np.outer(np.arange(1.0, 31), np.arange(1.0, 21)),
        np.ones((5, 4)),
        np.vstack([np.zeros((20, 9)), np.eye(9)[:5]]),
    ],
    ids=["zeros", "separate", "rank one", "constant", "dark pixels"],
)
@pytest.mark.parametrize("k", [1, 2, 4])
def test_degenerate_data_give_positive_finite_factors(X, k):
    A, E = ShortRuns().start(Dense(X), k, 0)
    assert A.shape == (k, X.shape[0])
    assert E.shape == (k, X.shape[1])
    assert np.isfinite(A).all()
    assert np.isfinite(E).all()
    assert min(A.min(), E.min()) >= 0
    assert np.linalg.norm(X - A.T @ E) <= np.linalg.norm(X) * (1 + 1e-12)


def test_no_entry_is_locked_at_zero():
    X, _ = pure_channels()
    A, E = ShortRuns().start(Dense(X), K, 0)
    assert A.min() > 0
    assert E.min() > 0


def run(name, before, after):
    return _Run(name, np.ones((1, 1)), np.ones((1, 1)), before, after)


def test_a_run_that_ends_higher_is_dropped_and_of_the_others_the_best_start_is_taken():
    runs = [run("a", 5.0, 1.0), run("b", 2.0, 1.004), run("c", 1.0, 1.1), run("d", 0.1, np.inf)]
    start = ShortRuns(tolerance=0.01)
    assert start._best(runs, rest=0.0, size=1.0) == 1
    assert start._best(runs, rest=100.0, size=1.0) == 2  # compared with all that X leaves, the excess is small
    assert replace(start, tolerance=1e-3)._best(runs, rest=0.0, size=1.0) == 0
    assert start._best([run("a", 1e-13, 1.0), run("b", 0.0, 1.0)], rest=0.0, size=1.0) == 0  # equal up to rounding


def test_extreme_rays_are_the_vertices_of_a_cone_whatever_the_gain():
    rng = np.random.default_rng(0)
    vertices = rng.random((3, 3)) + np.eye(3)
    weights = np.vstack([rng.dirichlet(np.ones(3), 200), np.eye(3)])
    points = vertices.T @ weights.T * rng.uniform(0.1, 10, 203)
    rays = extreme_rays(perspective(points, 0.0), 3, 0.0)
    assert angles(vertices, rays).max() < 1e-6


def test_a_dark_noisy_point_is_no_extreme_ray():
    rng = np.random.default_rng(0)
    points = np.vstack([np.ones(100), 0.3 * rng.uniform(-1, 1, 100)])
    points[:, 0] = 0.01, 0.04
    raised, kept = (np.linalg.norm(perspective(points, floor)[:, 0]) for floor in (0.0, 0.1))
    assert raised > 2
    assert kept < 0.5


def test_misfits_are_those_of_the_product():
    rng = np.random.default_rng(1)
    data = LowRank(rng.standard_normal((3, 20)), np.linalg.qr(rng.standard_normal((12, 3)))[0].T)
    A, E = rng.random((2, 20)), rng.random((2, 12))
    expected = np.linalg.norm(data.left.T @ data.right - A.T @ E) ** 2
    assert _misfit(data, A, E) == pytest.approx(expected)
