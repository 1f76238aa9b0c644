"""First pictures from a subset of the pixels, and runs that end within an iteration."""

from __future__ import annotations

import itertools
import threading

import numpy as np
import pytest
from scipy.optimize import nnls

import mffnb as mf
from mffnb.geometry.starts import NNDSVD
from mffnb.kernels.tiers.tier import Tier
from mffnb.solvers import Outcome, likelihood
from mffnb.widgets.session import preview

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")

PIXELS, SOME = 20 * 21, 64


@pytest.fixture
def counts():
    """Counts of three components without pure pixels."""
    rng = np.random.default_rng(3)
    A, E = rng.dirichlet(np.ones(3), PIXELS), rng.gamma(0.5, 1.0, (3, 40))
    return rng.poisson(60 * A @ (E / E.sum(axis=1, keepdims=True))).reshape(20, 21, 40)


@pytest.fixture
def small_subsets(monkeypatch):
    """Subsets of a size that suits small test images."""
    monkeypatch.setattr(preview, "_LEAST", SOME)
    monkeypatch.setattr(preview, "_MOST", SOME)


class Watched:
    """An explorer that records its frames and the states of its session."""

    def __init__(self, cube, **options):
        self.solved, self.frames = [], []
        self.explorer = mf.explore(cube, **options)
        self.session = self.explorer.session
        self.explorer.wait(120)

    def states(self, **moved):
        """Return all states of the run after a move of the controls, computed on this thread."""
        controls = self.explorer.controls
        controls.set(**moved)
        self.explorer.wait(120)
        self.session.start_afresh()
        return [solved for solved in self.session.solve(controls.parameters) if solved is not None]


@pytest.fixture
def watched(counts, small_subsets):
    one = Watched(counts, k=3, tol=1e-3)
    yield one
    one.explorer.close()


def test_counts_begin_on_a_subset_and_end_on_all_pixels(watched, counts):
    states = watched.states(similarity="kl")
    pixels = [solved.pixels for solved in states]
    assert set(pixels) == {SOME, 0}
    assert pixels == sorted(pixels, reverse=True)
    assert pixels.count(SOME) <= 8
    for solved in states:
        assert solved.state.abundances.shape == (3, PIXELS)
        assert solved.state.abundances.min() >= 0
    assert states[0].state.outcome is Outcome.RUNNING
    assert states[-1].state.outcome is Outcome.CONVERGED
    whole = [solved.state.objective for solved in states if solved.pixels == 0]
    assert all(later <= earlier * (1 + 1e-12) for earlier, later in itertools.pairwise(whole))


@pytest.mark.filterwarnings("ignore::mffnb.errors.DisagreementWarning")  # another answer fits as well: not asked here
@pytest.mark.parametrize("moved", [{"similarity": "kl"}, {"volume": "auto"}])
def test_subsets_do_not_change_the_result(watched, counts, moved):
    ours = watched.session.result(watched.states(**moved)[-1])
    theirs = mf.unmix(counts, 3, random_state=0, **moved, **({"tol": 1e-3} if "similarity" in moved else {}))
    order = [int(np.argmin(np.abs(theirs.endmembers.values - one).sum(axis=1))) for one in ours.endmembers.values]
    assert sorted(order) == [0, 1, 2]
    np.testing.assert_allclose(ours.endmembers.values, theirs.endmembers.values[order], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ours.abundances.values, theirs.abundances.values[order], rtol=1e-9, atol=1e-12)


def test_states_that_are_worse_than_the_picture_are_not_shown(counts, small_subsets, monkeypatch):
    """Else the picture would jump back to start values of all pixels, which are poor ones here."""
    monkeypatch.setattr("mffnb.estimators.start_values._by_rule", lambda *_: NNDSVD())
    one = Watched(counts, k=3, similarity="kl", tol=1e-3)
    one.session.start_afresh()
    shown = list(one.session.solve(one.explorer.controls.parameters))
    first = next(number for number, solved in enumerate(shown) if solved is not None and not solved.pixels)
    hidden = shown[:first].count(None)
    all_steps = list(
        one.session._task.task(one.explorer.controls.parameters).run(one.session.data.image).iterate(one.session.matrix)
    )
    assert hidden > 0
    assert shown[first].state.relative_error < all_steps[0].relative_error
    assert shown[first].steps > 1  # the trace has the hidden iterations too
    one.explorer.close()


def test_a_subset_state_has_least_squares_abundances_of_all_pixels(watched, counts):
    last = [solved for solved in watched.states(similarity="kl") if solved.pixels][-1]
    X, A = counts.reshape(PIXELS, -1), last.state.abundances
    for pixel in range(0, PIXELS, 97):
        np.testing.assert_allclose(A[:, pixel], nnls(last.state.endmembers.T, X[pixel])[0], atol=1e-6 * A.max())


def test_run_with_a_subset_is_reproducible(watched):
    first, second = (watched.states(similarity="kl")[-1].state for _ in range(2))
    np.testing.assert_array_equal(first.endmembers, second.endmembers)
    np.testing.assert_array_equal(first.abundances, second.abundances)


@pytest.mark.parametrize("moved", [{"sum_to_one": True}, {"gain": True}, {"smoothness": 0.5}, {"sparsity": 0.01}])
def test_subsets_go_with_penalties_and_constraints(watched, moved):
    states = watched.states(similarity="kl", **moved)
    assert {solved.pixels for solved in states} == {SOME, 0}
    assert states[-1].state.outcome is Outcome.CONVERGED
    if "sum_to_one" in moved or "gain" in moved:
        np.testing.assert_allclose(states[0].state.abundances.sum(axis=0), 1, atol=1e-9)


def test_only_a_new_kind_of_fit_begins_on_a_subset(watched):
    controls, session = watched.explorer.controls, watched.session

    def pixels():
        return {solved.pixels for solved in session.solve(controls.parameters) if solved is not None}

    controls.set(sparsity=0.001)
    assert pixels() == {0}  # least squares is fast
    controls.set(similarity="kl")
    watched.explorer.wait(120)
    controls.set(sparsity=0.002)
    watched.explorer.wait(120)
    controls.set(sparsity=0.004)
    assert pixels() == {0}  # from the last state, which is better than that of a subset


def test_small_images_have_no_subset(counts, small_subsets):
    one = Watched(counts[:10, :10], k=2, similarity="kl", max_iter=3)
    assert {solved.pixels for solved in one.states(k=3)} == {0}
    one.explorer.close()


def with_gaps(counts):
    """Counts without some entries."""
    gaps = counts.astype(float)
    gaps[::3, ::2, ::5] = np.nan
    return gaps


WEIGHTS = np.random.default_rng(8).uniform(0.5, 2.0, (20, 21))
#: Cube and options of explorers whose first state takes long.
SLOW = {
    "gaps": (with_gaps, {}),
    "gaps, counts": (with_gaps, {"similarity": "kl"}),
    "weights of pixels": (np.asarray, {"similarity": "kl", "weights": WEIGHTS}),
    "weights of entries": (np.asarray, {"similarity": "kl", "weights": WEIGHTS[..., None] * np.linspace(1, 2, 40)}),
    "Poisson weights": (np.asarray, {"weights": "poisson"}),
    "weights and gaps": (with_gaps, {"weights": WEIGHTS}),
    "own terms": (
        np.asarray,
        {"similarity": "kl", "abundance_terms": [mf.Sparsity(1e-3)], "endmember_terms": [mf.Ridge(1e-3)]},
    ),
    "own terms of neighbours": (np.asarray, {"similarity": "kl", "abundance_terms": [mf.Smoothness(1e-2)]}),
    "known endmembers": (np.asarray, {"similarity": "kl", "known": np.random.default_rng(3).random((1, 40))}),
}


@pytest.mark.parametrize("name", SLOW)
def test_slow_fits_begin_on_a_subset_and_end_as_without_it(counts, small_subsets, monkeypatch, name):
    make, options = SLOW[name]
    one = Watched(make(counts), k=3, max_iter=8, tol=0, **options)
    states = one.states()
    assert states[0].pixels == SOME
    assert states[-1].pixels == 0
    for solved in states:
        assert np.isfinite(solved.state.abundances).all()
        assert solved.state.abundances.shape == (3, PIXELS)
    monkeypatch.setattr("mffnb.widgets.session.session.has_previews", lambda task, image: False)
    alone = one.states()
    assert {solved.pixels for solved in alone} == {0}
    assert sorted(states[-1].state.endmembers.sum(axis=1)) == sorted(alone[-1].state.endmembers.sum(axis=1))
    assert states[-1].state.objective == alone[-1].state.objective
    one.explorer.close()


def test_numpy_steps_begin_on_a_subset_too(counts, small_subsets, monkeypatch):
    class OnNumpySteps(Tier):
        def begin(self, settings):
            self.compiled = False

        def require(self, settings):
            self.compiled = False

    monkeypatch.setattr("mffnb.widgets.session.session.Tier", OnNumpySteps)
    monkeypatch.setattr("mffnb.widgets.session.session.kernels_are_awaited", lambda: False)
    for options in ({"similarity": "kl"}, {"volume": "auto"}):
        explorer = mf.explore(counts, k=3, **options)
        first = next(one for one in explorer.session.solve(explorer.controls.parameters) if one is not None)
        explorer.close()
        assert first.pixels == SOME
        assert not first.tier.compiled


def test_automatic_volume_begins_on_a_subset(watched):
    states = watched.states(volume="auto")
    assert states[0].pixels == SOME
    assert states[-1].pixels == 0
    assert states[-1].found is not None


def test_status_tells_which_pixels_the_picture_shows(counts, small_subsets):
    explorer = mf.explore(counts, k=3)
    frames, show = [], explorer.view.show
    explorer.view.show = lambda frame: (frames.append(frame), show(frame))[1]
    explorer.wait(120)
    frames.clear()
    explorer.controls.set(similarity="kl")
    explorer.wait(120)
    assert frames[0].status["text"] == f"showing {SOME} of {PIXELS} pixels"
    assert frames[-1].status["text"] == ""
    assert "subset_pixels" not in explorer.result.parameters
    explorer.close()


def test_stop_within_an_iteration_keeps_the_last_whole_state(counts, monkeypatch):
    explorer = mf.explore(counts, k=3, tol=0, max_iter=5)
    explorer.wait(120)
    session, updates, stopped_at = explorer.session, [], 7
    newton = likelihood.newton.newton_rows

    def counted(*arguments):
        updates.append(1)
        if len(updates) == stopped_at:
            session.stop()
        return newton(*arguments)

    monkeypatch.setattr(likelihood.newton, "newton_rows", counted)
    explorer.controls.set(similarity="kl")
    explorer.wait(120)
    assert len(updates) == stopped_at  # the next band was not begun
    result = explorer.result
    assert result.outcome is Outcome.STOPPED
    reconstruction = result.reconstruction().values
    positive = counts > 0
    divergence = np.sum(counts[positive] * np.log(counts[positive] / reconstruction[positive]))
    divergence += reconstruction.sum() - counts.sum()
    assert divergence / PIXELS * _scale(counts) == pytest.approx(float(result.trace.objective[-1]), rel=1e-6)
    explorer.close()


def _scale(counts):
    """Scale of the data inside of the solver, found from a fit with a known objective."""
    fit = mf.unmix(counts, 3, similarity="kl", max_iter=1, tol=0, random_state=0)
    model, positive = fit.reconstruction().values, counts > 0
    own = np.sum(counts[positive] * np.log(counts[positive] / model[positive])) + model.sum() - counts.sum()
    return float(fit.trace.objective[-1]) / (own / PIXELS)


def test_stop_on_a_subset_keeps_its_picture(counts, small_subsets):
    explorer = mf.explore(counts, k=3)
    explorer.wait(120)
    session = explorer.session
    run = session.solve(explorer.controls.parameters.__class__(3, similarity="kl"))
    first = next(run)
    assert first.pixels == SOME
    session.stop()
    *_, last = run
    assert last.state.outcome is Outcome.STOPPED
    assert last.pixels == SOME
    assert session.result(last).parameters["subset_pixels"] == SOME
    explorer.close()


def test_newer_parameters_end_a_run_within_an_iteration(counts, monkeypatch):
    explorer = mf.explore(counts, k=3, tol=0, max_iter=10**7)
    inside, go = threading.Event(), threading.Event()
    newton = likelihood.newton.newton_rows

    def waiting(*arguments):
        if not inside.is_set():
            inside.set()
            assert go.wait(60)
        return newton(*arguments)

    monkeypatch.setattr(likelihood.newton, "newton_rows", waiting)
    explorer.controls.set(similarity="kl")
    assert inside.wait(60)
    explorer.controls.set(similarity="frobenius")
    go.set()
    while not explorer._fit.runner.log or not explorer._fit.runner.log[-1].abandoned:
        assert not explorer._fit.runner.settled(0.01)
    explorer.stop()
    explorer.wait(60)
    assert explorer.result.parameters["similarity"] == "frobenius"
    explorer.close()
