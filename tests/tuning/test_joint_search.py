"""Hyperparameter search on a list of images: the joint fit of mf.unmix, with held-out entries in each image."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.errors import UnsupportedCombinationError
from mffnb.problem.degrees_of_freedom import Smoothed, freedom
from mffnb.tuning import BIC, Fit, HeldOut, MapError, Repeatability, TargetSparsity, tune
from mffnb.tuning.entry_errors import drawn_entries
from mffnb.tuning.listed_images import ListedImages
from mffnb.tuning.objectives import _freedom
from mffnb.tuning.search_loop import SettingsSearch

SPACE = {"sparsity": [0.0, 1e-2]}
OPTIONS = {"k": 2, "algorithm": "grid", "max_evals": 2}
ENERGY = np.linspace(0.0, 9.0, 16)


def image(shape, seed, brightness=1.0, energy=ENERGY, dims=("y", "x")):
    random = np.random.default_rng(seed)
    spectra = np.array([np.exp(-((energy - center) ** 2) / 2) for center in (2.0, 6.0)])
    values = brightness * (random.random((*shape, 2)) @ spectra + 0.01 * random.random((*shape, len(energy))))
    return xr.DataArray(values, {"energy": energy}, (*dims[-len(shape) :], "energy"))


IMAGES = [image((5, 6), 0), image((12,), 1), image((4, 7), 2)]


def losses(images, objective, **options):
    found = tune(images, SPACE, objective, **OPTIONS | options)
    assert [trial.message for trial in found.trials] == ["", ""]
    return np.array([trial.loss for trial in found.trials])


def fit_of(images, **settings):
    listed = ListedImages(images, settings)
    return Fit(listed.cube, settings, {}, listed)


@pytest.mark.parametrize("objective", [HeldOut(), BIC(), MapError(), lambda result: float(result.trace.step[-1])])
def test_a_list_of_one_image_equals_no_list(objective):
    np.testing.assert_array_equal(losses(IMAGES[:1], objective), losses(IMAGES[0], objective))


@pytest.mark.parametrize("objective", [HeldOut(), BIC(), MapError(), Repeatability(2), TargetSparsity()])
def test_an_image_ten_times_brighter_changes_no_loss(objective):
    # the loss of every trial, and their order, are those of images of equal brightness
    brighter = [IMAGES[0], 10 * IMAGES[1], IMAGES[2]]
    options = {"tol": 1e-6, "max_iter": 50}
    first, second = (losses(images, objective, **options) for images in (IMAGES, brighter))
    if isinstance(objective, BIC):  # up to a constant
        first, second = np.diff(first), np.diff(second)
    np.testing.assert_allclose(first, second, rtol=1e-5)


def test_entries_are_drawn_in_each_image_by_its_own_numbers():
    fit = fit_of(IMAGES, k=2)
    assert [rows.stop - rows.start for rows in fit.rows] == [30, 12, 28]
    drawn = drawn_entries(fit, 0.2, 5)
    parts = [drawn[rows] for rows in fit.rows]
    np.testing.assert_array_equal(parts[0].ravel(), drawn_entries(Fit(IMAGES[0], {}), 0.2, 5).ravel())
    other = fit_of([IMAGES[2], IMAGES[1], IMAGES[0]], k=2)
    np.testing.assert_array_equal(parts[1], drawn_entries(other, 0.2, 5)[other.rows[1]])
    assert all(0.1 < part.mean() < 0.3 for part in parts)
    assert not np.array_equal(parts[0][:12], parts[1])


def test_a_trial_is_the_joint_fit_without_the_hidden_entries():
    images = [IMAGES[0], image((12,), 1, energy=ENERGY[2:]), 3 * IMAGES[2]]
    options = {"mask": [None, np.arange(12) > 1, None], "image_weights": [1.0, 4.0, 2.0], "random_state": 0}
    with pytest.warns(mf.errors.MffnbWarning, match="channels"):
        fit = fit_of(images, k=2, sparsity=1e-3, **options)
    loss = HeldOut().measure(fit).loss
    hidden = drawn_entries(fit, 0.1, 0)
    aligned = [one.sel(energy=ENERGY[2:]) for one in images]
    seen = [
        one.copy(data=np.where(hidden[rows].reshape(one.shape), np.nan, one.values))
        for one, rows in zip(aligned, fit.rows, strict=True)
    ]
    joint = mf.unmix(seen, 2, sparsity=1e-3, **options)
    error = whole = 0.0
    for part, one, rows, weight in zip(joint, aligned, fit.rows, options["image_weights"], strict=True):
        model = part.reconstruction().transpose(*one.dims).values
        there = hidden[rows].reshape(one.shape) & np.isfinite(model)
        x, r = one.values[there], model[there]
        error += weight * ((x - r) ** 2).sum() / (x**2).mean()
        whole += weight * x.size
    np.testing.assert_allclose(loss, np.sqrt(error / whole), rtol=1e-9)


def test_settings_and_results_are_those_of_unmix(tmp_path):
    seen = []
    names = []
    for number, one in enumerate(IMAGES[:2]):
        names.append(tmp_path / f"map{number}.nc")
        one.to_netcdf(names[-1])
    found = tune(names, SPACE, lambda joint: seen.append(joint) or float(joint.table().iloc[0, 0]), **OPTIONS)
    assert [len(joint) for joint in seen] == [2, 2]
    joint = found.unmix()
    assert joint.names == ("map0", "map1")
    assert joint.endmembers.equals(mf.unmix(IMAGES[:2], **found.settings).endmembers)
    assert found.unmix(IMAGES[0]).abundances.dims == ("component", "y", "x")


def test_a_journal_belongs_to_its_images(tmp_path):
    path = tmp_path / "search.jsonl"
    whole = tune(IMAGES, SPACE, BIC(), path=path, **OPTIONS)
    again = tune(IMAGES, SPACE, BIC(), path=path, **OPTIONS)
    assert again.trials == whole.trials
    joined = [IMAGES[0].stack(x2=["y", "x"]).transpose("x2", "energy").drop_vars(["x2", "y", "x"]), *IMAGES[1:]]
    with pytest.raises(ValueError, match="images"):
        tune(joined, SPACE, BIC(), path=path, **OPTIONS)


def test_a_worker_receives_the_paths_only(tmp_path):
    path = tmp_path / "map.nc"
    IMAGES[0].to_netcdf(path)
    for given in (path, [path, path]):
        search = SettingsSearch(given, SPACE, BIC(), options={"k": 2})
        search.warn_if_picture()
        assert search.job.cube.size in (480, 960)
        sent = pickle.dumps(search.job)
        assert len(sent) < 2000
        assert pickle.loads(sent).cube.equals(search.job.cube)


def test_degrees_of_freedom_have_no_smoothness_across_a_border():
    images = [IMAGES[0], IMAGES[2]]
    fit = fit_of(images, k=2, smoothness=1e-2, random_state=0)
    shared = fit.unmix().shared
    A, E = shared.abundances.values, shared.endmembers.values
    left = [Smoothed(1e-2, shape).fraction_left(A, E) for shape in [(5, 6), (4, 7)]]
    assert left[0] != left[1]
    assert _freedom(fit, shared) == pytest.approx(freedom(A, E, np.average(left, weights=[30, 28])))


@pytest.mark.parametrize(
    ("space", "options", "error", "message"),
    [
        ({"channels": ["intersection", "interpolate"]}, {}, ValueError, "channels of several images is the same"),
        (SPACE, {"mask": [None]}, ValueError, "mask of 3 images is a list"),
        (SPACE, {"image_weights": [1, 2]}, ValueError, "one number > 0 for each of the 3 images"),
        (SPACE, {"tie": 0.1}, UnsupportedCombinationError, "HeldOut does not take tie"),
        (SPACE, {"tie": 0.1, "objective": BIC()}, UnsupportedCombinationError, "BIC does not take tie"),
        (SPACE, {"tie": 0.1, "objective": MapError()}, UnsupportedCombinationError, "MapError does not take tie"),
        (SPACE, {"channels": "interpolate", "similarity": "kl"}, UnsupportedCombinationError, "interpolated counts"),
    ],
)
def test_what_does_not_suit_a_list_is_refused_before_the_first_trial(space, options, error, message):
    with pytest.raises(error, match=message):
        tune(IMAGES, space, **OPTIONS | options)


def test_ties_and_absent_components_can_be_searched():
    found = tune(IMAGES, {"tie": [0.03, 0.1]}, Repeatability(2), **OPTIONS)
    assert found.unmix().tie == found.settings["tie"]
    assert [trial.failed for trial in found.trials] == [False, False]
    found = tune(IMAGES, {"sparse_images": [0.0, 0.01]}, HeldOut(), **OPTIONS)
    assert [trial.failed for trial in found.trials] == [False, False]
