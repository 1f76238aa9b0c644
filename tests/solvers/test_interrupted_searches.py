"""Ctrl-C in a search of many fits: complete fits are kept, the partial one is not counted, and the result tells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import mffnb as mf
from mffnb.estimators import factorization, fitting
from mffnb.selection.scanning import Scanning
from mffnb.solvers import Outcome
from mffnb.solvers.interrupts import require_uninterrupted
from mffnb.stability import assessment
from mffnb.unmixing import multistart

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.MffnbWarning")


@pytest.fixture
def cube():
    return mf.datasets.tof_sims_2d(seed=0, shape=(8, 12)).cube[..., ::8]


@pytest.fixture
def interrupt_fit(monkeypatch):
    """A function that lets the fit with this number, counted from 0, end as Ctrl-C does: early, with its outcome."""

    def arrange(number):
        fits = []

        def fit(run, matrix, callback=None, *further):
            fits.append(run)
            if len(fits) - 1 != number:
                return fitting.fit(run, matrix, callback, *further)

            def press(state):
                if state.iteration == 1:
                    raise KeyboardInterrupt

            return fitting.fit(run, matrix, press, *further)

        for module in (factorization, multistart):  # the callers of all fits: estimators, and unmix
            monkeypatch.setattr(module, "fit", fit)
        return fits

    return arrange


def test_only_an_interrupted_outcome_raises():
    for outcome in Outcome:
        if outcome is Outcome.INTERRUPTED:
            with pytest.raises(KeyboardInterrupt):
                require_uninterrupted(outcome)
        else:
            require_uninterrupted(outcome)


def fits_of_one_k(cube, interrupt_fit):
    fits = interrupt_fit(-1)
    mf.selection.scan_rank(cube, [2], n_init=2, splits=0, random_state=0)
    return len(fits)


@pytest.mark.parametrize("further", [0, 1, 2, 3])
def test_scan_keeps_complete_k_at_every_fit(cube, interrupt_fit, monkeypatch, further):
    options = {"n_init": 2, "splits": 0, "random_state": 0}
    whole = mf.selection.scan_rank(cube, [2, 3], **options)
    first = fits_of_one_k(cube, interrupt_fit)
    monkeypatch.undo()
    fits = interrupt_fit(first + further)
    scan = mf.selection.scan_rank(cube, [2, 3], **options)
    assert len(fits) == first + further + 1, "the scan ends at once"
    assert (scan.ks, scan.interrupted, whole.interrupted) == ([2], True, False)
    np.testing.assert_array_equal(scan.table.to_numpy(), whole.table.loc[[2]].to_numpy())
    assert "interrupted, only k = 2 was tried" in str(scan.recommend())
    assert "interrupted" not in str(whole.recommend())


def test_scan_without_a_complete_k_raises(cube, interrupt_fit):
    interrupt_fit(0)
    with pytest.raises(KeyboardInterrupt):
        mf.selection.scan_rank(cube, [2, 3], n_init=2, splits=0, random_state=0)


def test_an_interrupt_between_fits_keeps_complete_k(cube, monkeypatch):
    stages = Scanning.stages

    def interrupted(work):
        for stage in stages(work):
            yield stage
            if stage.scan is not None:
                raise KeyboardInterrupt

    monkeypatch.setattr(Scanning, "stages", interrupted)
    scan = mf.selection.scan_rank(cube, [2, 3], n_init=2, splits=0, random_state=0)
    assert (scan.ks, scan.interrupted) == ([2], True)


@pytest.mark.parametrize(("number", "restarts", "replicas"), [(2, 2, 0), (3, 3, 0), (3 + 9, 3, 9)])
def test_stability_keeps_complete_runs(cube, interrupt_fit, number, restarts, replicas):
    answer = mf.unmix(cube, 2, random_state=0)
    whole = mf.selection.stability(cube, answer, n_init=3, n_bootstrap=12, random_state=0)
    fits = interrupt_fit(number)
    found = mf.selection.stability(cube, answer, n_init=3, n_bootstrap=12, random_state=0)
    assert len(fits) == number + 1, "the assessment ends at once"
    assert found.interrupted
    assert not whole.interrupted
    assert f"interrupted after {restarts} of 3 restarts and {replicas} of 12 replicas" in found.doubt
    np.testing.assert_array_equal(found.restarts.angles, whole.restarts.angles[:restarts])
    if replicas:
        np.testing.assert_array_equal(found.replicas.angles, whole.replicas.angles[:replicas])
    else:
        with pytest.raises(ValueError, match="Ctrl-C came before"):
            _ = found.lower


def test_stability_without_enough_runs_raises(cube, interrupt_fit):
    answer = mf.unmix(cube, 2, random_state=0)
    interrupt_fit(1)
    with pytest.raises(KeyboardInterrupt):
        mf.selection.stability(cube, answer, n_init=3, n_bootstrap=0, random_state=0)


def test_stability_given_an_interrupted_result_assesses_it(cube):
    answer = replace(mf.unmix(cube, 2, random_state=0), outcome=Outcome.INTERRUPTED)
    assert not assessment.stability(cube, answer, n_init=2, n_bootstrap=0, random_state=0).interrupted


def test_starts_keep_the_best_complete_one(cube, interrupt_fit):
    two = mf.unmix(cube, 2, n_init=2, random_state=0)
    fits = interrupt_fit(2)
    found = mf.unmix(cube, 2, n_init=5, random_state=0)
    assert len(fits) == 3
    assert found.outcome is Outcome.INTERRUPTED
    np.testing.assert_array_equal(found.endmembers, two.endmembers)


def test_search_of_settings_keeps_finished_trials(cube, interrupt_fit):
    interrupt_fit(2)
    found = mf.tuning.tune(cube, {"sparsity": (1e-3, 1.0)}, lambda result: 1.0, k=2, max_evals=6)
    assert (len(found.trials), found.ended.name) == (2, "INTERRUPTED")


def test_automatic_volume_tells_an_interrupt_from_a_stop(cube):
    def press(state):
        if state.iteration >= 2:
            raise KeyboardInterrupt

    assert mf.unmix(cube, 2, volume="auto", random_state=0, callback=press).outcome is Outcome.INTERRUPTED
