"""Bias of penalised results: what widens the bands, what replaces them, and what they say about their assumptions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import mffnb as mf
from benchmarks.accuracy import coverage
from benchmarks.shared.textured_scenes import drawn
from mffnb.selection import stability
from mffnb.stability import Bias, RunStatistics, bias_of, weaker_fit, weaker_weights
from tests.conftest import mixture

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.MffnbWarning")


@pytest.fixture(scope="module")
def cube():
    return mixture((12, 13), noise=0.01)


def assess(cube, **settings):
    return stability(cube, 3, 0, 9, random_state=0, **settings)


def test_a_result_without_penalties_has_no_bias(cube):
    found = assess(cube)
    assert found.bias is None
    low, high = found.reach.widen(found.replicas.lower, found.replicas.upper)
    np.testing.assert_array_equal(found.lower, low)
    np.testing.assert_array_equal(found.upper, high)


def test_the_displacement_widens_both_sides_but_not_below_zero(cube):
    answer = mf.unmix(cube, 3, random_state=0)
    lower, upper = 0.9 * answer.endmembers, 1.1 * answer.endmembers
    size = 0.2 * answer.endmembers.max()
    low, high = Bias(0 * lower + size).widen(lower, upper)
    np.testing.assert_allclose(high, upper + size)
    np.testing.assert_allclose(low, np.maximum(lower - size, 0.0))
    assert (low.values == 0).any()


def test_the_displacement_is_that_of_replicas_plus_that_of_weaker_penalties(cube):
    answer = mf.unmix(cube, 3, volume=1e-3, sum_to_one=True, random_state=0)
    weaker = weaker_fit(answer, {}, cube)
    assert weaker.parameters["volume"] == pytest.approx(1e-4)
    runs = RunStatistics(answer)
    for factor in (1.1, 1.3):
        runs.add(replace(answer, endmembers=factor * answer.endmembers))
    expected = 0.2 * answer.endmembers + abs(weaker.endmembers - answer.endmembers)
    np.testing.assert_allclose(bias_of(answer, runs, weaker, cube).displacement, expected, rtol=1e-6, atol=1e-12)


def test_a_volume_without_weight_counts_the_displacement_of_replicas_twice(cube):
    answer = mf.unmix(cube, 3, volume="auto", random_state=0)
    assert weaker_fit(answer, {}, cube) is None
    runs = RunStatistics(answer)
    for factor in (1.1, 1.3):
        runs.add(replace(answer, endmembers=factor * answer.endmembers))
    fixed = answer.parameters["sum_to_one"]
    expected = 0.4 * answer.endmembers if fixed else 0 * answer.endmembers
    np.testing.assert_allclose(bias_of(answer, runs, None, cube).displacement, expected, atol=1e-12)


@pytest.mark.parametrize("settings", [{"smoothness": 0.1}, {"endmember_terms": [mf.penalties.Ridge(0.1)]}], ids=str)
def test_the_freedom_replaces_bands_whose_bias_no_refit_shows(cube, settings):
    answer = mf.unmix(cube, 3, random_state=0, **settings)
    found = stability(cube, answer, 0, 9, random_state=0, **settings)
    free = answer.freedom
    assert (found.lower <= free.lower + 1e-12).all()
    assert (free.upper <= found.upper + 1e-12).all()
    assert (found.lower < found.replicas.lower).any()
    assert "not a confidence interval" in found.doubt


def test_the_doubt_names_what_chose_the_spectra_and_another_answer(cube):
    answer = mf.unmix(cube, 3, volume=1e-3, random_state=0)
    free = answer.freedom
    runs = RunStatistics(answer)
    for _ in range(2):
        runs.add(answer)
    wide = replace(answer, stored_freedom=replace(free, angle=free.angle * 0 + 0.5))
    assert "the smallest volume chose the right spectra" in bias_of(wide, runs, None, cube).doubt
    narrow = replace(answer, stored_freedom=replace(free, angle=free.angle * 0 + 0.3))
    assert bias_of(narrow, runs, None, cube).doubt == ""
    other = replace(narrow, parameters={**answer.parameters, "disagreement": 0.3})
    assert "see result.alternative" in bias_of(other, runs, None, cube).doubt


def test_the_doubt_of_a_sparsity_tells_what_spectra_could_do_without_it(cube, monkeypatch):
    monkeypatch.setattr("mffnb.stability.bias._DOUBTFUL", 0.0)
    answer = mf.unmix(cube, 3, sparsity=1e-2, random_state=0)
    runs = RunStatistics(answer)
    for _ in range(2):
        runs.add(answer)
    whole = replace(answer, parameters={**answer.parameters, "sparsity": 0.0})
    doubt = bias_of(answer, runs, None, cube).doubt
    assert f"the sparsity penalty chose the right spectra: without it, {whole.freedom.sentence}" in doubt
    assert whole.freedom.in_degrees != answer.freedom.in_degrees


def test_only_numbers_are_weakened():
    assert weaker_weights({"volume": "auto", "sparsity": 0.0, "smoothness": 1.0}) == {}
    assert weaker_weights({"volume": 1e-2, "sparsity": 1}) == pytest.approx({"volume": 1e-3, "sparsity": 0.1})


def test_a_transformation_has_no_freedom_and_says_so(cube):
    found = assess(cube, transform="rounding", smoothness=0.1)
    assert found.bias.freedom is None
    assert "compare with a weaker one" in found.doubt


def test_bands_of_penalised_results_contain_the_truth_more_often_than_those_of_noise():
    scenes = [drawn(np.random.default_rng([3, number]), counts=False) for number in range(3)]
    for settings in ({"volume": 1e-3}, {"smoothness": 0.1}):
        found = [coverage.judge(scene, settings, replicas=9) for scene in scenes]
        noise, whole = (np.concatenate([getattr(one, what) for one in found]).mean() for what in ("noise", "whole"))
        assert whole > 0.7
        assert whole > noise + 0.1
