"""Hyperparameter search: identical trials on all executors, resume after interruption, failed trials, errors."""

from __future__ import annotations

import inspect
import json
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from hyperopt import hp

import mffnb as mf
from mffnb.errors import CheckpointWarning, UnsupportedCombinationError
from mffnb.tuning import BIC, Ended, HeldOut, Repeatability, TargetSparsity, Trial, staged, tune
from mffnb.tuning.fingerprint import fingerprint
from mffnb.tuning.search_loop import SettingsSearch

SPACE = {"sparsity": (1e-3, 1.0), "smoothness": (1e-3, 1.0), "k": [2, 3]}


@pytest.fixture(scope="module")
def cube():
    return mf.datasets.tof_sims_2d(seed=0, shape=(8, 12)).cube[..., ::15]


def search(cube, **options):
    return tune(
        cube, SPACE, **{"objective": BIC(), "max_evals": 26, "seed": 3, **options}
    )  # more than the 20 random trials at the start of TPE


@pytest.fixture(scope="module")
def serial(cube):
    return search(cube)


def test_trials_on_threads_equal_those_of_one_thread(cube, serial):
    with ThreadPoolExecutor(2) as pool:
        assert search(cube, executor=pool).trials == serial.trials


@pytest.mark.slow
def test_process_pool_receives_the_cube_with_a_trial(cube):
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        found = search(cube, max_evals=6, executor=pool)
    assert found.trials == search(cube, max_evals=6).trials


def test_trials_depend_on_the_seed_and_on_the_losses(cube, serial):
    assert search(cube, seed=4, max_evals=4).trials[0].settings != serial.trials[0].settings
    other = search(cube, objective=lambda result: float(result.abundances[0].std()))
    assert [t.settings for t in other.trials[:20]] == [t.settings for t in serial.trials[:20]]
    assert [t.settings for t in other.trials] != [t.settings for t in serial.trials]


@pytest.fixture(scope="module")
def journal(cube, tmp_path_factory):
    """The file of a search with 23 trials, three of which TPE proposed."""
    path = tmp_path_factory.mktemp("journal") / "search.jsonl"
    search(cube, max_evals=23, path=path)
    return path.read_bytes()


@pytest.mark.parametrize("cut", [1, 40, -25, -1])
def test_search_resumes_from_an_incomplete_file(cube, serial, journal, tmp_path, cut):
    path = tmp_path / "search.jsonl"
    path.write_bytes(journal[:cut])
    seen = []
    again = search(cube, path=path, callback=seen.append)
    assert again.trials == serial.trials
    assert [trial.number for trial in seen] == list(range(0 if cut > 0 else 22, 26))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line.get("number") for line in lines] == [None, *range(26)]
    assert search(cube, path=path, callback=pytest.fail).trials == serial.trials


def test_file_of_another_search_raises_an_error_and_is_kept(cube, tmp_path):
    path = tmp_path / "search.jsonl"
    search(cube, max_evals=2, path=path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"another search \(seed 3, now 4\)"):
        search(cube, max_evals=2, path=path, seed=4)
    with pytest.raises(ValueError, match="cube"):
        search(cube + 1, max_evals=2, path=path)
    assert path.read_bytes() == before
    path.write_text("precious")
    with pytest.raises(ValueError, match="holds no search"):
        search(cube, path=path)
    assert path.read_text() == "precious"


def test_journal_depends_on_the_data_and_not_on_their_path(cube, tmp_path):
    path, image = tmp_path / "search.jsonl", tmp_path / "map.npy"
    np.save(image, cube.values)
    found = search(image, max_evals=2, path=path)
    image.rename(tmp_path / "moved.npy")
    assert search(tmp_path / "moved.npy", max_evals=2, path=path, callback=pytest.fail).trials == found.trials
    np.save(image, cube.values + 1)
    with pytest.raises(ValueError, match="another search \\(cube"):
        search(image, max_evals=3, path=path)
    assert fingerprint(cube) == fingerprint(cube.chunk({"y": 3})) == fingerprint(cube.values)


def test_tune_and_settings_search_have_equal_defaults():
    call = inspect.signature(tune).parameters
    for name, parameter in inspect.signature(SettingsSearch).parameters.items():
        assert name == "options" or parameter.default == call[name].default


@pytest.mark.parametrize(
    "damage", [b"x\n", b"[]\n", b"[" * 100_000 + b"\n", b'{"number": 1}\n', b"\xff\xfe\n", b"\0\n"]
)
def test_damaged_line_is_skipped_and_told(cube, tmp_path, damage):
    path = tmp_path / "search.jsonl"
    whole = search(cube, max_evals=3, path=path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], damage, *lines[3:]]))
    with pytest.warns(CheckpointWarning, match="skipped 1 damaged lines and 1 trials after a gap"):
        resumed = search(cube, max_evals=3, path=path)
    assert [trial.loss for trial in resumed.trials] == [trial.loss for trial in whole.trials]


def bad_below(result):
    """Objective that raises an error or returns NaN for most settings."""
    weight = result.parameters["sparsity"]
    if weight < 1e-2:
        raise RuntimeError("too weak")
    return float("nan") if weight < 0.1 else weight


def test_failed_trials_are_recorded_and_the_search_continues(cube, tmp_path):
    path = tmp_path / "search.jsonl"
    found = tune(cube, SPACE, bad_below, algorithm="random", max_evals=12, path=path)
    kinds = {trial.message.split(":")[0] for trial in found.trials}
    assert kinds == {"", "RuntimeError", "the loss is not finite"}
    assert found.best.settings["sparsity"] == min(t.loss for t in found.trials if not t.failed)
    assert "NaN" not in path.read_text()
    assert tune(cube, SPACE, bad_below, algorithm="random", max_evals=12, path=path).trials == found.trials
    table = found.table()
    assert list(table["sparsity"]) == [t.settings["sparsity"] for t in found.trials]
    assert list(table["message"]) == [t.message for t in found.trials]
    assert tune(cube, SPACE, bad_below, max_evals=22).trials[21].point  # TPE proposes points after failures


def test_best_raises_an_error_if_all_trials_failed(cube):
    found = tune(cube, {"sparsity": [-1.0]}, k=2, max_evals=2)
    assert all(trial.failed for trial in found.trials)
    with pytest.raises(ValueError, match="the first one failed: ValueError"):
        _ = found.best


def test_patience_ends_the_search_at_the_same_trial_on_threads(cube):
    serial = tune(cube, SPACE, lambda result: 1.0, max_evals=30, patience=3)
    with ThreadPoolExecutor(2) as pool:
        threaded = tune(cube, SPACE, lambda result: 1.0, max_evals=30, patience=3, executor=pool)
    assert serial.ended is threaded.ended is Ended.SETTLED
    assert serial.trials == threaded.trials
    assert len(serial.trials) == 4


def test_stop_keeps_finished_trials(cube, tmp_path):
    path = tmp_path / "search.jsonl"
    event = threading.Event()
    found = search(cube, stop=event, path=path, callback=lambda trial: trial.number == 2 and event.set())
    assert found.ended is Ended.STOPPED
    assert [trial.number for trial in found.trials] == [0, 1, 2]
    assert len(search(cube, callback=lambda trial: trial.number == 1).trials) == 2
    assert search(cube, max_evals=5, path=path).trials[:3] == found.trials


def test_interrupt_keeps_finished_trials(cube):
    def interrupted(result):
        if result.parameters["k"] == 2:
            raise KeyboardInterrupt
        return 0.0

    found = tune(cube, {"k": [3, 2]}, interrupted, algorithm="grid", max_evals=2)
    assert found.ended is Ended.INTERRUPTED
    assert len(found.trials) == 1


def test_grid_and_line_search_visit_their_levels(cube):
    grid = tune(cube, {"sparsity": (1e-3, 0.1), "k": [2, 3]}, algorithm="grid", max_evals=7)
    assert [(round(t.settings["sparsity"], 6), t.settings["k"]) for t in grid.trials] == [
        (0.001, 2), (0.001, 3), (0.01, 2), (0.01, 3), (0.1, 2), (0.1, 3),
    ]  # fmt: skip
    line = tune(cube, {"sparsity": (1e-3, 1.0), "k": [2, 3]}, algorithm="line", max_evals=16)
    settings = [t.settings for t in line.trials]
    np.testing.assert_allclose([s["sparsity"] for s in settings[:7]], np.geomspace(1e-3, 1, 7))
    assert [s["k"] for s in settings[:9]] == [2] * 8 + [3]
    best = min(line.trials[:9], key=lambda t: t.loss)
    assert all(s["k"] == best.settings["k"] for s in settings[9:16])
    around = sorted(s["sparsity"] for s in settings[9:16])
    assert around[0] <= best.settings["sparsity"] <= around[-1]
    assert around[1] / around[0] == pytest.approx(10**0.25)


def test_space_accepts_objects_and_hyperopt_expressions(cube):
    space = {"solver": [mf.solvers.Hals(), "auto"], "sparsity": hp.uniform("weight", 0, 0.5)}
    found = tune(cube, space, BIC(), algorithm="anneal", max_evals=4, k=2)
    assert not any(trial.failed for trial in found.trials)
    whole = hp.choice("kind", [{"sparsity": hp.loguniform("s", -5, 0)}, {"smoothness": 0.1}])
    assert {len(t.settings) for t in tune(cube, whole, BIC(), max_evals=6, k=2).trials} == {1}
    with pytest.raises(ValueError, match="needs ranges"):
        tune(cube, whole, algorithm="grid", k=2)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"sparsity": (0.0, 1.0)}, "0 < low < high"),
        ({"sparsity": (1, 2, 3)}, "two numbers"),
        ({"k": (2, 5)}, "k is an integer"),
        ({"k": []}, "no choices"),
        ({"k": 3}, "nothing to search"),
    ],
)
def test_invalid_spaces_raise_an_error(cube, space, message):
    with pytest.raises(ValueError, match=message):
        tune(cube, space)


def test_invalid_parameters_raise_an_error_with_advice(cube, tmp_path):
    with pytest.raises(ValueError, match="'bayes' is not known: use 'tpe'"):
        tune(cube, SPACE, algorithm="bayes")
    with pytest.raises(TypeError, match="function of an Unmixing"):
        tune(cube, SPACE, "bic")
    with pytest.raises(TypeError, match="space is a dict"):
        tune(cube, [1, 2])
    with pytest.raises(ValueError, match="max_evals must be"):
        tune(cube, SPACE, max_evals=0)
    with pytest.raises(FileNotFoundError):
        tune(tmp_path / "no.npy", SPACE)


def test_cube_may_be_a_path_and_is_not_modified(cube, tmp_path):
    np.save(tmp_path / "map.npy", cube.values)
    kept = cube.copy(deep=True)
    by_path = tune(tmp_path / "map.npy", SPACE, max_evals=3)
    assert by_path.trials == tune(cube, SPACE, max_evals=3).trials
    assert cube.identical(kept)
    assert by_path.unmix().abundances.shape[1:] == (8, 12)


@pytest.mark.parametrize("objective", [HeldOut(), Repeatability(2), BIC(), TargetSparsity()])
@pytest.mark.parametrize("similarity", ["frobenius", "kl"])
def test_objectives_are_finite_for_both_similarities(cube, objective, similarity):
    found = tune(cube, {"sparsity": [1e-3, 0.1]}, objective, k=3, similarity=similarity, algorithm="grid", max_evals=2)
    assert not any(trial.failed for trial in found.trials), found.trials
    assert found.trials[0].loss != found.trials[1].loss


def test_held_out_error_detects_underfitting_and_overfitting():
    rng = np.random.default_rng(0)
    cube = rng.random((6, 6, 3)) @ rng.random((3, 20))
    found = tune(cube, {"k": [1, 3]}, HeldOut(), algorithm="grid", max_evals=2, tol=1e-9, max_iter=3000)
    one, three = found.trials
    assert three.loss < 1e-3
    assert one.loss > 0.01
    noise = rng.random((12, 12, 10))
    fits = tune(noise, {"k": [1, 8]}, HeldOut(), algorithm="grid", max_evals=2).trials
    assert fits[1].error < fits[0].error
    assert fits[1].loss > fits[0].loss  # more components fit noise, and predict it worse


def test_held_out_objective_refuses_automatic_volume(cube):
    with pytest.raises(UnsupportedCombinationError, match="use Repeatability"):
        tune(cube, {"k": [2, 3]}, HeldOut(), volume="auto")
    found = tune(cube, {"volume": [1e-3, "auto"]}, HeldOut(), k=2, volume="auto", algorithm="grid", max_evals=2)
    assert [trial.failed for trial in found.trials] == [False, True]
    assert "give the volume a weight" in found.trials[1].message


def test_target_sparsity_stays_near_the_unpenalised_error(cube):
    found = tune(cube, {"sparsity": (1e-3, 3.0)}, TargetSparsity(), k=3, algorithm="line", max_evals=14)
    bare = mf.unmix(cube, 3, random_state=0)
    allowed = [t for t in found.trials if t.error <= 1.02 * float(bare.trace.relative_error[-1]) + 1e-9]
    assert found.best in allowed
    assert found.best.sparseness == max(t.sparseness for t in allowed)


def test_staged_search_selects_sparsity_first(cube, tmp_path):
    first, second = staged(cube, k=3, max_evals=4, path=tmp_path / "s.jsonl")
    assert [t.settings["sparsity"] for t in first.trials[:2]] == [0.0, 1e-3]
    assert {t.settings["smoothness"] for t in first.trials} == {0.0}
    assert {t.settings["sparsity"] for t in second.trials} == {first.best.settings["sparsity"]}
    assert second.trials[0].settings["smoothness"] == 0.0
    assert second.best.loss <= second.trials[0].loss
    assert [one.record["objective"][:8] for one in (first, second)] == ["HeldOut(", "MapError"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["s.smoothness.jsonl", "s.sparsity.jsonl"]
    assert staged(cube, k=3, max_evals=4, path=tmp_path / "s.jsonl")[1].trials == second.trials


def test_search_plot_shows_every_trial(serial):
    axes = {ax.get_gid(): ax for ax in serial.plot().axes}
    lines = {line.get_label(): line for line in axes["loss"].lines}
    assert len(lines["trial"].get_xdata()) == len(axes["front"].lines[0].get_xdata()) == 26
    assert len(axes["settings"].collections[0].get_offsets()) == 26
    assert lines["best so far"].get_ydata()[-1] == serial.best.loss
    assert all(isinstance(trial, Trial) for trial in serial.pareto())
