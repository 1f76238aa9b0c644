"""Agreement of restarts: other solutions that fit as well or better are told, worse ones and noise are no doubt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.selection import stability
from mffnb.stability import agreement_of


@pytest.fixture(scope="module")
def open_choice():
    return stability(mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60)).cube, 3, 3, 9, random_state=0)


@pytest.fixture(scope="module")
def unique():
    """Data whose factorization is unique up to noise: each channel block belongs to one component."""
    rng = np.random.default_rng(3)
    A = rng.dirichlet(np.ones(3), (8, 9))
    A[0, :3], A[1, :3], A[2, :3] = np.eye(3), [[0, 1, 1], [1, 0, 1], [1, 1, 0]], np.eye(3)
    E = np.repeat(np.eye(3), 5, axis=1) * rng.uniform(0.5, 1.0, (3, 15))
    return stability(A @ E + rng.normal(0, 0.02, (8, 9, 15)), 3, 3, 9, random_state=0)


def test_restarts_with_other_spectra_that_fit_as_well_are_told(open_choice):
    found = open_choice.agreement
    assert (found.other, found.better, found.worse) == (3, 0, 0)
    far = np.degrees(open_choice.restarts.angles.values.max())
    assert f"3 of 3 restarts fit as well within noise, with spectra up to {far:.0f} degrees away" in open_choice.verdict
    assert open_choice.doubt.startswith(open_choice.verdict)


def test_restarts_that_reach_the_solution_are_no_doubt(unique):
    assert unique.verdict == "3 of 3 restarts reach this solution"
    assert unique.doubt == ""


@pytest.mark.parametrize(("factor", "word"), [(1.2, "worse"), (0.8, "better")])
def test_a_restart_with_another_objective_is_told_apart_from_an_equal_one(unique, factor, word):
    turned = unique.restarts.angles + np.array([1.0, 0.0, 0.0])[:, None]
    objective = unique.restarts.objective * np.array([factor, 1.0, 1.0])
    found = agreement_of(unique.answer, replace(unique.restarts, angles=turned, objective=objective), unique.replicas)
    assert getattr(found, word) == 1
    assert found.other == 0
    assert bool(found.doubt) == (word == "better")
    assert ("n_init=10" in found.doubt) == (word == "better")


def test_angles_that_noise_explains_are_no_other_solution(unique):
    small = xr.full_like(unique.restarts.angles, 0.0) + unique.replicas.angles.values.max() / 2
    noisy = replace(unique.replicas, angles=unique.replicas.angles + 0.3)
    turned = replace(unique.restarts, angles=small + 0.3)
    assert agreement_of(unique.answer, turned, noisy).other == 0
    assert agreement_of(unique.answer, turned, unique.replicas).other == 3


def test_a_volume_in_the_objective_does_not_hide_that_restarts_agree():
    cube = mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60)).cube
    found = stability(cube, 3, 2, 9, volume=1e-3, sum_to_one=True, random_state=0)
    assert float(found.answer.trace.objective[-1]) < 0
    assert found.verdict == "2 of 2 restarts reach this solution"


def test_printed_assessment_is_a_short_table_with_the_verdict(open_choice, unique):
    for found in (open_choice, unique):
        lines = str(found).splitlines()
        assert len(lines) <= 12
        assert max(map(len, lines)) <= 120
        assert lines[0].startswith("Stability of 3 components over 3 restarts and 9 replicas of the noise (residual)")
        assert [line.split()[1] for line in lines[2:5]] == ["0", "1", "2"]
        assert f"verdict: {found.verdict[:60]}" in lines[5]
    many = replace(unique, answer=unique.answer.rename({1: "quartz"}), replicas=None, agreement=None)
    assert "half band" not in str(many)
    assert "quartz" in str(many)
    assert "no restarts" in str(many)
