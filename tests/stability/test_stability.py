"""Bands, standard deviation maps and scores of a factorization."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

import mffnb as mf
from benchmarks.accuracy import bands
from benchmarks.shared.band_scenes import named
from mffnb.selection import stability
from mffnb.stability import RunStatistics, match_quality
from mffnb.stability.spread import rescaled_to
from tests.conftest import mixture
from tests.depth import examples

PARTS = ("lower", "upper", "deviation", "angles", "score")


@pytest.fixture(scope="module")
def answer():
    return mf.unmix(mixture(), 3, random_state=0)


@pytest.fixture(scope="module")
def found(answer):
    return stability(answer.cube, answer, n_init=4, n_bootstrap=9, random_state=1)


def unique(shape=(8, 9)):
    """A cube without noise whose non-negative factorization is unique, and its factors."""
    rng = np.random.default_rng(3)
    A = rng.dirichlet(np.ones(3), shape)
    A[0, :3], A[1, :3], A[2, :3] = np.eye(3), [[0, 1, 1], [1, 0, 1], [1, 1, 0]], np.eye(3)
    E = np.repeat(np.eye(3), 5, axis=1) * rng.uniform(0.5, 1.0, (3, 15))
    return A @ E, A.reshape(-1, 3), E


def same(a, b):
    for kind in ("replicas", "restarts"):
        for part in PARTS:
            xr.testing.assert_identical(getattr(getattr(a, kind), part), getattr(getattr(b, kind), part))


def test_results_have_the_coordinates_of_the_cube(answer, found):
    for kind in (found.replicas, found.restarts):
        for part, like in (
            ("lower", answer.endmembers),
            ("upper", answer.endmembers),
            ("deviation", answer.abundances),
        ):
            array = getattr(kind, part)
            assert array.dims == like.dims
            for name in like.coords:
                xr.testing.assert_identical(array.coords[name], like.coords[name])
            assert array.attrs == like.attrs
        assert (kind.score >= 0).all()
        assert (kind.score <= 1).all()
    assert found.replicas.angles.sizes == {"run": 9, "component": 3}
    assert found.restarts.angles.sizes == {"run": 4, "component": 3}
    np.testing.assert_array_equal(found.score, np.minimum(found.replicas.score, found.restarts.score))


def test_bands_contain_the_result_and_are_not_negative(answer, found):
    for kind in (found.replicas, found.restarts):
        assert (kind.lower <= answer.endmembers).all()
        assert (answer.endmembers <= kind.upper).all()
        assert (kind.lower >= 0).all()
    assert ((found.upper - found.lower) > 0).any()


def test_bands_of_a_unique_result_without_noise_have_no_width():
    cube, A, E = unique()
    answer = mf.unmix(cube, 3, init=(A, E), tol=1e-10, random_state=0)
    found = stability(cube, answer, n_init=0, n_bootstrap=9, random_state=0)
    assert found.noise == "residual"
    assert float((found.upper - found.lower).max()) < 1e-6 * E.max()
    assert float(found.deviation.max()) < 1e-6
    np.testing.assert_allclose(found.score, 1.0, atol=1e-6)


@examples(6)
@given(noise=st.floats(1e-4, 1e-2))
def test_more_noise_makes_wider_bands(noise):
    cube, A, E = unique((5, 6))
    signs = np.random.default_rng(0).choice([-1.0, 1.0], cube.shape)
    widths = []
    for size in (noise, 3 * noise):
        answer = mf.unmix(cube + size * signs, 3, init=(A, E), random_state=0)
        bands = stability(cube + size * signs, answer, n_init=0, n_bootstrap=9, random_state=0)
        widths.append(float((bands.upper - bands.lower).mean()))
    assert widths[1] > 1.5 * widths[0]


@pytest.mark.slow
def test_results_do_not_depend_on_the_executor(answer, found):
    with ThreadPoolExecutor(2) as threads:
        same(stability(answer.cube, answer, 4, 9, executor=threads, random_state=1), found)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        same(stability(answer.cube, answer, 4, 9, executor=processes, random_state=1), found)
    other = stability(answer.cube, answer, 4, 9, random_state=2)
    assert float(abs(other.deviation - found.deviation).max()) > 0


def test_workers_read_a_path_themselves(tmp_path, answer, found):
    path = tmp_path / "cube.nc"
    answer.cube.to_netcdf(path)
    same(stability(path, answer, 4, 9, random_state=1), found)


def test_k_with_settings_equals_a_given_result(answer):
    settings = {"sparsity": 1e-2, "smoothness": 1e-3}
    whole = stability(answer.cube, 3, 2, 9, random_state=5, **settings)
    assert whole.answer.parameters["sparsity"] == settings["sparsity"]
    same(stability(answer.cube, whole.answer, 2, 9, random_state=5), whole)


def test_inputs_are_not_modified(answer):
    cube = answer.cube.copy(deep=True)
    before = [part.copy(deep=True) for part in (cube, answer.endmembers, answer.abundances)]
    stability(cube, answer, 2, 9, random_state=0)
    for part, kept in zip((cube, answer.endmembers, answer.abundances), before, strict=True):
        xr.testing.assert_identical(part, kept)


def test_component_missing_in_half_of_the_runs_has_a_low_score(answer):
    runs = RunStatistics(answer)
    E = answer.endmembers
    lost = E.copy()
    lost[2] = E[0]  # the run contains component 0 twice
    for number in range(8):
        runs.add(mf.Unmixing(E if number % 2 else lost, answer.abundances, answer.outcome, answer.trace))
    score = runs.spread(0.9).score
    assert (score[:2] > 0.99).all()
    assert float(score[2]) <= 0.5 + 1e-9


def test_components_are_matched_and_rescaled(answer):
    runs = RunStatistics(answer)
    size = xr.DataArray([2.0, 0.5, 7.0], dims="component")
    for order in ([2, 0, 1], [1, 2, 0]):
        E = (answer.endmembers * size).isel(component=order)
        A = (answer.abundances / size).isel(component=order)
        runs.add(mf.Unmixing(E, A, answer.outcome, answer.trace))
    spread = runs.spread(0.5)
    np.testing.assert_allclose(spread.lower, answer.endmembers, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(spread.upper, answer.endmembers, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(spread.deviation, 0.0, atol=1e-12)
    np.testing.assert_allclose(spread.score, 1.0, atol=1e-6)


def test_runs_with_sum_to_one_are_not_rescaled(cube):
    answer = mf.unmix(cube, 2, sum_to_one=True, random_state=0)
    runs = RunStatistics(answer)
    for factor in (0.9, 1.1):
        runs.add(mf.Unmixing(factor * answer.endmembers, answer.abundances, answer.outcome, answer.trace))
    spread = runs.spread(0.5)
    np.testing.assert_allclose(spread.upper, 1.1 * answer.endmembers, rtol=1e-9)


def test_match_quality_depends_on_the_nearest_other_component():
    a, b = np.array([1.0, 0.0]), np.array([np.cos(0.4), np.sin(0.4)])
    np.testing.assert_allclose(match_quality(np.array([a, b]), [[0.0, 0.1], [0.2, 0.3]]), [[1, 0.5], [0, 0]], atol=1e-9)
    np.testing.assert_array_equal(
        match_quality(np.array([a, a]), [[0.0, 0.0]]), [[0.0, 0.0]]
    )  # two identical components


@pytest.mark.parametrize(
    "settings",
    [
        {"volume": 1e-3, "gain": True},
        {"sum_to_one": True},
        {"volume": "auto"},
        {"weights": "poisson"},
        {"preprocess": [mf.preprocessing.UnitSum()]},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::mffnb.errors.MffnbWarning")
def test_bands_exist_for_every_model(settings):
    cube = mixture((12, 13), noise=0.01)
    found = stability(cube, 3, 2, 9, random_state=0, **settings)
    for kind in (found.replicas, found.restarts):
        for part in PARTS:
            assert np.isfinite(getattr(kind, part)).all()


def test_masked_and_missing_entries_are_kept(cube):
    mask = np.ones(cube.shape[:2], dtype=bool)
    mask[0, :4] = False
    cube = cube.copy(deep=True)
    cube[3, 3, 5] = np.nan
    found = stability(cube, mf.unmix(cube, 3, mask=mask, random_state=0), 2, 9, random_state=0)
    np.testing.assert_array_equal(found.deviation[0].isnull(), ~mask)
    assert np.isfinite(found.upper).all()


def test_settings_missing_in_the_result_must_be_given(cube):
    known = mf.unmix(cube, 3, random_state=0).endmembers[:1]
    answer = mf.unmix(cube, 3, known=known, random_state=0)
    with pytest.raises(ValueError, match="pass known again"):
        stability(cube, answer)
    found = stability(cube, answer, 2, 9, known=known, random_state=0)
    np.testing.assert_allclose(found.upper[0], found.lower[0], rtol=1e-12)  # a known endmember has no uncertainty
    assert float((found.upper - found.lower)[1].max()) > 0


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        ({"n_bootstrap": 5}, "n_bootstrap=9 or more"),
        ({"n_init": 1}, "n_init must be 0"),
        ({"n_init": 0, "n_bootstrap": 0}, "nothing to do"),
        ({"level": 1.0}, "level must be between"),
        ({"replicas": "jackknife"}, "use 'auto'"),
    ],
)
def test_invalid_arguments_raise_an_error(answer, arguments, advice):
    with pytest.raises(ValueError, match=advice):
        stability(answer.cube, answer, **arguments)


def test_unknown_settings_and_missing_replicas_raise_an_error(answer):
    with pytest.raises(TypeError, match="no keyword 'sparsitty': did you mean 'sparsity'"):
        stability(answer.cube, answer, sparsitty=1.0)
    with pytest.raises(TypeError, match="no setting 'checkpoint'"):  # unmix has it; a refit does not
        stability(answer.cube, answer, checkpoint="folder")
    found = stability(answer.cube, answer, 2, 0, random_state=0)
    with pytest.raises(ValueError, match="n_bootstrap=20"):
        _ = found.lower
    assert found.score.equals(found.restarts.score)
    assert isinstance(found.plot(), Figure)


def test_stability_plot_has_a_band_a_map_and_a_deviation_per_component(found):
    figure = found.plot()
    drawn = [ax for ax in figure.axes if ax.get_title() or ax.get_images() or ax.collections]
    assert sum(len(ax.collections) == 2 and bool(ax.lines) for ax in drawn) == 3
    assert sum(ax.get_title() == "its standard deviation" for ax in drawn) == 3
    assert "replicas" in figure.get_suptitle()
    figure.canvas.draw()


def noise_band_relative_to_deviation(scene, found):
    """Median half width of noise bands of 90 % over 1.645 standard deviations of the estimates: 1 if noise is normal."""
    estimates = [rescaled_to(scene.endmembers, one.answer.endmembers.values) for one in found]
    deviation = np.std(estimates, axis=0, ddof=1)[scene.seen]
    widths = [one.replicas.upper.values - one.replicas.lower.values for one in found]
    half = np.mean(widths, axis=0)[scene.seen] / 2
    return float(np.median(half[deviation > 0] / deviation[deviation > 0])) / 1.645


@pytest.mark.parametrize(
    ("scene", "similarity", "gaussian"),
    [
        ("open-80", "kl", False),
        pytest.param("unique-80", "frobenius", False, marks=pytest.mark.slow),
        pytest.param("open-80", "frobenius", True, marks=pytest.mark.slow),
    ],
)
def test_bands_cover_the_truth_and_the_mean_result(scene, similarity, gaussian):
    found = bands.results(named(scene), similarity, gaussian=gaussian, draws=6, replicas=15)
    got = bands.coverage(named(scene), found)
    assert 0.75 < got.truth <= 0.98
    assert got.mean > 0.85
    assert 0.8 < noise_band_relative_to_deviation(named(scene), found) < 1.5
    if scene.startswith("open"):  # noise alone does not explain the uncertainty
        assert got.noise_only < got.truth - 0.05
