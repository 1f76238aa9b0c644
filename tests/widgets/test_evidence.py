"""Evidence for k beside its slider, without a browser; and what keeps its place, colour and name when k moves."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

import mffnb as mf
from mffnb.matrices import in_memory
from mffnb.matrices.cancellation import Cancelled, iterate_cancellable
from mffnb.selection.data_criteria import DataCriteria
from mffnb.selection.recommendation import BLURRED, blur_of
from mffnb.unmixing.image import Prepared

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")


@pytest.fixture(scope="module")
def scene():
    """A map of three materials, whose neighbouring pixels are similar."""
    return mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60)).cube


@pytest.fixture
def explore():
    opened = []
    yield lambda cube, **options: opened.append(mf.explore(cube, **{"k": 3, **options})) or opened[-1]
    for one in opened:
        one.close()


def moved(explorer, **values):
    explorer.controls.set(**values)
    explorer.wait(60)


def cells(explorer):
    return {one["k"]: one for one in explorer.view.tool_evidence["cells"]}


def test_errors_are_those_of_the_answers_with_these_settings(explore, scene):
    explorer = explore(scene, k=2, max_components=5)
    explorer.wait(60)
    for k in (3, 4):
        moved(explorer, k=k)
    answers = {entry.parameters.k: entry.relative_error for entry in explorer.history.entries}
    table = explorer.evidence()
    assert table.relative_error.dropna().to_dict() == answers
    assert {k: one["error"] for k, one in cells(explorer).items() if one["error"] is not None} == answers
    shown = explorer.view.encoded["header"]["status"]["relative_error"]
    assert shown == table.relative_error[4]  # one number for one error
    assert explorer.view.tool_show_history["entries"][-1]["error"] == f"{shown:.3g}"
    assert set(table.settings) == {""}

    moved(explorer, sparsity=0.1)
    again = explorer.evidence()
    assert again.settings.to_dict() == {1: "", 2: "no sparsity", 3: "no sparsity", 4: "", 5: ""}
    assert again.relative_error[4] == explorer.history.entries[-1].relative_error
    explorer.undo()
    explorer.wait(60)
    assert explorer.evidence().equals(table)


def test_evidence_of_the_data_is_computed_on_request_and_says_what_the_scan_says(explore, scene):
    explorer = explore(scene, max_components=6)
    explorer.wait(60)
    assert explorer.evidence().image.isna().all()
    assert set(explorer.evidence().reproduced) == {""}
    explorer.fill_evidence(wait=True)
    shown = explorer.view.tool_evidence
    scan = mf.selection.scan_rank(scene, range(2, 7), n_init=1, held_out=0, random_state=0)
    assert shown["advice"] == str(scan.recommend())
    assert shown["share"] == 1.0
    table = explorer.evidence()
    np.testing.assert_allclose(table.image, scan.evidence.images[:6])
    done = table.reproduced != ""
    np.testing.assert_allclose(table.split_half[done], scan.evidence.split_half.sel(k=table.index[done]))
    words = np.select([table.image > 2, table.image > 1.2], ["yes", "unclear"], "no")
    assert [one["image"] for one in cells(explorer).values()] == words.tolist()

    moved(explorer, similarity="huber")  # the evidence of the data does not depend on the settings of the fit
    assert explorer.evidence().image.equals(table.image)


def test_no_halves_are_compared_beyond_the_first_k_that_they_do_not_reproduce(scene):
    image = Prepared.of(scene, None, None, (), None)
    criteria = DataCriteria(image.layout.matrix(image.cube), image, range(2, 9), seed=0)
    shares = list(criteria.steps())
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    found = criteria.evidence
    blur = blur_of(found.angles.values, found.within.values)
    assert (blur[:-1] < BLURRED).all()
    assert blur[-1] >= BLURRED
    assert len(found.k) < 7
    assert list(criteria.steps()) == []


def cancel_after(criteria, most):
    done = []
    steps = iterate_cancellable(criteria.steps(), lambda: len(done) >= most)
    while True:
        done.append(next(steps))


def test_computation_that_was_cancelled_goes_on_with_the_same_numbers(scene):
    image = Prepared.of(scene, None, None, (), None)
    matrix = image.layout.matrix(image.cube)
    whole, parts = (DataCriteria(matrix, image, range(2, 5), seed=0) for _ in range(2))
    for _ in whole.steps():
        pass
    for most in (1, 2, 3):
        with pytest.raises(Cancelled):
            cancel_after(parts, most)
    for _ in parts.steps():
        pass
    assert whole.evidence.identical(parts.evidence)


def test_data_with_gaps_say_why_there_is_no_evidence(explore, scene):
    gaps = scene.copy()
    gaps[3, 4, 5] = np.nan
    explorer = explore(gaps, max_components=4)
    explorer.wait(60)
    explorer.fill_evidence(wait=True)
    assert "1 entries in 1 pixels are missing" in explorer.view.tool_evidence["advice"]
    assert explorer.evidence().image.isna().all()


def test_it_pauses_when_a_control_moves_and_goes_on_when_the_run_has_ended(explore, scene, monkeypatch):
    explorer = explore(scene, max_components=4)
    explorer.wait(60)
    entered, free = threading.Event(), threading.Event()
    steps = DataCriteria.steps

    def slow(self):
        entered.set()
        while not free.is_set():
            time.sleep(0.01)
            yield 0.0
        yield from steps(self)

    monkeypatch.setattr(DataCriteria, "steps", slow)
    explorer.fill_evidence()
    assert entered.wait(30)
    assert explorer.rank_evidence.running
    explorer.controls.set(k=2)
    with pytest.raises(RuntimeError, match=r"call explorer\.wait\(\) first"):
        explorer.fill_evidence(wait=True)
    assert not explorer.rank_evidence.running
    free.set()
    explorer.wait(60)
    explorer.rank_evidence.wait(60)
    assert explorer.evidence().image.notna().all()
    assert explorer.view.tool_evidence["wanted"] is True


def test_stopping_keeps_what_is_computed(explore, scene):
    explorer = explore(scene, max_components=4)
    explorer.wait(60)
    explorer.fill_evidence(on=False)
    assert explorer.view.tool_evidence["wanted"] is False
    assert not explorer.rank_evidence.running
    explorer.fill_evidence(wait=True)
    before = explorer.evidence()
    explorer.fill_evidence(on=False)
    assert explorer.evidence().equals(before)


def test_an_error_is_one_sentence_in_the_strip(explore, scene, monkeypatch):
    explorer = explore(scene, max_components=4)
    explorer.wait(60)

    def broken(self):
        raise RuntimeError("no memory")
        yield

    monkeypatch.setattr(DataCriteria, "steps", broken)
    with pytest.raises(RuntimeError, match="no memory"):
        explorer.fill_evidence(wait=True)
    shown = explorer.view.tool_evidence
    assert (shown["error"], shown["wanted"]) == ("the evidence cannot be computed: no memory", False)


def test_evidence_is_saved_with_the_session(explore, scene, tmp_path):
    explorer = explore(scene, max_components=4)
    explorer.wait(60)
    moved(explorer, k=2)
    explorer.fill_evidence(wait=True)
    explorer.save(tmp_path / "session.zip")
    again = mf.explore(tmp_path / "session.zip")
    again.wait(60)
    assert again.evidence().equals(explorer.evidence())
    assert again.view.tool_evidence["advice"] == explorer.view.tool_evidence["advice"]
    again.close()


def test_on_engines_there_is_no_evidence(scene):
    matrix = in_memory(np.ones((6, 4)))
    image = Prepared.of(scene[:2, :3, :4], None, None, (), None)
    criteria = DataCriteria(matrix, image, range(2, 13), seed=0)
    assert criteria.ks == [2, 3, 4]  # more components than channels cannot be told apart


def test_a_component_keeps_colour_name_and_spectrum_when_k_moves(explore):
    """In the maps, the result and the composite: the materials are those of the simulation, the names are given once."""
    sample = mf.datasets.tof_sims_2d(seed=0, shape=(24, 32))
    explorer = explore(sample.cube, k=4, tol=1e-4)
    explorer.wait(60)
    truth = sample.endmembers.values.reshape(len(sample.endmembers), -1)

    def nearest():
        found = explorer.result.endmembers
        angles = mf.selection.spectral_angles(found.values, truth)
        return dict(zip(found.component.values.tolist(), angles.argmin(axis=1).tolist(), strict=True))

    def shown():
        header = explorer.view.encoded["header"]
        return {
            number: (label, color)
            for number, label, color in zip(header["numbers"], header["labels"], header["colors"], strict=True)
        }

    for number, material in nearest().items():
        explorer.rename(number, f"material {material} as {number}")
    explorer.composite()
    materials, looks = nearest(), shown()
    for k in (5, 4, 3, 4, 2, 3):
        before = shown()
        moved(explorer, k=k)
        now = shown()
        kept = now.keys() & before.keys()
        assert len(kept) == min(k, len(before))  # one more or one less, the others stay
        assert all(now[number] == before[number] for number in kept)
        named = [number for number in now if looks.get(number) == now[number]]
        assert all(nearest()[number] == materials[number] for number in named)
        explorer.view.clip = 0.0
        for number in kept:
            others = {other: 0.0 for other in now if other != number}
            picture = explorer.composite(weights={**others, number: 1.0}, shown=False)
            alone = picture.values.reshape(-1, 3)[int(explorer.result.abundances.sel(component=number).values.argmax())]
            color = [int(now[number][1][i : i + 2], 16) / 255 for i in (1, 3, 5)]
            np.testing.assert_allclose(alone, color, atol=1e-9)
        explorer.composite(weights=dict.fromkeys(now, 1.0))
    assert shown().keys() & looks.keys()
