"""The benchmark of speed compares what it says it does; how fast anything is, no test asks."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning

import mffnb as mf

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def modules():
    """Its modules by name, which scripts import from their own folder."""
    sys.path.insert(0, str(FOLDER))
    yield {
        name: import_module(name)
        for name in ("curves", "peers", "per_iteration", "problems", "scaling", "slider", "speed")
    }
    sys.path.remove(str(FOLDER))


def after(iterations, method):
    """Factors after so many iterations."""
    kept = []

    def step(factors):
        kept.append([part.copy() for part in factors()])
        return len(kept) > iterations

    method.run(step)
    assert len(kept) == iterations + 1
    return kept[-1]


@pytest.mark.parametrize("form", ["float64", "float32", "CSR"])
@pytest.mark.parametrize("init", ["nndsvda", "random", "custom"])
@pytest.mark.parametrize("similarity", ["frobenius", "kl"])
def test_scikit_learn_is_watched_without_changing_it(modules, similarity, init, form):
    problem = modules["problems"].tof_sims(small=True)
    X, k = problem.form(form)[:200, 5:130], problem.k
    A, E = after(7, modules["peers"].scikit(X, k, similarity, init))
    start = {}
    if init == "custom":
        first = next(mf.MatrixFactorization(k, similarity=similarity, random_state=0).iterate(X))
        start = {
            "W": np.ascontiguousarray(first.abundances.T).astype(X.dtype),
            "H": first.endmembers.astype(X.dtype),
        }
    loss = {"solver": "mu", "beta_loss": "kullback-leibler"} if similarity == "kl" else {"solver": "cd"}
    model = NMF(k, init=init, tol=1e-30, max_iter=7, random_state=0, **loss)
    with pytest.warns(ConvergenceWarning):
        expected = model.fit_transform(X, **start)
    np.testing.assert_array_equal(A, expected)
    np.testing.assert_array_equal(E, model.components_)


@pytest.mark.parametrize("form", ["float64", "float32", "CSR"])
@pytest.mark.parametrize("similarity", ["frobenius", "kl"])
def test_ours_is_judged_in_the_units_of_the_data(modules, similarity, form):
    curves, problem = modules["curves"], modules["problems"].tof_sims(small=True)
    X = problem.form(form)
    value = curves.divergence(problem.form("CSR")) if similarity == "kl" else curves.squared_residual(problem.X)
    A, E = after(5, modules["peers"].ours(X, problem.k, similarity=similarity))
    model = mf.MatrixFactorization(problem.k, similarity=similarity, max_iter=5, tol=0.0, random_state=0)
    model.factorize(mf.validation.as_matrix(model, X, reset=True))
    if similarity == "kl":  # scaled to a mean pixel sum of 1
        assert value(A, E) == pytest.approx(model.objective_, rel=1e-6)
    else:
        assert value(A, E) == pytest.approx(model.relative_error_**2, rel=1e-6)


def test_objectives_are_those_of_the_formula(modules):
    rng = np.random.default_rng(0)
    A, E = rng.random((20, 2)), rng.random((2, 9))
    X = rng.poisson(3 * A @ E).astype(float)
    model, problem = A @ E, modules["problems"].Problem("", X, (4, 5), 2, (1e-4,), ("CSR",))
    squared = modules["curves"].squared_residual(X)(A, E)
    assert squared == pytest.approx(np.sum((X - model) ** 2) / np.sum(X**2))
    logarithm = np.where(X > 0, X * np.log(np.where(X > 0, X, 1) / model), 0)
    divergence = modules["curves"].divergence(problem.form("CSR"))(A, E)
    assert divergence == pytest.approx(np.sum(logarithm - X + model) / X.sum())


def test_a_problem_cut_down_gives_a_table_and_curves(modules, capsys, tmp_path):
    picture = tmp_path / "curves.png"
    options = ["--small", "--repeats", "1", "--patience", "20", "--problems", "P4", "--forms", "float64", "--plot"]
    modules["speed"].main([*options, str(picture)])
    printed = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.split("|")] for line in printed.splitlines() if line.startswith("| P4")]
    compared, paces = [row for row in rows if len(row) == 13], [row for row in rows if len(row) == 6]
    assert [row[3] for row in compared][:3] == [f"scikit-learn CD, {s}" for s in ("nndsvda", "random", "our start")]
    assert all(re.fullmatch(r"> ?[\d.]+|[\d.]+", row[7]) for row in compared)
    assert len(paces) == len(compared) + 1
    assert picture.stat().st_size > 1000


def test_curves_fall_and_lead_to_their_minimum(modules):
    problem = modules["problems"].tunnelling(small=True).only(["float64"])
    for entrant in modules["speed"].enter(problem, "float64", ["CD"], 20.0):
        assert np.all(np.diff(entrant.curve.objective) <= 1e-12)
        assert np.all(np.diff(entrant.curve.seconds) > 0)
        assert entrant.curve.iterations_to(entrant.minimum * (1 + 1e-4)) is not None


def test_a_higher_basin_is_named_and_never_left(modules):
    speed, curves = modules["speed"], modules["curves"]

    def entrant(name, objective):
        seconds = np.arange(len(objective), dtype=float)
        curve = curves.Curve(seconds, np.array(objective), settled=True)
        return speed.Entrant(name, None, curve, min(objective), None, [seconds])

    mine, peer = entrant("mffnb", [2.0, 1.0, 0.5]), entrant("peer", [2.0, 1.5, 0.6])
    row = speed.contest(mine, peer, 1e-4)
    assert not row.same
    assert (row.seconds, row.own, row.iterations) == ((2.0, None), (2.0, 2.0), (2, None))
    assert speed.table_row("P", row, [mine, peer], 9.0).startswith("| P | 0.0001 | peer | 2, - | 2 | never |")
    assert "peer 20 % higher" in row.minimum
    row = speed.contest(peer, mine, 1e-4)
    assert row.seconds == (None, 2.0)
    assert "ours 20 % higher" in row.minimum


@pytest.mark.parametrize("solver", ["hals", "bpp"])
def test_what_planc_prints_is_understood(modules, solver):
    lines = {
        "hals": "Completed H (0/2) time =0.01\nCompleted W (0/2) time =0.02\nCompleted It ({0}/2) time ={1}\n"
        "Completed it = {0} HALSERR={2}\n",
        "bpp": "W total time taken :0.1\ncompleted it={0} time taken = {1}\nerror:it = {0} bpperr ={2}\n",
    }[solver]
    text = "".join(lines.format(i, s, e) for i, (s, e) in enumerate([(0.25, 0.5), (0.5, 1e-3)]))
    seconds, errors = modules["peers"].read_planc(text)
    assert seconds.tolist() == [0.0, 0.25, 0.75]
    assert errors.tolist() == [np.inf, 0.5, 1e-3]


def test_milliseconds_per_iteration(modules, capsys):
    problem = modules["problems"].tunnelling(small=True).only(["float64"])
    modules["per_iteration"].constrained(problem, 1)
    modules["per_iteration"].threads(problem, [1, 2], 1)
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| P4")]
    assert len(rows) == 6
    assert [row[:13] for row in rows[3:]] == ["| P4, 1 x 1 |", "| P4, 1 x 2 |", "| P4, 2 x 1 |"]


def test_a_slider_leads_to_a_new_minimum(modules):
    slider, problem = modules["slider"], modules["problems"].tof_sims(small=True)
    cube = mf.datasets.tof_sims_2d(seed=0, shape=(24, 24)).cube
    lowest = slider.lowest_objective(problem, cube)
    first, there = slider.moved(problem, cube, lowest)
    assert 0 < first <= there


def test_what_is_foretold_of_ranks_follows_from_what_they_move(modules):
    scaling = modules["scaling"]
    assert scaling.words(1000, 100, 4, (1, 1)) == (0, 0)
    assert scaling.words(1000, 100, 4, (2, 2)) == (2 * (100 + 1000) * 4 / 4, 4 * 16 * 3 / 4)
    for shape in ((4, 1), (2, 2), (1, 4)):
        compute, talk = scaling.seconds(1000, 100, 4, shape)
        assert talk > 8 * sum(scaling.words(1000, 100, 4, shape)) / scaling.Machine().bandwidth
        assert compute >= scaling.seconds(1000, 100, 4, (1, 1))[0] / 4
    assert scaling.foretold().count("| 1024 | 1024 x 1 |") == 2
