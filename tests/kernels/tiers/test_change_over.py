"""Runs that begin on NumPy steps and change to compiled kernels at a chosen iteration."""

from __future__ import annotations

import signal

import numpy as np
import pytest
from scipy import sparse

import mffnb as mf
from mffnb.kernels.tiers import tier as tiers
from mffnb.kernels.tiers.tier import Tier, running_on
from mffnb.matrices import Sparse, sparse_if_smaller
from mffnb.matrices.cancellation import Cancelled, cancellable
from mffnb.solvers import Outcome
from mffnb.solvers.subsampled_start import SubsampledStart
from mffnb.unmixing.task import Task
from tests.conftest import mixture

TIGHT = {"tol": 1e-7, "max_iter": 5000}


class ReadyAfter:
    """A compilation in the background that ends after some looks at it, with or without a failure."""

    def __init__(self, looks: float, failure: str = "") -> None:
        self.looks, self.failure, self.seen = looks, failure, 0

    @property
    def ended(self) -> bool:
        self.seen += 1
        return self.seen >= self.looks


def states(tier, cube, compressed=False, **settings):
    """Objective, factors and outcome of the whole states of a run on this tier."""
    task = Task.of(**{"k": 3, "random_state": 0, **settings})
    image = task.prepare(cube)
    with running_on(tier):
        matrix = sparse_if_smaller(image.layout.matrix(image.cube))
        if compressed:
            matrix = Sparse(sparse.csr_array(matrix.array))
        return [
            (state.objective, state.abundances.copy(), state.endmembers.copy(), state.outcome)
            for state in task.run(image).begin(matrix).states
            if state.whole
        ]


def counts(share=1.0, kind=np.uint16, components=3):
    """Counts of some components, most of them zero for a small share."""
    random = np.random.default_rng(2)
    values = random.poisson(200 * mixture(components=components, noise=0.0).values).astype(kind)
    cube = mixture()
    return cube.copy(data=values * (random.random(values.shape) < share))


def holes():
    cube = mixture()
    cube.values[::2, ::3, 4] = np.nan
    return cube


#: Cube and settings of a run, and whether every NumPy step has the result of the kernel.
PATHS = {
    "plain": (mixture, {}, True),
    "counts": (counts, {}, True),
    "float32": (lambda: mixture().astype(np.float32), {}, True),
    "int64": (lambda: counts(kind=np.int64), {}, True),
    "compressed": (lambda: counts(0.03), {}, True),
    "sparse": (mixture, {"sparsity": 1e-3}, True),
    "sum to one": (mixture, {"sum_to_one": True}, True),
    "volume and gain": (mixture, {"gain": True, "volume": 1e-3}, True),
    "bounds": (mixture, {"abundance_terms": [mf.Bounds(0.0, 0.8)]}, True),
    "missing": (holes, {}, True),
    "smooth": (mixture, {"smoothness": 1e-2}, False),
    "smooth, sum to one": (mixture, {"smoothness": 1e-2, "sum_to_one": True}, False),
    "kl": (counts, {"similarity": "kl"}, False),
    "kl, compressed": (counts, {"similarity": "kl", "compressed": True}, False),
    "kl, sum to one": (counts, {"similarity": "kl", "sum_to_one": True}, False),
    "kl, smooth": (counts, {"similarity": "kl", "smoothness": 1e-2}, False),
    # with three components, ways through different iterates may end in different minima
    "kl, sparse": (lambda: counts(components=2), {"similarity": "kl", "sparsity": 1e-2, "k": 2}, False),
}


SLOW = ("kl, sum to one", "kl, smooth")  # bisection for each pixel, and many iterations


@pytest.fixture(params=[pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in PATHS])
def path(request):
    cube, settings, exact = PATHS[request.param]
    return cube(), settings, exact


def test_the_objective_never_rises_and_ends_at_that_of_the_compiled_run(path):
    cube, settings, _ = path
    tier = Tier(ReadyAfter(8))
    mixed = states(tier, cube, **settings, **TIGHT)
    compiled = states(None, cube, **settings, **TIGHT)
    assert tier.iterations == 8
    assert tier.compiled
    objective = np.array([value for value, *_ in mixed])
    zero = objective[0]
    assert (np.diff(objective) <= 1e-11 * zero).all()
    assert len(mixed) > 10
    assert mixed[-1][-1] is compiled[-1][-1] is Outcome.CONVERGED
    np.testing.assert_allclose(mixed[-1][0], compiled[-1][0], rtol=1e-9)


def test_equal_steps_give_equal_factors_after_the_same_iterations(path):
    cube, settings, exact = path
    if not exact:
        settings = {**settings, "max_iter": 0}
    tier = Tier(ReadyAfter(4))
    some = {"tol": 0.0, "max_iter": 7, **settings}
    for one, other in zip(states(tier, cube, **some), states(None, cube, **some), strict=True):
        for part, same in zip(one[:3], other[:3], strict=True):
            np.testing.assert_allclose(part, same, rtol=1e-7, atol=1e-9)


def test_more_components_than_registers_hold():
    some = {"k": 14, "tol": 0.0, "max_iter": 7}
    one, other = (states(tier, mixture(), **some)[-1] for tier in (Tier(ReadyAfter(4)), None))
    np.testing.assert_allclose(one[1], other[1], rtol=1e-6, atol=1e-8)


def test_compiled_kernels_give_equal_bits_with_and_without_a_tier():
    cube = mixture()
    for one, other in zip(states(Tier(), cube), states(None, cube), strict=True):
        assert one[0] == other[0]
        assert np.array_equal(one[1], other[1])


def test_a_run_that_converges_before_the_kernels_are_ready_ends_on_numpy_steps():
    tier = Tier(ReadyAfter(np.inf))
    found = states(tier, mixture())
    assert found[-1][-1] is Outcome.CONVERGED
    assert not tier.compiled
    assert tier.iterations == len(found) - 1
    np.testing.assert_allclose(found[-1][0], states(None, mixture())[-1][0], rtol=1e-9)


@pytest.mark.parametrize("settings", [{"max_iter": 12}, {"tol": 0.3}, {"max_iter": 1}], ids=str)
def test_simpler_steps_do_not_end_a_run(settings):
    compilation = ReadyAfter(20)  # later than half of the iterations: the run waits
    tier = Tier(compilation)
    found = states(tier, counts(), similarity="kl", **settings)
    assert compilation.seen == (20 if settings != {"max_iter": 1} else 1)
    assert tier.iterations <= max(1, 6)
    if settings != {"max_iter": 1}:
        assert tier.compiled
        assert len(found) - 1 > tier.iterations


def test_a_run_that_waits_for_kernels_can_be_stopped():
    task = Task.of(k=3, random_state=0, similarity="kl", tol=0.5)
    cube = counts()
    with running_on(Tier(ReadyAfter(np.inf))):
        image = task.prepare(cube)
        run = task.run(image).begin(image.layout.matrix(image.cube)).states
        seen = [next(run) for _ in range(40)]
    assert {state.iteration for state in seen[-10:]} == {seen[-1].iteration}
    assert not any(state.whole for state in seen[-10:])


def test_a_run_that_waits_for_kernels_is_cancelled_although_its_caller_takes_whole_states_only():
    cube = counts()
    tier = Tier(ReadyAfter(np.inf))
    waited = []

    def wanted():
        waited.append(tier._waiting_since is not None)
        return sum(waited) > 3

    with pytest.raises(Cancelled), cancellable(wanted):
        states(tier, cube, similarity="kl", tol=0.5)
    assert sum(waited) == 4
    assert not tier.compiled


def test_without_a_child_exact_steps_go_on_and_simpler_ones_give_way_to_compiling(monkeypatch):
    tier = Tier(ReadyAfter(0, failure="no space left"))
    states(tier, mixture())
    assert not tier.compiled
    tier = Tier(ReadyAfter(0, failure="no space left"))
    states(tier, counts(), similarity="kl")
    assert tier.compiled
    assert tier.iterations == 1
    monkeypatch.setattr(tiers, "_FOREGROUND_SECONDS", 0.0)  # compiling is shorter than what the run has taken so far
    tier = Tier(ReadyAfter(0, failure="no space left"))
    states(tier, mixture())
    assert tier.iterations == 1


def test_a_slow_child_does_not_hold_up_a_run_for_ever(monkeypatch):
    monkeypatch.setattr(tiers, "_LONGEST_WAIT", 0.0)
    tier = Tier(ReadyAfter(np.inf))
    assert states(tier, counts(), similarity="kl")[-1][-1] is Outcome.CONVERGED
    assert tier.compiled


def test_a_start_on_a_subset_of_pixels():
    cube, settings = mixture((12, 12)), {"init": SubsampledStart(pixels=60)}
    one = states(Tier(ReadyAfter(np.inf)), cube, **settings)
    other = states(None, cube, **settings)
    np.testing.assert_allclose(one[0][1], other[0][1], rtol=1e-6, atol=1e-8)


@pytest.fixture
def cold(monkeypatch):
    """Nothing is compiled, and the child process is ready after a number of iterations that the test sets."""
    monkeypatch.delenv("MFFNB_COMPILE", raising=False)
    child = ReadyAfter(3)
    monkeypatch.setattr(tiers, "is_ready", lambda group: False)
    monkeypatch.setattr(tiers, "compilation_of", lambda group: child)
    return child


def test_unmix_records_the_iterations_on_numpy_steps(cold):
    assert mf.unmix(mixture(), 3).parameters["numpy_iterations"] == 3


def test_unmix_with_minimum_volume_begins_on_numpy_steps(cold):
    cold.looks = 1
    assert mf.unmix(mixture(noise=0.01), 3, volume="auto").parameters["numpy_iterations"] == 1


def test_ctrl_c_keeps_the_result_of_numpy_steps(cold):
    cold.looks = np.inf

    def interrupt(state):
        if state.iteration == 2:
            raise KeyboardInterrupt

    result = mf.unmix(mixture(), 3, callback=interrupt)
    assert result.outcome is Outcome.INTERRUPTED
    assert result.parameters["numpy_iterations"] == 2
    assert np.isfinite(result.abundances).all()


def test_ctrl_c_ends_the_wait_for_kernels(cold, monkeypatch):
    """Simpler steps have done what they can, and the run repeats its last state until the kernels are ready."""
    cold.looks, waits = np.inf, []

    def sleep(seconds):
        waits.append(seconds)
        if len(waits) == 3:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(tiers.time, "sleep", sleep)
    result = mf.unmix(counts(), 3, similarity="kl", tol=0.5)
    assert result.outcome is Outcome.INTERRUPTED
    assert len(waits) == 3
    assert result.parameters["numpy_iterations"] > 0


@pytest.mark.parametrize(
    ("settings", "waits"),
    [
        ({}, False),
        ({"random_state": 1}, True),
        ({"random_state": 1, "callback": lambda state: None}, False),
        ({"random_state": 1, "progress": True}, False),
    ],
    ids=["no seed", "seed", "seed and callback", "seed and progress"],
)
def test_runs_with_a_seed_wait_unless_somebody_watches(cold, settings, waits):
    assert ("numpy_iterations" not in mf.unmix(mixture(), 3, **settings).parameters) == waits


def test_a_run_with_a_checkpoint_waits(cold, tmp_path):
    assert "numpy_iterations" not in mf.unmix(mixture(), 3, checkpoint=tmp_path / "kept").parameters


def test_estimators_wait(cold):
    mf.MatrixFactorization(3).fit(mixture().values.reshape(-1, 20))
    assert cold.seen == 0


def test_the_environment_makes_all_runs_wait(cold, monkeypatch):
    monkeypatch.setenv("MFFNB_COMPILE", "wait")
    assert "numpy_iterations" not in mf.unmix(mixture(), 3).parameters
    monkeypatch.setenv("MFFNB_COMPILE", "never")
    with pytest.raises(ValueError, match="MFFNB_COMPILE is 'never': set it to 'wait'"):
        mf.unmix(mixture(), 3)


def test_trials_of_a_search_wait(cold):
    with tiers.await_kernels():
        assert "numpy_iterations" not in mf.unmix(mixture(), 3).parameters


def test_the_explorer_begins_on_numpy_steps_and_says_so(cold, monkeypatch):
    from mffnb.widgets.live_view.live_view import LiveView

    texts = []
    shown = LiveView.show
    monkeypatch.setattr(LiveView, "show", lambda self, frame, *a, **k: (texts.append(str(frame)), shown(self, frame)))
    explorer = mf.explore(mixture(), k=3, tol=1e-7)
    explorer.wait(60)
    assert explorer.result.parameters["numpy_iterations"] == 3
    explorer.close()
    assert any("compiling kernels in the background" in text for text in texts)
    assert "compiling" not in texts[-1]


def test_runs_on_several_threads_have_tiers_of_their_own():
    from concurrent.futures import ThreadPoolExecutor

    from mffnb.threads import limit_threads

    cube = mixture((40, 40), channels=300)
    mixed, plain = Tier(ReadyAfter(np.inf)), Tier()
    with limit_threads(2), ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda tier: states(tier, cube, max_iter=8, tol=0.0), [mixed, plain]))
    assert mixed.iterations == 8
    assert plain.iterations == 0
    np.testing.assert_allclose(found[0][-1][0], found[1][-1][0], rtol=1e-10)
