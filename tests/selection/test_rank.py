"""Scan of the number of components and its recommendation."""

from __future__ import annotations

import inspect
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.figure import Figure

import mffnb as mf
from mffnb.preprocessing import Crop
from mffnb.selection import scan_rank
from mffnb.selection.recommendation import Recommendation, recommend
from mffnb.selection.scan import CRITERIA
from mffnb.selection.scan_summary import summary
from mffnb.selection.scanning import Scanning

OPTIONS = {"n_init": 3, "splits": 2, "random_state": 0}


@pytest.fixture(scope="module")
def sample():
    return mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60))


@pytest.fixture(scope="module")
def scan(sample):
    return scan_rank(sample.cube, range(2, 6), **OPTIONS)


def test_scan_has_every_criterion_for_every_k(scan, sample):
    assert scan.ks == [2, 3, 4, 5]
    assert list(scan.table.columns) == list(CRITERIA)
    assert np.isfinite(scan.table.to_numpy()).all()
    errors = scan.table["relative_error"].to_numpy()
    assert (np.diff(errors) < 0).all()
    for k, result in scan.results.items():
        left = result.residual()
        size = float(np.sqrt((left**2).sum() / (sample.cube.astype(float) ** 2).sum()))
        assert size == pytest.approx(float(scan.evidence.relative_error.sel(k=k)), rel=1e-6)
    assert scan.elbow == 3
    assert scan.parameters["n_init"] == 3


def test_recommendation_is_correct_and_has_reasons(scan):
    advice = scan.recommend()
    assert (advice.k, advice.between) == (3, (3, 3))
    assert "3 images stand above the noise" in str(advice)


def test_result_is_as_good_as_that_of_unmix(scan, sample):
    other = mf.unmix(sample.cube, 3, random_state=1, tol=1e-5)
    mine, theirs = (float((one.residual() ** 2).sum()) for one in (scan.results[3], other))
    assert mine < 1.01 * theirs


def same(a, b):
    xr.testing.assert_identical(a.evidence, b.evidence)
    for k in a.results:
        np.testing.assert_array_equal(a.results[k].abundances.values, b.results[k].abundances.values)


def test_executor_does_not_change_the_scan(scan, sample):
    with ThreadPoolExecutor(2) as executor:
        same(scan_rank(sample.cube, range(2, 6), executor=executor, **OPTIONS), scan)


def test_order_and_repetition_of_ks_do_not_matter(sample, scan):
    same(scan_rank(sample.cube, [5, 2, 3, 3, 4], **OPTIONS), scan)


def test_callback_receives_each_k_and_can_end_the_scan(sample):
    seen = []

    def record(partial):
        seen.append(partial.ks)
        partial.recommend()
        return len(seen) == 2

    scan = scan_rank(sample.cube, range(2, 6), n_init=2, splits=0, held_out=0, random_state=0, callback=record)
    assert seen == [[2], [2, 3]]
    assert scan.ks == [2, 3]


def test_restarts_use_a_pixel_sample_and_the_result_has_all_pixels(monkeypatch, sample):
    monkeypatch.setattr("mffnb.selection.scanning._RESTART_PIXELS", 300)
    scan = scan_rank(sample.cube, [2, 3], **OPTIONS)
    assert scan.results[3].abundances.shape == (3, 20, 24)
    error = float((mf.unmix(sample.cube, 3, random_state=1, tol=1e-5).residual() ** 2).sum())
    assert float((scan.results[3].residual() ** 2).sum()) < 1.02 * error


def test_input_is_not_modified_and_may_be_a_plain_array(sample):
    cube = sample.cube.copy(deep=True)
    whole = scan_rank(cube, [2, 3], n_init=2, splits=1, random_state=0)
    xr.testing.assert_identical(cube, sample.cube)
    bare = scan_rank(cube.values, [2, 3], n_init=2, splits=1, random_state=0)
    np.testing.assert_array_equal(whole.table.to_numpy(), bare.table.to_numpy())


def test_criteria_that_need_complete_data_are_nan_for_missing_entries(sample):
    cube = sample.cube.copy(deep=True).astype(float)
    cube[3, 4, 5] = np.nan
    scan = scan_rank(cube, [2, 3], n_init=2, random_state=0)
    assert np.isfinite(scan.table["dispersion"]).all()
    assert np.isfinite(scan.table["held_out"]).all()
    assert scan.table["split_half"].isna().all()
    assert scan.recommend().k is None


def test_zero_weights_remove_outliers_from_the_scan(sample):
    """Entries with weight zero (for example cosmic rays) have the same effect as missing entries."""
    rng = np.random.default_rng(0)
    hit = rng.random(sample.cube.shape) < 0.01
    spoilt = sample.cube.astype(float).where(~hit, 100 * float(sample.cube.max()))
    options = {"n_init": 2, "random_state": 0, "splits": 0}
    saved = scan_rank(spoilt, [2, 3], weights=np.where(hit, 0.0, 1.0), **options)
    holed = scan_rank(sample.cube.astype(float).where(~hit), [2, 3], **options)
    for name in ("relative_error", "held_out", "aic", "bic"):
        np.testing.assert_allclose(saved.table[name], holed.table[name], rtol=1e-3)
    left = saved.results[3].residual().values[~hit]
    assert np.linalg.norm(left) < 0.1 * np.linalg.norm(sample.cube.values[~hit])


def test_pixel_and_channel_weights_agree_with_unmix(sample, monkeypatch):
    monkeypatch.setattr("mffnb.selection.scanning._RESTART_PIXELS", 300)
    rng = np.random.default_rng(1)
    pixels, channels = rng.uniform(0.5, 2, (20, 24)), rng.uniform(0.5, 2, 60)
    scan = scan_rank(sample.cube, [3], weights=[pixels, channels], n_init=2, splits=1, random_state=0)
    assert np.isfinite(scan.table.to_numpy()).all()
    expected = mf.unmix(sample.cube, 3, weights=[pixels, channels], random_state=0)
    mine, theirs = ((one.residual() ** 2 * pixels[..., None] * channels).sum() for one in (scan.results[3], expected))
    assert float(mine) == pytest.approx(float(theirs), rel=0.01)
    size = (sample.cube.astype(float) ** 2 * pixels[..., None] * channels).sum()
    assert float(scan.evidence.relative_error[0]) == pytest.approx(float(np.sqrt(mine / size)), rel=1e-6)


def test_scan_with_smoothness_uses_all_pixels():
    cube = mf.datasets.cits_pnictide(seed=0, shape=(30, 36, 40)).cube
    scan = scan_rank(cube, [2], n_init=2, splits=0, smoothness=1e-2, random_state=0)
    assert np.isfinite(scan.table["held_out"]).all()


def test_scan_rank_and_scanning_have_equal_defaults():
    call = inspect.signature(scan_rank).parameters
    for name, parameter in inspect.signature(Scanning).parameters.items():
        assert parameter.default == call[name].default


@pytest.mark.parametrize("options", [
    {"similarity": "kl"}, {"sparsity": 1e-3, "smoothness": 1e-3}, {"sum_to_one": True}, {"preprocess": [Crop({"y": slice(2, 12)})]},
])  # fmt: skip
def test_scan_applies_constraints_and_preprocessing(options):
    cube = mf.datasets.tof_sims_2d(seed=0, shape=(12, 16)).cube[..., :300]
    scan = scan_rank(cube, [2, 3], n_init=2, splits=1, random_state=0, **options)
    assert np.isfinite(scan.table.to_numpy()).all()


@pytest.mark.parametrize(("arguments", "message"), [
    ({"ks": [0, 2]}, "whole numbers"), ({"ks": [2.5]}, "whole numbers"), ({"ks": []}, "ks is empty"), ({"ks": [99]}, "lower it"),
    ({"ks": [2], "n_init": 0}, "n_init"), ({"ks": [2], "held_out": 2.0}, "between 0 and 1"),
])  # fmt: skip
def test_invalid_arguments_raise_an_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        scan_rank(np.random.default_rng(0).random((5, 6, 12)), **arguments)


def evidence(images=(), shared=(), blur=None, ks=(2, 3, 4, 5)):
    blur = np.full(len(ks), np.nan) if blur is None else np.asarray(blur)
    return xr.Dataset(
        {
            "angles": (("k", "split"), blur[:, None]),
            "within": (("k", "split"), np.ones((len(ks), 1))),
            "images": ("image", np.asarray(images, dtype=float)),
            "shared": ("direction", np.asarray(shared, dtype=float)),
        },
        coords={"k": list(ks)},
    )


CASES = {
    "images alone": (evidence([90, 9, 3, 1, 0.9]), 3, (3, 3)),
    "images that are not clear": (evidence([90, 9, 1.6, 1, 0.9]), None, (2, 3)),
    "all are above noise": (evidence([90, 9, 8, 7, 6], blur=[0.01, 0.05, 0.3, 0.9]), None, (3, 4)),
    "halves agree": (evidence([90, 9, 3, 1, 0.9], blur=[0.01, 0.05, 0.9, 0.9]), 3, (3, 3)),
    "halves name another k": (evidence([90, 9, 3, 1, 0.9], blur=[0.01, 0.05, 0.05, 0.9]), None, (3, 4)),
    "halves are vague": (evidence([90, 9, 3, 1, 0.9], blur=[0.01, 0.2, 0.3, 0.9]), 3, (3, 3)),
    "more than tried": (evidence([90, 9, 8, 7, 6, 3, 1, 1]), None, (5, 6)),
    "more than tried, not clear": (
        evidence([90, 9, 8, 7, 6, 3, 1.5, 1], blur=[0.01, 0.2, 0.9, 0.9]),
        None,
        (2, 3),
    ),
    "fewer than tried": (evidence([90, 9, 1, 1], ks=(3, 4, 5)), None, (2, 2)),
    "neighbours are not correlated": (evidence([90, 1, 1, 0.9], shared=[1, 1, 0.95, 0.1]), 3, (3, 3)),
    "two rotated directions": (evidence([90, 1, 1, 0.9], shared=[1, 0.2, 0.95, 0.1]), 3, (3, 3)),
    "not correlated, not clear": (evidence([90, 1, 1, 0.9], shared=[1, 1, 0.7, 0.1]), None, (2, 5)),
    "more shared directions than images": (evidence([90, 9, 1, 1], shared=[1, 1, 0.99, 0.1]), None, (2, 3)),
    "no criterion": (evidence(), None, (2, 5)),
}


@pytest.mark.parametrize("case", CASES)
def test_recommendation_for_given_criteria(case):
    given, k, between = CASES[case]
    advice = recommend(given)
    assert (advice.k, advice.between) == (k, between)
    assert str(advice).startswith(f"k = {k}" if k else f"undetermined, between {between[0]} and {between[1]}")


def test_recommendation_says_that_gaps_were_met():
    cube = np.random.default_rng(0).random((6, 8, 12)) + 0.1
    cube[2, 3, 4:6] = cube[0, 0, 1] = np.nan
    advice = scan_rank(cube, [2], n_init=2, splits=1, random_state=0).recommend()
    assert "3 entries in 2 pixels are missing" in str(advice)
    scan = scan_rank(np.nan_to_num(cube, nan=0.5), [2], n_init=2, splits=1, random_state=0, weights=np.ones((6, 8, 12)))
    assert "single entries have weights" in str(scan.recommend())


def test_split_halves_are_ignored_without_a_step_inside_the_scan():
    assert recommend(evidence([90, 9, 3, 1], blur=[0.01, 0.02, 0.03, 0.04])).k == 3


@pytest.mark.parametrize(
    ("blur", "reason"),
    [
        ([0.01, 0.02, 0.03, 0.04], "reproduce the 4 endmembers$"),
        ([0.01, 0.2, 0.3, 0.4], "reproduce the 4 endmembers roughly, and closely only up to k = 2"),
        ([0.01, 0.2, 0.9, 0.9], "do not reproduce the 4 endmembers, only up to k = 3"),
    ],
)
def test_split_halves_speak_about_the_k_that_is_recommended(blur, reason):
    advice = recommend(evidence([90, 9, 8, 7, 1], blur=blur))
    assert advice.k == 4
    assert re.search(reason, advice.reasons[-1])


def test_split_halves_replace_images_for_pixels_in_random_order():
    rng = np.random.default_rng(0)
    X = rng.dirichlet([0.5] * 4, (30, 40)) @ rng.random((4, 50)) + 0.03 * rng.standard_normal((30, 40, 50))
    scan = scan_rank(X, range(2, 7), n_init=2, splits=1, random_state=0)
    assert int((scan.evidence.images > 1.2).sum()) <= 1
    assert scan.recommend().k == 4


def test_scan_plot_shows_the_criteria(scan):
    figure = scan.plot()
    assert isinstance(figure, Figure)
    assert figure.get_suptitle() == "k = 3"
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), scan.table["relative_error"])
    figure.draw_without_rendering()
    without = scan_rank(np.random.default_rng(0).random((6, 7, 9)), [2], n_init=1, splits=0, held_out=0, random_state=0)
    assert without.plot().get_suptitle() == str(without.recommend()).split(":")[0]


def test_undetermined_number_of_components_has_a_reason() -> None:
    """With gaps, the criteria that need complete data are absent; the recommendation says so."""
    rng = np.random.default_rng(0)
    X = rng.poisson(rng.dirichlet([0.4] * 2, (6, 7)) @ rng.random((2, 12)) * 50).astype(float)
    X[rng.random(X.shape) < 0.05] = np.nan
    advice = mf.selection.scan_rank(X, [2, 3], random_state=0).recommend()
    assert advice.k is None
    assert "entries in 24 pixels are missing" in str(advice)


def test_printed_scan_is_a_short_table_with_the_advice(scan):
    lines = str(scan).splitlines()
    assert lines[0] == "Rank scan of k = 2 to 5: k = 3 is recommended"
    assert [line[0] for line in lines[2:6]] == [" ", ">", " ", " "]
    assert f"{float(scan.evidence.relative_error.sel(k=3)):.4f}" in lines[3]
    assert len(lines) <= 12
    assert max(map(len, lines)) <= 100
    assert "scan.recommend().reasons" in lines[-1]


@dataclass
class _Scan:
    """A scan of many k whose recommendation is open."""

    ks = range(1, 31)
    interrupted = True
    table = pd.DataFrame(np.linspace(0.9, 0.1, 30)[:, None] * np.ones(len(CRITERIA)), ks, list(CRITERIA))

    def recommend(self):
        return Recommendation(None, (11, 14), ("a first long reason, " * 4, "a second one, " * 9, "less noise decides"))


def test_printed_scan_of_many_k_stays_short_and_says_what_decides():
    scan = _Scan()
    scan.table["held_out"] = np.nan
    lines = summary(scan).splitlines()
    assert lines[0] == "Rank scan of k = 1 to 30, interrupted: k is undetermined, between 11 and 14"
    assert "held-out" not in lines[1]
    assert [line.split()[1] for line in lines if line.startswith(">")] == ["11", "12", "13", "14"]
    assert lines[9].startswith("less noise decides; a first")
    assert lines[-1].startswith("details: scan.recommend().reasons (1 more)")
    assert len(lines) <= 12
    assert max(map(len, lines)) <= 100
