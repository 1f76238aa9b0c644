"""Comparing two recordings; the calls themselves are run by ``python tools/same_answers.py record``."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from tools.same_answers.comparing import Level, compare_records, relative_difference, report
from tools.same_answers.records import Record


def recorded(endmembers, **scalars):
    record = Record()
    record.add("result.endmembers", xr.DataArray(endmembers, dims=("component", "energy")))
    for name, value in scalars.items():
        record.add(name, value)
    return record


def worst(before, after):
    return max(finding.level for finding in compare_records(before, after))


@pytest.fixture
def E():
    return np.random.default_rng(0).random((3, 8))


@pytest.fixture
def folders(tmp_path):
    made = tmp_path / "before", tmp_path / "after"
    for folder in made:
        folder.mkdir()
    return made


def test_the_same_bits_are_equal_after_a_round_trip(E, tmp_path):
    E[0, 0] = np.nan
    before = recorded(E, rho=0.1, k=3, outcome="CONVERGED", gain=None)
    before.write(tmp_path, "call")
    assert worst(before, Record.read(tmp_path, "call")) is Level.BITWISE


@pytest.mark.parametrize(
    ("factor", "level"),
    [(1 + 1e-14, Level.CLOSE), (1 + 9e-13, Level.CLOSE), (1 + 2e-12, Level.DIFFERENT), (1.01, Level.DIFFERENT)],
)
def test_arrays_and_numbers_may_differ_by_the_tolerance(E, factor, level):
    assert worst(recorded(E), recorded(E * factor)) is level
    assert worst(recorded(E, rho=0.1), recorded(E, rho=0.1 * factor)) is level


def test_the_difference_is_relative_to_the_largest_entry():
    assert relative_difference([1e-20, 4.0], [0.0, 5.0]) == pytest.approx(0.2)
    assert relative_difference([0.0, 0.0], [0.0, 0.0]) == 0
    assert relative_difference([np.nan, np.inf, 1.0], [np.nan, np.inf, 1.0]) == 0


@pytest.mark.parametrize("after", [[np.nan, 1.0], [np.inf, 1.0], [-np.inf, 1.0], [[0.0, 1.0]]])
def test_missing_infinite_and_reshaped_values_differ(after):
    assert relative_difference([0.0, 1.0], after) == np.inf


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record.arrays.pop("result.endmembers"),
        lambda record: record.scalars.update(k=4),
        lambda record: record.scalars.update(k=3.0),
        lambda record: record.scalars.update(k=None),
        lambda record: record.scalars.update(outcome="STOPPED"),
        lambda record: record.scalars.pop("outcome"),
        lambda record: record.warnings.append("ConvergenceWarning"),
        lambda record: record.dims.update({"result.endmembers": ["component", "channel"]}),
        lambda record: record.arrays.update({"result.endmembers": np.zeros((3, 8), np.float32)}),
        lambda record: setattr(record, "error", {"type": "ValueError", "message": "no"}),
    ],
    ids=range(10),
)
def test_what_a_call_lost_or_changed_is_a_difference(E, change):
    after = recorded(E, k=3, outcome="CONVERGED")
    change(after)
    assert worst(recorded(E, k=3, outcome="CONVERGED"), after) is Level.DIFFERENT


def test_new_items_and_other_words_are_noted_and_equal(E):
    before, after = recorded(E), recorded(E, freedom=0.5)
    before.words["terms"], after.words["terms"] = "Sparsity(0.1)", "Sparsity(weight=0.1)"
    findings = compare_records(before, after)
    assert {finding.level for finding in findings} == {Level.BITWISE}
    assert {finding.item for finding in findings if finding.note} == {"freedom", "terms"}


def test_errors_are_equal_where_type_and_message_are():
    one, other = (Record(error={"type": "ValueError", "message": text}) for text in ("no", "never"))
    assert worst(one, one) is Level.BITWISE
    assert worst(one, other) is Level.DIFFERENT


def test_another_order_of_components_is_a_difference_that_is_explained(E):
    (finding, *_) = compare_records(recorded(E), recorded(E[[2, 0, 1]]))
    assert finding.level is Level.DIFFERENT
    assert "components in the order [1, 2, 0]: bitwise equal" in finding.note


def test_the_report_fails_for_differences_without_a_reason(E, folders, capsys):
    for folder, factor in zip(folders, (1.0, 1.1), strict=True):
        recorded(E).write(folder, "same")
        recorded(E * factor).write(folder, "changed")
    assert report(*folders, {}) == 1
    assert "1 unexplained" in capsys.readouterr().out
    assert report(*folders, {"changed/result.endmembers": "another start"}) == 0
    assert "expected: another start" in capsys.readouterr().out
    assert report(*folders, {"same/*": "no such difference"}) == 1
    assert "'same/*' matches no difference" in capsys.readouterr().out


def test_a_missing_call_is_a_difference_and_a_new_one_is_not(E, folders, capsys):
    before, after = folders
    recorded(E).write(before, "kept")
    recorded(E).write(after, "kept")
    recorded(E).write(after, "new")
    assert report(before, after, {}) == 0
    assert "only after" in capsys.readouterr().out
    assert report(after, before, {}) == 1
    assert "missing after" in capsys.readouterr().out


def test_nothing_to_compare_is_a_failure(folders):
    assert report(*folders, {}) == 1
