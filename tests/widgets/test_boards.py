"""The view of the rank explorer and the tuning monitor: tools, history and names of the explorer, without a run."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import mffnb as mf
from mffnb.errors import UnsupportedCombinationError
from mffnb.selection import scan_rank
from mffnb.tuning import BIC, tune
from mffnb.widgets.boards.board import OF_AN_EXPLORER
from mffnb.widgets.boards.known_components import KnownComponents
from mffnb.widgets.boards.search_calls import call_of_trial
from mffnb.widgets.session.answer_session import AnswerSession
from mffnb.widgets.session.search_answer import SearchAnswer, with_component_numbers
from mffnb.widgets.tools import TOOLS
from tests.conftest import mixture

OPTIONS = {"n_init": 2, "splits": 1, "random_state": 0}


@pytest.fixture(scope="module")
def cube():
    return mixture(shape=(10, 14))


@pytest.fixture(scope="module")
def scan(cube):
    return scan_rank(cube, range(2, 5), **OPTIONS)


@pytest.fixture(scope="module")
def search(cube):
    return tune(cube, {"sparsity": [1e-3, 0.1], "k": [2, 3]}, BIC(), algorithm="grid", max_evals=4, k=None)


@pytest.fixture(scope="module")
def opened(scan, search):
    """Both widgets with the answer that the search itself has selected, and the number of its step in the history."""
    boards = {"ranks": mf.RankExplorer(scan), "monitor": mf.TuningMonitor(search)}
    for board in boards.values():
        board.wait(60)
    yield boards, {name: len(board.history.entries) for name, board in boards.items()}
    for board in boards.values():
        board.close()


def selected(opened, name, number):
    """Select an answer; return to that of the search afterwards."""
    board = opened[0][name]
    select(board, number)
    yield board
    board.wait(60)
    board.go_to(0)
    board.wait(60)


@pytest.fixture
def ranks(opened):
    yield from selected(opened, "ranks", 2)


@pytest.fixture
def monitor(opened):
    yield from selected(opened, "monitor", 1)


@pytest.fixture(params=["ranks", "monitor"])
def board(request):
    return request.getfixturevalue(request.param)


def shown(board):
    board.wait(60)
    return board.view.encoded["header"]


def select(board, number):
    board.choose(number)
    board.wait(60)


NEAR = ((2, 5), (3, 4), (3, 5), (3, 6), (4, 5))  # pixels within the radius 1 of (3, 5)


def test_a_pixel_is_split_into_the_components_of_the_answer(board, cube):
    found, model = board.probe(pixel=(3, 5), radius=1), board.result.reconstruction()
    np.testing.assert_allclose(found.measured, np.mean([cube.values[place] for place in NEAR], axis=0))
    np.testing.assert_allclose(found.model, np.mean([model.values[place] for place in NEAR], axis=0))
    np.testing.assert_allclose(found.contributions.sum("component"), found.model)
    assert list(board.pins) == ["P1"]


def test_the_residual_map_is_that_of_the_answer_in_units_of_the_noise(board):
    misfit, left = board.residual_map(), board.result.residual()
    ratio = np.sqrt((left**2).mean(left.dims[-1])) / misfit
    np.testing.assert_allclose(ratio, ratio.values.flat[0])
    select(board, 3)
    shown = board.view.tool_residual_map
    assert shown["median"] == pytest.approx(float(board.residual_map().median()), rel=1e-6)


def test_bands_regions_profiles_and_composites_are_those_of_an_explorer(board, cube):
    np.testing.assert_allclose(board.band(404, 408), cube.values[..., 2:5].sum(axis=-1))
    region = board.region(mask=np.arange(140).reshape(10, 14) < 20, name="top")
    np.testing.assert_allclose(region.mean_spectrum, cube.values.reshape(140, -1)[:20].mean(axis=0))
    assert board.profile((0, 0), (4, 0)).sizes["component"] == len(board.result.endmembers)
    assert board.composite().dims == ("y", "x", "rgb")
    select(board, 3)
    assert list(board.regions) == ["top"]


def test_names_stay_with_components_while_other_answers_are_shown(board):
    numbers = board.result.endmembers.component.values.tolist()
    board.rename(numbers[1], "lignin")
    board.set_color(numbers[0], 4)
    select(board, 3)
    labels = dict(zip(shown(board)["numbers"], shown(board)["labels"], strict=True))
    assert labels[numbers[1]] == "lignin"
    assert board.result.endmembers.label.sel(component=numbers[1]) == "lignin"
    assert board.result.endmembers.color.sel(component=numbers[0]) == mf.component_colors(5)[4]
    board.undo()
    assert dict(board.appearance.colors) == {numbers[0]: mf.component_colors(5)[4]}
    board.undo()
    assert board.names == {numbers[1]: "lignin"}


def test_undo_returns_to_the_answer_before_and_selects_it(board):
    before, chosen = board.view.encoded["spectra"], board.slider.value
    step = board.history.position
    select(board, 3)
    assert board.history.position == step + 1
    board.undo()
    board.wait(60)
    assert board.view.encoded["spectra"] == before
    assert board.slider.value == chosen
    board.redo()
    board.wait(60)
    assert board.slider.value == 3
    assert board.result.endmembers.identical(board.stage.result.endmembers)
    select(board, 3)
    assert board.history.position == step + 1  # it was selected already


def test_the_history_names_the_answers(board):
    select(board, 3)
    last = board.view.tool_show_history["entries"][-1]
    k = len(board.result.endmembers)
    assert last["change"] == {"RankExplorer": f"k = {k}", "TuningMonitor": "trial 3"}[type(board).__name__]
    assert f"k = {k}" in last["settings"]


def test_answers_that_the_search_selects_are_no_steps(opened):
    _, steps = opened
    assert steps == {"ranks": 1, "monitor": 1}


def test_tools_of_a_run_are_not_offered_and_refused_in_one_sentence(ranks):
    arguments = {
        "apply": {"k": 2},
        "apply_suggestion": {"setting": "k"},
        "fit_only": {"name": "R1"},
        "fix": {"component": 0, "region": "R1"},
        "hold": {"what": 0},
        "leave_out": {"name": "R1"},
        "leave_out_channels": {"between": (0, 2)},
        "merge": {"component": 0, "other": 1},
        "release": {"component": 0},
        "save": {"path": "session.zip"},
        "set_number": {"control": "sparsity", "value": 0.1},
        "split": {"component": 0},
    }
    for tool in OF_AN_EXPLORER:
        assert not ranks.view.has_trait(f"tool_{tool}")
    for tool in OF_AN_EXPLORER - {"back"}:  # which shows the present answer again
        with pytest.raises(UnsupportedCombinationError, match=r"belongs to an explorer.*explore\(\)"):
            getattr(ranks, tool)(**arguments.get(tool, {}))


def test_all_other_tools_are_offered(ranks):
    assert {name for name in TOOLS if ranks.view.has_trait(f"tool_{name}")} == {*TOOLS} - OF_AN_EXPLORER
    for name in {*TOOLS} - OF_AN_EXPLORER:
        assert "stage" in inspect.signature(TOOLS[name]).parameters


def run(code, cube):
    names = {}
    lines = ["cube = given" if line.startswith("cube = ") else line for line in code.splitlines()]
    exec("\n".join(lines), {"given": cube}, names)
    return names["result"]


def test_the_code_gives_the_answer_that_is_shown(board, cube):
    numbers = board.result.endmembers.component.values.tolist()
    board.rename(numbers[-1], "rest")
    text = board.code()
    assert f"passed to mf.{type(board).__name__}" in text
    found = run(text, cube)
    mine = board.result
    place = {str(label): row for row, label in enumerate(found.endmembers.label.values)}
    rows = [place[str(label)] for label in mine.endmembers.label.values]
    np.testing.assert_array_equal(found.endmembers.values[rows], mine.endmembers.values)
    np.testing.assert_array_equal(found.abundances.values[rows], mine.abundances.values)


def test_an_error_is_one_number_everywhere(ranks, monitor, cube):
    counts = np.random.default_rng(0).poisson(20 * cube.values).astype(float)
    poisson = scan_rank(counts, [2, 3], n_init=2, splits=0, random_state=0, similarity="kl")
    for scan in (ranks.scan, poisson):
        for k, result in scan.results.items():
            assert float(scan.evidence.relative_error.sel(k=k)) == float(result.trace.relative_error[-1])
    select(ranks, 3)
    error = float(ranks.result.trace.relative_error[-1])
    assert shown(ranks)["status"]["relative_error"] == error
    label = next(spot["label"] for spot in ranks.criteria.spots if spot["value"] == 3)
    assert f"relative error {error:.3g}" in label
    assert f"relative error {error:.3g}" in repr(ranks.result)
    assert ranks.history.entries[-1].relative_error == error
    error = float(monitor.result.trace.relative_error[-1])
    assert (monitor.trial.error, shown(monitor)["status"]["relative_error"]) == (error, error)
    assert f"relative error <b>{error:.3g}</b>" in monitor._board.description.value


def test_an_explorer_is_opened_with_the_names(board):
    numbers = board.result.endmembers.component.values.tolist()
    board.rename(numbers[0], "lignin")
    board.hide(numbers[1])
    explorer = board.explore()
    explorer.wait(60)
    assert explorer.names == {numbers[0]: "lignin"}
    assert explorer.appearance.hidden == {numbers[1]}
    assert explorer.history.steps == (0, 0)


def test_a_k_that_is_never_reached_is_said_and_undone(scan, ranks):
    before = ranks.k
    ranks._numbers = [*ranks._numbers, 9]
    ranks.slider.options = [(str(k), k) for k in ranks._numbers]
    ranks.slider.value = before
    ranks.choose(9)
    assert ranks.view.error == "k = 9 is not finished: select another k (finished: 2, 3, 4)"
    ranks.undo()
    ranks.wait(60)
    assert (ranks.k, ranks.view.error) == (before, "")


def test_tools_say_that_a_failed_trial_has_no_maps(cube):
    def strong_fails(result):
        if result.parameters["sparsity"] > 0.3:
            raise RuntimeError("too strong")
        return 0.0

    search = tune(cube, {"sparsity": [0.1, 0.4]}, strong_fails, k=2, algorithm="grid", max_evals=2)
    monitor = mf.TuningMonitor(search)
    monitor.wait(60)
    select(monitor, 1)
    assert monitor.view.encoded == {}
    with pytest.raises(ValueError, match="trial 1 has no maps: RuntimeError: too strong"):
        monitor.probe(pixel=(0, 0))
    monitor.undo()
    monitor.wait(60)
    assert (monitor.slider.value, shown(monitor)["parameters"]["trial"]) == (0, 0)
    monitor.close()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"mask": np.arange(140).reshape(10, 14) % 7 > 0},
        {"preprocess": [mf.preprocessing.UnitSum()]},
        {"preprocess": [mf.preprocessing.Anscombe()]},
        {"gain": True},
        {"known": "first"},
    ],
    ids=lambda settings: next(iter(settings), "plain"),
)
def test_the_state_of_an_answer_has_its_factors(cube, settings):
    if settings.get("known") == "first":
        settings = {"known": cube.values[0, :1]}
    result = mf.unmix(cube, 3, random_state=0, **settings)
    given = {"k": 3, "random_state": 0, **settings}
    named = with_component_numbers(result, (2, 0, 1))
    session = AnswerSession("mf.TuningMonitor")
    solved = session.solved(SearchAnswer(named, given, (2, 0, 1), call_of_trial(given), {"trial": 0}))
    state, matrix = solved.state, solved.data.matrix
    X = matrix.times(np.eye(matrix.shape[1])).T
    A = state.abundances if state.gain is None else state.abundances * state.gain
    error = np.linalg.norm(X - A.T @ state.endmembers) / np.linalg.norm(X)
    left = result.residual() if result.processed is None else None
    wanted = (
        result.trace.relative_error[-1]
        if left is None
        else np.sqrt((left**2).sum() / (cube.where(left.notnull()) ** 2).sum())
    )
    assert error == pytest.approx(float(wanted), rel=1e-6)
    assert solved.names == (0, 1, 2)
    np.testing.assert_array_equal(named.endmembers[0], result.endmembers[1])


def test_numbers_of_components_are_given_once(cube):
    known = KnownComponents()
    three, two = (mf.unmix(cube, k, random_state=0) for k in (3, 2))
    assert known.numbers(three) == (0, 1, 2)
    numbers = known.numbers(two)
    assert {*numbers} < {0, 1, 2}
    assert known.numbers(three) == (0, 1, 2)
    other = mf.unmix(cube[..., ::2], 2, random_state=0)
    assert known.numbers(other) == (3, 4)
