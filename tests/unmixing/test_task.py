"""One task behind every way to unmix: the same keywords, the same order of components, the same record."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest

import mffnb as mf
from mffnb.cubes.as_cube import as_cube
from mffnb.stability.refit import Refit
from mffnb.unmixing.component_order import component_order
from mffnb.unmixing.solve import solve
from mffnb.unmixing.task import SETTINGS, Task
from mffnb.unmixing.unmix import unmix
from mffnb.widgets.session.parameters import Parameters
from mffnb.widgets.session.session import Session

EXECUTION = {"communicator", "cluster", "checkpoint", "callback", "progress", "gather"}
OF_SEVERAL_IMAGES = {"image_weights", "tie", "sparse_images", "channels"}


@pytest.fixture(scope="module")
def mixture():
    rng = np.random.default_rng(0)
    A = rng.dirichlet([0.2, 0.5, 1.5], (12, 14))
    return A @ np.abs(rng.normal(size=(3, 20))) + 0.01 * rng.random((12, 14, 20))


def share(result):
    amounts = result.abundances.values.reshape(len(result.abundances), -1).sum(axis=1)
    return amounts * np.linalg.norm(result.endmembers.values.reshape(len(amounts), -1), axis=1)


def test_every_keyword_of_unmix_belongs_to_the_task_or_to_its_execution():
    keywords = set(inspect.signature(unmix).parameters)
    assert keywords == {"cube", "k", "random_state", *SETTINGS} | EXECUTION | OF_SEVERAL_IMAGES


def test_an_unknown_keyword_is_answered_with_the_names_that_there_are():
    with pytest.raises(TypeError, match="there is no setting 'sparcity' here: did you mean sparsity"):
        Task.of(k=3, sparcity=1e-3)
    with pytest.raises(TypeError, match="smoothness must be a number >= 0"):
        Task.of(k=3, smoothness="much")


def test_the_steps_of_a_task_are_those_of_unmix(mixture):
    cube = as_cube(mixture)
    task = Task.of(k=3, sparsity=1e-3, random_state=0)
    image = task.prepare(cube)
    result = task.label(cube, image, solve(task, image, image.layout.matrix(cube)))
    expected = mf.unmix(cube, 3, sparsity=1e-3, random_state=0)
    assert result.endmembers.identical(expected.endmembers)
    assert result.abundances.identical(expected.abundances)
    assert {**result.parameters, "created": ""} == {**expected.parameters, "created": ""}


@pytest.mark.parametrize("keywords", [{}, {"volume": "auto"}, {"gain": True}, {"n_init": 2}, {"similarity": "kl"}])
def test_components_fall_in_share_whatever_finds_them(mixture, keywords):
    assert (np.diff(share(mf.unmix(mixture, 3, random_state=0, **keywords))) <= 0).all()


def test_numbers_that_have_a_meaning_are_kept(mixture):
    first = mf.unmix(mixture, 3, random_state=0)
    turned = first.endmembers.isel(component=[2, 0, 1]).assign_coords(component=[0, 1, 2])
    known = mf.unmix(mixture, 3, known=turned, random_state=0)
    np.testing.assert_allclose(known.endmembers, turned, rtol=1e-12)
    assert (np.diff(share(known)) > 0).any()
    assert component_order(np.array([1.0, 2.0]), np.eye(2), numbers_have_meaning=True).tolist() == [0, 1]


def test_the_explorer_and_the_scan_number_and_record_as_unmix_does(mixture):
    answer = mf.unmix(mixture, 3, random_state=0)
    session = Session(as_cube(mixture))
    *_, last = session.solve(Parameters(3))
    scan = mf.selection.scan_rank(mixture, [3], n_init=2, splits=0, held_out=0.0, random_state=0)
    for other in (session.result(last), scan.results[3], mf.unmix(mixture, 3, volume="auto", random_state=0)):
        assert set(answer.parameters) - set(other.parameters) <= {"data", "start"}
        found = mf.selection.match(answer.endmembers.values, other.endmembers.values)
        assert found.tolist() == [0, 1, 2]


def test_a_refit_repeats_the_task_of_its_answer(mixture):
    answer = mf.unmix(mixture, 3, sparsity=1e-3, sum_to_one=False, random_state=0)
    again = Refit.of(answer, {}).solve(answer.cube, seed=5, start=answer)
    ignored = {"init", "random_state", "start", "created"}
    for name in set(answer.parameters) - ignored:
        assert again.parameters[name] == answer.parameters[name], name
    assert again.parameters["init"] == "given"


def test_warnings_point_to_the_line_of_the_caller(mixture):
    with pytest.warns(mf.errors.ConvergenceWarning) as told:
        mf.unmix(mixture, 3, max_iter=2, random_state=0)
    assert {one.filename for one in told} == {__file__}
    counts = mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube
    with warnings.catch_warnings(record=True) as told:  # there may be others, such as that of a split
        warnings.simplefilter("always")
        mf.unmix(counts, 4, volume="auto", weights="equal", random_state=0)
    assert mf.errors.DisagreementWarning in {one.category for one in told}
    assert {one.filename for one in told} == {__file__}


@pytest.mark.parametrize("k", [0, -1, 2.0, "3", True])
def test_a_wrong_number_of_components_is_refused_by_the_name_k(mixture, k):
    with pytest.raises(ValueError, match="k must be a whole number >= 1"):
        mf.unmix(mixture, k)
    assert mf.unmix(mixture, np.int64(2), max_iter=1000, random_state=0).endmembers.sizes["component"] == 2


@pytest.mark.parametrize("seed", [-1, "a", 1.5, [-3]])
def test_a_wrong_seed_is_refused_in_one_sentence(mixture, seed):
    with pytest.raises(ValueError, match="random_state must be None, a whole number >= 0 or a generator"):
        mf.unmix(mixture, 2, init="random", random_state=seed)
