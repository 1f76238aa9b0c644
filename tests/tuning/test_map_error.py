"""Error of maps as the objective of a search, and the settings that a search proposes."""

from __future__ import annotations

import numpy as np
import pytest

import mffnb as mf
from benchmarks.accuracy import map_error
from benchmarks.shared.textured_scenes import drawn
from mffnb.errors import UnsupportedCombinationError
from mffnb.tuning import HeldOut, MapError, Trial, tune
from mffnb.tuning.default_objective import default_objective
from mffnb.tuning.evaluation import Fit
from mffnb.tuning.map_error import Reference
from mffnb.tuning.proposal import proposal
from tests.conftest import mixture

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.MffnbWarning")


@pytest.fixture(scope="module")
def cube():
    return mixture((12, 13), noise=0.02)


@pytest.mark.parametrize(
    "settings",
    [{}, {"similarity": "kl"}, {"sum_to_one": True}, {"gain": True}, {"volume": 1e-3}, {"mask": np.arange(13) > 1}],
    ids=str,
)
def test_strong_smoothness_has_a_larger_error_than_none(cube, settings):
    cube = cube.copy(deep=True)
    if "mask" in settings:
        settings = {"mask": np.broadcast_to(settings["mask"], cube.shape[:2])}
        cube[5, 5, 3] = np.nan
    if settings.get("similarity") == "kl":
        cube = cube.clip(0)
    fit = [Fit(cube, {"k": 3, "random_state": 0, "smoothness": weight, **settings}) for weight in (0.0, 1e3)]
    none, strong = (MapError().measure(one) for one in fit)
    assert 0 < none.loss < strong.loss
    assert len(none.parts) == 20


@pytest.mark.parametrize("counts", [False, True])
def test_without_noise_each_half_of_the_entries_gives_the_fractions_of_the_fit(counts):
    exact = mf.unmix(mixture((6, 7), noise=0.05), 3, random_state=0)
    cube = exact.reconstruction().rename("intensity")
    first = np.random.default_rng(0).random(cube.shape) < 0.5
    reference = Reference.of(exact, Fit(cube, {"similarity": "kl" if counts else "frobenius"}), first)
    fractions = reference.fractions(exact)
    np.testing.assert_allclose(fractions.sum(axis=0), 1.0)
    for half in reference.halves:
        np.testing.assert_allclose(half, fractions, atol=1e-4)


def test_the_reference_keeps_penalties_that_are_not_searched(cube):
    memory = {}
    for weight in (0.0, 0.1):
        fit = Fit(cube, {"k": 3, "random_state": 0, "sparsity": 0.01, "smoothness": weight}, memory)
        MapError(without=("smoothness",)).measure(fit)
    assert len(memory) == 1  # the same reference for both
    assert "('sparsity', 0.01)" in next(iter(memory))[2]


@pytest.mark.parametrize(
    ("space", "named"),
    [({"k": [2, 3]}, "several k"), ({"volume": "auto"}, "volume"), ({"transform": "rounding"}, "transform")],
)
def test_settings_whose_maps_cannot_be_compared_are_refused(cube, space, named):
    with pytest.raises(UnsupportedCombinationError, match=named):
        tune(cube, {"smoothness": [0.0, 1.0], **space}, MapError(), **({} if "k" in space else {"k": 2}))
    with pytest.raises(ValueError, match="tuple of names"):
        MapError(without="smoothness")


def test_the_default_objective_follows_from_the_searched_keywords():
    assert default_objective({"smoothness": (1e-3, 1.0)}, {"k": 3}) == MapError(without=("smoothness",))
    assert default_objective({"smoothness": (1e-3, 1.0), "sparsity": [0, 1]}, {"k": 3}) == MapError()
    for space, options in (
        ({"sparsity": (1e-3, 1.0), "smoothness": 0.0}, {"k": 3}),
        ({"smoothness": (1e-3, 1.0), "k": [2, 3]}, {}),
        ({"smoothness": (1e-3, 1.0)}, {"k": 3, "volume": "auto"}),
        ({"smoothness": (1e-3, 1.0)}, {"k": 3, "preprocess": [mf.preprocessing.UnitSum()]}),
    ):
        assert default_objective(space, options) == HeldOut()


def test_a_resumed_search_has_the_same_parts_and_proposal(cube, tmp_path):
    search = {"k": 3, "algorithm": "grid", "max_evals": 3, "path": tmp_path / "search.jsonl"}
    space = {"smoothness": [0.0, 1e-2, 1e3]}
    found = tune(cube, space, MapError(), **search)
    again = tune(cube, space, MapError(), **search)
    assert all(len(trial.parts) == 20 for trial in found.trials)
    assert again.trials == found.trials
    assert (again.settings, again.advice) == (found.settings, found.advice)


def trials_of(*parts, name="smoothness", k=3):
    weights = (0.0, 0.1, 1.0)
    return [
        Trial(number, {name: weight, "k": k}, float(np.mean(part)), parts=tuple(part))
        for number, (weight, part) in enumerate(zip(weights, parts, strict=True))
    ]


def test_a_penalty_is_proposed_only_if_it_is_clearly_better():
    base = np.random.default_rng(0).random(20)
    clear = trials_of(base, base - 0.1, base + 1)
    assert proposal(clear, clear[1])[0] == {"smoothness": 0.1, "k": 3}
    assert "lower than with the weakest penalty" in proposal(clear, clear[1])[1]
    mixed = base - 0.001 + 0.1 * np.where(np.arange(20) % 2, 1, -1)
    unclear = trials_of(base, mixed, base + 1)
    assert proposal(unclear, unclear[1])[0] == {"smoothness": 0.0, "k": 3}
    assert "no penalty helps" in proposal(unclear, unclear[1])[1]


def test_trials_without_parts_or_penalties_propose_the_best_one():
    plain = [Trial(0, {"smoothness": 0.0}, 2.0), Trial(1, {"smoothness": 1.0}, 1.0)]
    assert proposal(plain, plain[1]) == ({"smoothness": 1.0}, "")
    of_k = [Trial(0, {"k": 2}, 2.0, parts=(1.0, 3.0)), Trial(1, {"k": 3}, 1.0, parts=(1.0, 1.0))]
    assert proposal(of_k, of_k[1]) == ({"k": 3}, "")


def test_proposed_smoothness_does_not_blur_simulated_maps():
    for number in range(2):
        scene = drawn(np.random.default_rng([4, number]), "smooth", counts=False)
        judged = map_error.judge(scene, "smoothness")
        assert judged["MapError"].over_zero < judged["HeldOut"].over_zero
        assert judged["MapError"].over_zero < 1.2
