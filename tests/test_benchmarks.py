"""The benchmarks can be listed, parsed and run, and compare what they say; their speed is not tested."""

from __future__ import annotations

import argparse
import inspect
import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import NMF, MiniBatchNMF
from sklearn.exceptions import ConvergenceWarning

import mffnb as mf
from benchmarks import __main__ as runner
from benchmarks.scale import efficiency, prediction
from benchmarks.shared import (
    contest,
    convergence,
    outside_program,
    problems,
    processes,
    scores,
    timing,
    watched_methods,
)
from benchmarks.speed import iterations, peers, slider
from mffnb.matrices.checking import as_matrix

ROOT = Path(__file__).parents[1]
NAMES = list(runner.benchmarks())
# Enough words for the parsers that need some.
NEEDED = {"accuracy.tuning": ["accuracy"], "accuracy.volume_rule": ["constants"], "speed.iterations": ["cost"]}


class Parsed(Exception):
    """Raised instead of running a benchmark."""


@pytest.fixture
def parse_only(monkeypatch):
    """End a benchmark once its options are parsed."""
    parse = argparse.ArgumentParser.parse_args

    def parse_and_stop(*arguments):
        parse(*arguments)
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_and_stop)


def cited():
    """Commands in the documentation: file, name of the benchmark, options."""
    files = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "benchmarks/README.md"]
    files += (ROOT / "notebooks").glob("*.ipynb")
    for file in files:
        for name, options in re.findall(r"python -m benchmarks (\w+\.\w+)([^\n`#]*)", file.read_text(encoding="utf-8")):
            if "--help" not in options:
                yield pytest.param(name, options.split(), id=f"{file.name}: {name} {options.strip()}")


def test_listing_imports_no_library():
    code = (
        "import sys; from benchmarks.__main__ import main; main([])\n"
        "assert not {'numpy', 'mffnb', 'numba', 'sklearn'} & set(sys.modules)"
    )
    listed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert [line.split()[0] for line in listed.splitlines()] == NAMES
    assert len(NAMES) > 20


@pytest.mark.parametrize("name", NAMES)
def test_each_benchmark_says_what_it_measures_and_takes_words(name, parse_only):
    purpose = runner.benchmarks()[name].purpose
    assert purpose.endswith(".")
    assert len(purpose) <= 130
    module = import_module(f"benchmarks.{name}")
    assert list(inspect.signature(module.main).parameters) == ["arguments"]
    assert f"python -m benchmarks {name}" in module.__doc__
    with pytest.raises(Parsed):
        module.main([*NEEDED.get(name, []), "--quick"])
    with pytest.raises(SystemExit, match="2"):
        module.main([*NEEDED.get(name, []), "--no-such-option"])


@pytest.mark.parametrize(("name", "options"), list(cited()))
def test_cited_commands_can_be_parsed(name, options, parse_only):
    with pytest.raises(Parsed):
        import_module(f"benchmarks.{name}").main(options)


def test_files_of_the_old_scripts_are_cited_nowhere():
    files = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "notebooks").glob("*.ipynb")]
    assert not [file.name for file in files if re.search(r"python benchmarks/", file.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(
    ("wrong", "suggested"),
    [
        ("peers", "speed.peers"),
        ("sped.peers", "speed.peers"),
        ("memry", "scale.memory"),
        ("speed.band", "accuracy.bands"),
    ],
)
def test_a_wrong_name_is_answered_with_the_closest(wrong, suggested, capsys):
    assert runner.main([wrong]) == 2
    assert f"Did you mean {suggested}?" in capsys.readouterr().out


def test_one_thread_is_set_unless_the_environment_sets_another_number(monkeypatch):
    for variable in processes.THREAD_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    processes.limit_threads()
    found = {variable: os.environ[variable] for variable in processes.THREAD_VARIABLES}
    assert found == dict.fromkeys(processes.THREAD_VARIABLES, "1") | {"OMP_NUM_THREADS": "2"}
    assert processes.environment(3)["OMP_NUM_THREADS"] == "3"
    limited = {name for name, one in runner.benchmarks().items() if one.one_thread}
    assert {"speed.peers", "scale.ranks"} <= limited
    assert not any(name.startswith("domains") for name in limited)


def test_methods_take_turns():
    calls = []
    runs = {name: lambda name=name: calls.append(name) or len(calls) for name in "ab"}
    assert timing.taking_turns(runs, 2) == {"a": [1, 3], "b": [2, 4]}
    assert calls == list("abab")
    assert timing.pace(np.array([0.0, 1.0, 1.5, 4.0])) == 1.0


def test_scores_of_a_known_answer():
    truth, maps = np.array([[2.0, 0.0, 1.0], [0.0, 4.0, 0.0]]), np.array([[0.5, 1.0], [0.5, 0.0]])
    E, A = scores.in_order_of(truth, 2 * truth[::-1], maps[::-1] / 2)
    np.testing.assert_allclose(scores.angles(truth, E), 0, atol=1e-12)
    assert scores.rmse(scores.with_true_sums(truth, E, A), maps) == pytest.approx(0)
    np.testing.assert_allclose(scores.with_unit_maximum(truth, maps), [[1 / 3, 1], [2 / 3, 0]])
    np.testing.assert_array_equal(scores.fractions(np.zeros((2, 1))), np.zeros((2, 1)))
    assert scores.rmse(maps, maps + 0.5) == pytest.approx(0.5)


def test_efficiency_is_that_of_one_rank_and_objectives_must_agree(capsys):
    def one(pace, objective):
        ranks = [{"whole": 2 * pace, "processor": 1.0, "waiting": 0.1}]
        return {"iterations": [pace, pace], "objective": objective, "ranks": ranks}

    runs = {("P1", "1 rank"): [one(0.8, 3.0)], ("P1", "2 ranks"): [one(0.5, 3.0)]}
    efficiency.print_table(runs, 2)
    assert "| P1 | 2 ranks | 500.00 | 0.80 | 0.80 | 0.80 | 1.00 | 0.80 | 10 to 10 | 1.00 |" in capsys.readouterr().out
    runs["P1", "2 ranks"].append(one(0.5, 3.0 + 1e-9))
    with pytest.raises(SystemExit, match="objectives differ"):
        efficiency.print_table(runs, 2)


QUICK = [
    "accuracy.storage_equivalence",
    "accuracy.volume",
    "domains.cits_pnictide",
    "scale.prediction",
    "speed.iterations cost --repeats 1",
]


@pytest.mark.parametrize("command", QUICK)
def test_quick_runs_print_a_table(command, capsys, monkeypatch):
    monkeypatch.setattr(runner, "limit_threads", lambda: None)  # other tests use threads
    name, *options = command.split()
    assert runner.main([name, *options, "--quick"]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len(rows) > 2
    assert set(rows[1]) <= {"|", "-"}
    assert len({row.count("|") for row in rows}) == 1


@pytest.fixture(scope="module")
def tof_sims():
    return problems.tof_sims(True)


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
def test_scikit_learn_is_watched_without_changing_it(tof_sims, similarity, init, form):
    X, k = tof_sims.form(form)[:200, 5:130], tof_sims.k
    A, E = after(7, watched_methods.scikit_learn(X, k, similarity, init))
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
def test_ours_is_judged_in_the_units_of_the_data(tof_sims, similarity, form):
    problem = tof_sims
    X = problem.form(form)
    value = (
        convergence.divergence(problem.form("CSR")) if similarity == "kl" else convergence.squared_residual(problem.X)
    )
    A, E = after(5, watched_methods.ours(X, problem.k, similarity=similarity))
    model = mf.MatrixFactorization(problem.k, similarity=similarity, max_iter=5, tol=0.0, random_state=0)
    model.factorize(as_matrix(model, X, reset=True))
    if similarity == "kl":  # scaled to a mean pixel sum of 1
        assert value(A, E) == pytest.approx(model.objective_, rel=1e-6)
    else:
        assert value(A, E) == pytest.approx(model.relative_error_**2, rel=1e-6)


def test_objectives_are_those_of_the_formula():
    rng = np.random.default_rng(0)
    A, E = rng.random((20, 2)), rng.random((2, 9))
    X = rng.poisson(3 * A @ E).astype(float)
    model, problem = A @ E, problems.Problem("", X, (4, 5), 2, (1e-4,), ("CSR",))
    squared = convergence.squared_residual(X)(A, E)
    assert squared == pytest.approx(np.sum((X - model) ** 2) / np.sum(X**2))
    logarithm = np.where(X > 0, X * np.log(np.where(X > 0, X, 1) / model), 0)
    divergence = convergence.divergence(problem.form("CSR"))(A, E)
    assert divergence == pytest.approx(np.sum(logarithm - X + model) / X.sum())


def table(printed):
    """Cells of the rows of problems."""
    return [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in printed.splitlines() if line[:3] in ("| P", "| K")
    ]


def test_a_problem_cut_down_gives_a_table_and_curves(capsys, tmp_path):
    picture = tmp_path / "curves.png"
    options = ["--quick", "--repeats", "1", "--patience", "0.5", "--problems", "P4", "--forms", "float64", "--plot"]
    peers.main([*options, str(picture)])
    rows = table(capsys.readouterr().out)
    scikit_learn = [*(f"CD, {start}" for start in ("nndsvda", "random", "our start")), "MiniBatchNMF"]
    assert [row[2] for row in rows][:5] == ["mffnb", *(f"scikit-learn {name}" for name in scikit_learn)]
    assert {len(row) for row in rows} == {len(peers.COLUMNS)}
    assert rows[0][6] == "1.00"
    assert min(0 if row[7] == "0" else float(row[7]) for row in rows) == 0
    assert all(re.fullmatch(r"> 0.5|never|[\d.]+", row[5]) for row in rows)
    assert picture.stat().st_size > 1000


def test_curves_fall_and_lead_to_their_minimum():
    problem = problems.tunnelling(True).only(["float64"])
    entrants, absent = contest.enter(problem, "float64", ["CD"], 20.0)
    assert len(entrants) == 4
    assert not absent
    for entrant in entrants:
        assert np.all(np.diff(entrant.curve.objective) <= 1e-12)
        assert np.all(np.diff(entrant.curve.seconds) > 0)
        assert entrant.curve.iterations_to(entrant.minimum * (1 + 1e-4)) is not None


def test_a_higher_basin_is_named_and_the_best_minimum_never_reached():
    def entrant(name, objective):
        numbers = range(len(objective))
        curve = convergence.Curve(np.array(numbers, dtype=float), np.array(objective), settled=True)
        return contest.Entrant(name, None, curve, min(objective), None, [{n: 1.0 + n for n in numbers}])

    mine, peer = entrant("mffnb", [2.0, 1.0, 0.5]), entrant("peer", [2.0, 0.6])
    assert peers.row(mine, mine, 0.5, 1e-4, 9.0) == ["2", "3", "1.00", "0", "2", "3", "1.00", ""]
    assert peers.row(peer, mine, 0.5, 1e-4, 9.0) == ["1", "2", "0.67", "2.0e-01", "-", "never", "", ""]
    assert peers.row(mine, peer, 0.5, 1e-4, 9.0)[-4:] == ["2", "3", "ours never", ""]
    unfinished = contest.Entrant("slow", None, replace(peer.curve, settled=False), 0.6, None, peer.timed)
    assert peers.row(unfinished, mine, 0.5, 1e-4, 9.0)[-4:] == ["-", "> 9", "> 3.0", ""]


def test_the_number_of_components_of_a_problem_can_be_chosen():
    problem = peers.problem_of("P1:16", quick=True)
    assert problem.k == 16
    assert problem.name.endswith(" k = 16")
    assert {f"P{i}:16" for i in range(1, 7)} < set(peers.EVERYTHING)
    for wrong in ("P9", "P1:", "P1:0", "P1:x", "16"):
        with pytest.raises(argparse.ArgumentTypeError, match=r"P1 .* :k"):
            peers.problem_name(wrong)


# Multiplicative updates, written as an outside program would: it reads a file, and writes both factors.
STAND_IN = """
import sys
import numpy as np
from scipy import io
X, folder, k, iterations, similarity = sys.argv[1:]
if similarity != "frobenius":
    sys.exit("least squares only")
X = np.load(X) if X.endswith("npy") else io.mmread(X).toarray()
rng = np.random.default_rng(0)
W, H = rng.random((len(X), int(k))), rng.random((int(k), X.shape[1]))
for _ in range(int(iterations)):
    H *= (W.T @ X) / (W.T @ W @ H)
    W *= (X @ H.T) / (W @ H @ H.T)
np.save(folder + "/W.npy", W)
np.savetxt(folder + "/H.csv", H, delimiter=",")
"""


def stand_in(folder, monkeypatch, code=STAND_IN):
    """Name a program in the variable, and return its command."""
    script = folder / "stand in.py"
    script.write_text(code)
    command = f"{sys.executable} {shlex.quote(str(script))}"
    monkeypatch.setenv(outside_program.VARIABLE, f"stand-in = {command}")
    return command


def tiny_problem(similarity="frobenius"):
    rng = np.random.default_rng(0)
    X = rng.poisson(3 * rng.random((30, 2)) @ rng.random((2, 9))).astype(float)
    return problems.Problem("T", X, (5, 6), 2, (1e-1,), ("float64", "CSR"), similarity)


@pytest.mark.parametrize("form", ["float64", "CSR"])
def test_an_outside_program_is_scored_by_its_factors(form, tmp_path, monkeypatch):
    command = stand_in(tmp_path, monkeypatch)
    problem = tiny_problem()
    with outside_program.OutsideProgram(command, problem.form(form), 2, "frobenius") as program:
        (W, H), seconds = program.run(3)
        folder = program.file[1].parent
    assert not folder.exists()
    assert seconds > 0
    rng = np.random.default_rng(0)
    A, E = rng.random((30, 2)), rng.random((2, 9))
    for _ in range(3):
        E *= (A.T @ problem.X) / (A.T @ A @ E)
        A *= (problem.X @ E.T) / (A @ E @ E.T)
    np.testing.assert_allclose(W, A, rtol=1e-12)
    np.testing.assert_allclose(H, E, rtol=1e-12)


@pytest.mark.slow
def test_an_outside_program_takes_part_in_the_comparison(tmp_path, monkeypatch):
    stand_in(tmp_path, monkeypatch)
    (mine, peer), absent = contest.enter(tiny_problem(), "float64", ["stand-in"], 30.0)
    assert not absent
    assert peer.name == "stand-in"
    assert list(peer.curve.numbers[:9]) == [1, 2, 3, 4, 5, 6, 7, 8, 10]
    assert len(peer.curve.objective) == len(peer.curve.numbers)
    best = min(mine.minimum, peer.minimum)
    contest.clock([mine, peer], best, (1e-1,), 1)
    its = contest.standing(peer, mine, best, 1e-1)
    assert its.own.iterations in peer.curve.numbers
    assert its.own.seconds > 0
    assert its.angle is not None
    folder = peer.method.file[1].parent
    for one in (mine, peer):
        one.close()
    assert not folder.exists()


def test_an_outside_program_that_refuses_is_left_out_with_its_reason(tmp_path, monkeypatch):
    stand_in(tmp_path, monkeypatch)
    entrants, absent = contest.enter(tiny_problem("kl"), "CSR", ["stand-in"], 5.0)
    assert [one.name for one in entrants] == ["mffnb"]
    assert absent == ["T CSR: stand-in is left out: exit status 1: least squares only"]


def test_an_outside_program_may_tell_its_own_seconds_but_not_wrong_shapes(tmp_path, monkeypatch):
    X = tiny_problem().X
    command = stand_in(tmp_path, monkeypatch, STAND_IN + "open(folder + '/seconds.txt', 'w').write('0.125')")
    with outside_program.OutsideProgram(command, X, 2, "frobenius") as program:
        assert program.seconds_at([1, 2]) == {1: 0.125, 2: 0.125}
    command = stand_in(tmp_path, monkeypatch, STAND_IN + "np.save(folder + '/W.npy', W.T)")
    with (
        outside_program.OutsideProgram(command, X, 2, "frobenius") as program,
        pytest.raises(outside_program.ProgramRefusedError, match=r"\(2, 30\).*expected \[\(30, 2\)"),
    ):
        program.run(1)
    command = stand_in(tmp_path, monkeypatch, "")
    with (
        outside_program.OutsideProgram(command, X, 2, "frobenius") as program,
        pytest.raises(outside_program.ProgramRefusedError, match=r"neither W\.npy nor W\.csv"),
    ):
        program.run(1)
    monkeypatch.setenv(outside_program.VARIABLE, "no name")
    with pytest.raises(SystemExit, match="NAME=COMMAND"):
        outside_program.outside_programs(X, 2, "frobenius")


@pytest.mark.parametrize("form", ["float64", "CSR"])
def test_mini_batches_are_watched_without_changing_them(tof_sims, form):
    X, k = tof_sims.form(form)[:200, 5:130], tof_sims.k
    A, E = after(7, watched_methods.mini_batch(X, k, "frobenius"))
    model = MiniBatchNMF(k, tol=0.0, max_no_improvement=None, max_iter=7, random_state=0)
    np.testing.assert_array_equal(A, model.fit_transform(X))
    np.testing.assert_array_equal(E, model.components_)


@pytest.mark.parametrize("solver", ["hals", "bpp"])
def test_what_planc_prints_is_understood(solver):
    lines = {
        "hals": "Completed H (0/2) time =0.01\nCompleted W (0/2) time =0.02\nCompleted It ({0}/2) time ={1}\n"
        "Completed it = {0} HALSERR={2}\n",
        "bpp": "W total time taken :0.1\ncompleted it={0} time taken = {1}\nerror:it = {0} bpperr ={2}\n",
    }[solver]
    text = "".join(lines.format(i, s, e) for i, (s, e) in enumerate([(0.25, 0.5), (0.5, 1e-3)]))
    seconds, errors = watched_methods.read_planc(text)
    assert seconds.tolist() == [0.0, 0.25, 0.75]
    assert errors.tolist() == [np.inf, 0.5, 1e-3]


@pytest.mark.slow
def test_milliseconds_of_a_process_of_its_own(capsys):
    iterations.threads(problems.tunnelling(True).only(["float64"]), [1], 1)
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| P4")]
    assert re.fullmatch(r"\| P4, 1 x 1 \| [\d.]+ \| 1.00 \| 1.00 \|", rows[0])


@pytest.mark.slow
def test_a_slider_leads_to_a_new_minimum(tof_sims):
    cube = mf.datasets.tof_sims_2d(seed=0, shape=(24, 24)).cube
    first, there = slider.moved(tof_sims, cube, slider.lowest_objective(tof_sims, cube))
    assert 0 < first <= there


def test_predictions_follow_from_the_numbers_that_ranks_send():
    assert prediction.words(1000, 100, 4, (1, 1)) == (0, 0)
    assert prediction.words(1000, 100, 4, (2, 2)) == (2 * (100 + 1000) * 4 / 4, 4 * 16 * 3 / 4)
    for shape in ((4, 1), (2, 2), (1, 4)):
        compute, talk = prediction.seconds(1000, 100, 4, shape)
        assert talk > 8 * sum(prediction.words(1000, 100, 4, shape)) / prediction.Machine().bandwidth
        assert compute >= prediction.seconds(1000, 100, 4, (1, 1))[0] / 4
