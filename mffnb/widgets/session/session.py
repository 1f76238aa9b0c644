"""The session of an explorer: solve again after each move of a slider, with a warm start from the last state."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
import xarray as xr

from mffnb.constraints import Pinned
from mffnb.constraints.fixed import known_entries
from mffnb.cubes.layout import Layout
from mffnb.errors import UnsupportedCombinationError
from mffnb.estimators.names import named_similarity
from mffnb.geometry import Geometry
from mffnb.kernels.tiers.tier import Tier, iterate_on, kernels_are_awaited
from mffnb.matrices.cancellation import Cancelled, iterate_cancellable
from mffnb.parallel.placement import Local, Placement
from mffnb.preprocessing import Step
from mffnb.problem.compatibility import check_terms
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.terms import Term
from mffnb.solvers import Outcome, State
from mffnb.stability import weaker_weights
from mffnb.threads import half_of_the_threads
from mffnb.typing import Float64Array
from mffnb.unmixing.auto_counts import EQUAL, POISSON, Counts
from mffnb.unmixing.auto_volume import check_supported, iterate_volume
from mffnb.unmixing.kernel_settings import kernel_settings
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.task import Task
from mffnb.unmixing.warm_start import non_negative_factors_of
from mffnb.widgets.session.bands import Bands, refit_replicas
from mffnb.widgets.session.catalogue import catalogue
from mffnb.widgets.session.continuation import resize_factors, start_factors, with_held
from mffnb.widgets.session.fit_area import FitArea
from mffnb.widgets.session.fixed_regions import by_number, first_rows
from mffnb.widgets.session.held import Held, numbers, pinned_of, stacked
from mffnb.widgets.session.live_data import LiveImage, LiveInput, common_task
from mffnb.widgets.session.live_task import LiveTask
from mffnb.widgets.session.parameters import AUTO, OwnTerms, Parameters
from mffnb.widgets.session.preview import RunStep, Subset, has_previews
from mffnb.widgets.session.restarts import Restarts
from mffnb.widgets.session.solved import (
    Solved,
    first_names,
    in_order,
    matched_numbers,
    names_at_end,
    numbers_of,
    renamed,
    solver_order,
)
from mffnb.widgets.session.stopping import Stopping

Item = TypeVar("Item")

_NOTHING = np.empty((0, 0))  # in place of the factors in the trace of a run


class Session:
    """Unmix one cube repeatedly with changing parameters, each time with a warm start from the last state.

    Warm starts make the explorer respond quickly to a slider, and let components keep their identity. Known endmembers
    and other held ones come first in the solver, and are never removed.

    Parameters
    ----------
    cube
        Labelled spectral image.
    channel
        Channel dimension(s), the last one if None.
    mask, weights, known, preprocess
        As for :func:`mffnb.unmix`.
    abundance_terms, endmember_terms
        Penalties and constraints as objects.
    start
        A result for this image to start from.
    seed
        Seed of the start values that are computed from the data.
    placement
        The processes that hold the pixels; None for this process. On MPI ranks, all ranks create the same session and
        make the same calls.
    options
        ``solver``, ``max_iter`` and ``tol`` for :class:`mffnb.MatrixFactorization`.
    """

    def __init__(
        self,
        cube: xr.DataArray,
        channel: Any = None,
        *,
        mask: Any = None,
        weights: Any = None,
        known: Any = None,
        preprocess: Sequence[Step] = (),
        abundance_terms: Sequence[Term] = (),
        endmember_terms: Sequence[Term] = (),
        start: Unmixing | None = None,
        seed: int = 0,
        placement: Placement | None = None,
        **options: Any,
    ) -> None:
        task = common_task(
            options, channel=channel, mask=mask, known=known, weights=weights, preprocess=preprocess, random_state=seed
        )
        self.source = LiveInput(cube, task, placement or Local())
        self.own = OwnTerms(by_number(abundance_terms, known), tuple(endmember_terms), catalogue())
        self._task = LiveTask(self.source, self.own)
        switches = (True,) * len(self.source.steps)
        self._data = self.source.prepare(switches)
        _ = pinned_of(self.source.known, self._data.image)  # raises an error now if the known spectra do not fit
        self._passed: tuple[Held, ...] = self.source.passed
        self._prepared: dict[tuple[tuple[bool, ...], FitArea | None, tuple[Step, ...]], LiveImage] = {
            (switches, None, ()): self._data
        }
        self._seed = seed
        self._start = start
        self._last: Solved | None = None
        self._restored: Solved | None = None
        self._searched: tuple[int, int] | None = None
        self._edited: Solved | None = None
        self._restarts, self._stopping = Restarts(), Stopping()
        if start is not None:
            _ = self._initial(None, self._data, None)  # raises an error now if the given start does not fit the image

    @property
    def seed(self) -> int:
        """Seed of the start values that are computed from the data."""
        return self._seed

    @property
    def automatic(self) -> bool:
        """Whether ``volume="auto"`` is possible with the image and the keywords of the user."""
        source, own = self.source, self.own
        weights = source.task.weights
        given = source.known is not None or not (weights is None or _is_name(weights, POISSON, EQUAL))
        given = given or bool(own.abundance_terms or own.endmember_terms)
        return not given and self.matrix.complete and source.placement.holds_all_pixels

    @property
    def _alone(self) -> bool:
        """Whether all pixels are in this process, so that no other process waits for it."""
        return isinstance(self.source.placement, Local)

    @property
    def passed(self) -> tuple[Held, ...]:
        """The known endmembers that were passed, as held components."""
        return self._passed

    def check(self, parameters: Parameters) -> None:
        """Refuse parameters whose held spectra or penalties contradict each other or the present image.

        Raises
        ------
        ValueError, UnsupportedCombinationError
            In the words of :func:`mffnb.unmix`.
        """
        task, data = self._task.task(parameters), self._data
        if task.automatic:
            check_supported(task.physics, data.matrix, task.similarity, data.image.weights)
            return
        run = task.run(data.image, self.source.placement)
        check_terms(tuple(run.abundance_terms), tuple(run.endmember_terms))
        _ = known_entries(run.abundance_terms, (task.k, data.matrix.shape[0]))

    def _pinned(self, held: tuple[Held, ...] | None, data: LiveImage) -> Pinned | None:
        """Return held spectra as a constraint in the units of an image; None stands for those that were passed."""
        return pinned_of(self.source.known if held is None else stacked(held), data.image)

    @property
    def last(self) -> Solved | None:
        """The newest state of a run; None before the first run."""
        return self._last

    @property
    def data(self) -> LiveImage:
        """The image after the preprocessing steps that are switched on."""
        return self._data

    @property
    def matrix(self) -> Matrix:
        """The data matrix X, (pixels, channels), of the present image."""
        return self._data.matrix

    @property
    def layout(self) -> Layout:
        """Which dimensions of the present image are pixels and which are channels."""
        return self._data.layout

    def start_afresh(self) -> None:
        """Let the next run start from the data instead of the last state."""
        self._restored = None
        self._restarts.request()

    def stop(self) -> None:
        """End the present run, or the next one if none is running, with its state so far.

        A run that has no state yet, and reaches none within :data:`mffnb.widgets.session.stopping.GRACE` seconds, ends
        with the last state of the run before.
        """
        self._stopping.request()

    def cancel_stop(self) -> None:
        """Cancel an earlier :meth:`stop`, so that the next run is not ended."""
        self._stopping.cancel()

    def resume(self, state: State, names: tuple[int, ...], parameters: Parameters) -> None:
        """Continue from a state of another session, which has the pixels of this process."""
        self._last = Solved(state, names, parameters, self._data)

    def task(self, parameters: Parameters) -> Task:
        """Return the unmixing task of these parameters from the data, with the preprocessing steps that are on."""
        switches = parameters.steps or (True,) * len(self.source.steps)
        steps = tuple(step for step, on in zip(self.source.steps, switches, strict=True) if on)
        added = self.source.restricted(parameters.area).last_steps
        last = self._last
        names = None if last is None else self._first_rows(parameters, last.names)
        return replace(self._task.task(parameters, names), preprocess=(*steps, *added))

    def _first_rows(self, parameters: Parameters, before: Sequence[int]) -> tuple[int, ...]:
        """Return the numbers of the components of a run from the data, by row, where some have known abundances."""
        held = numbers(parameters.held_or(self._passed))
        return first_rows(parameters.k, held, self._task.fixed(parameters), before)

    def restore(self, solved: Solved, *, settled: bool = True) -> None:
        """Return to an earlier state: the next run with its parameters yields it unchanged, or continues from it."""
        self._last, self._data = solved, solved.data
        self._restored = solved if settled else None
        self._edited = None

    def continue_from(self, solved: Solved | None) -> None:
        """Let the next run start from an edited state; None cancels an earlier call."""
        self._edited = solved

    def solve(self, parameters: Parameters) -> Iterator[Solved | None]:
        """Run the solver to its end; yield every few milliseconds: a new state, or None if there is none yet.

        The caller may stop at any yield. None comes while uncertainty bands are computed, and while states are worse
        than the last picture from a subset of the pixels.

        Raises
        ------
        RuntimeError
            If :meth:`stop` ended the first run of all before it had a state.
        """
        solved = self._settled_for(parameters)
        if solved is not None:
            self._last, self._data = solved, solved.data
            yield solved
        else:
            tier = None if kernels_are_awaited() or not self._alone else Tier()
            for step in iterate_on(tier, self._until_overdue(self._solve(parameters, tier))):
                solved = solved if step is None else step
                yield step
        if parameters.bands and solved is not None and solved.bands is None and not solved.unchanged:
            for bands in self._unless_stopped(self._bands(solved)):
                if solved.bands is bands:
                    yield None
                else:
                    self._last = solved = replace(solved, bands=bands)
                    yield solved

    def _settled_for(self, parameters: Parameters) -> Solved | None:
        """Return the state for these parameters if it is known, else None.

        It is the state that was restored, or the last one if only the switch for uncertainty bands has changed.
        """
        last, restored = self._last, self._restored
        if restored is not None and restored.parameters == parameters:
            self._restored = None  # else a newer request waits for it, as after two quick undos
            return restored
        edited, self._edited = self._edited, None
        if edited is not None:
            self._last = edited  # also for the runs of later parameters, if these interrupt this one at once
            return None
        if last is None or self._restarts.wanted or last.state.outcome not in (Outcome.CONVERGED, Outcome.MAX_ITER):
            return None
        if replace(last.parameters, bands=parameters.bands) != parameters or last.parameters.bands == parameters.bands:
            return None
        return replace(last, parameters=parameters, bands=None)

    def _bands(self, solved: Solved) -> Iterator[Bands]:
        """Compute uncertainty bands from replicas of the noise, each fitted with a warm start from this state."""
        parameters = solved.parameters
        if parameters.volume == AUTO:  # replicas use the model that the rule for volume="auto" has selected
            with_gain = solved.state.gain is not None
            parameters = replace(parameters, gain=with_gain, sum_to_one=not with_gain)
        weight = solved.weight_for_counts
        if weight is not None:
            parameters = replace(parameters, volume=weight)
        if not self.source.placement.holds_all_pixels:
            raise UnsupportedCombinationError("bands need all pixels in one process: open an explorer without engines")
        held = numbers(parameters.held_or(self._passed))
        order = solver_order(solved.names, held)
        answer = self.result(solved)
        answer = replace(answer, endmembers=answer.endmembers[order], abundances=answer.abundances[order])

        def run(data: LiveImage, settings: Parameters = parameters) -> Iterator[State]:
            A, E = non_negative_factors_of(answer, data.image)
            task = self._task.task(settings, [solved.names[j] for j in order])
            task = replace(task, init=start_factors(A.T, E, task, data, len(held)))
            if weight is not None:  # the rule has found the settings of an ordinary fit
                weighted = replace(task.run(data.image, self.source.placement), weights=POISSON)
                return weighted.iterate(data.solver_matrix)
            return (state for state, _ in self._states(task, data))

        def labelled(state: State, data: LiveImage) -> Unmixing:
            names = tuple(solved.names[j] for j in order)
            return self.result(replace(solved, state=state, names=names, data=data, found=None))

        switches = parameters.steps or (True,) * len(self.source.steps)
        source = self.source.fitting(solved.parameters)
        weights = weaker_weights({"volume": parameters.volume, "sparsity": parameters.sparsity})
        weaker = partial(run, settings=replace(parameters, **weights)) if weights else None
        return refit_replicas(answer, source, switches, self._seed, run, labelled, weaker)

    def _solve(self, parameters: Parameters, tier: Tier | None) -> Iterator[Solved | None]:
        data = self._data = self.prepared_for(parameters)
        data.image.check(named_similarity(parameters.similarity))
        before, requests = self._last, self._restarts.requested
        known = numbers(parameters.held_or(self._passed))
        initial = None if self._restarts.wanted else self._initial(before, data, parameters.held)
        from_data = initial is None
        # components cannot be matched to those on another grid
        before = None if before is None or not before.data.same_grid(data) else before.at_channels_of(data)
        with half_of_the_threads():  # the other half of the threads is free to encode and send frames
            task, rows = self._started(initial, data, parameters, len(known))
            _choose_tier(tier, task, data)
            fixed, names = self._task.fixed(parameters), rows
            anew, named = from_data or task.automatic, False
            traces: dict[int, list[State]] = {}  # by the number of pixels that the objective sums over
            kept: Solved | None = None  # the last whole state that was shown
            same_components = not anew and before is not None and before.has_components(names, data, parameters)
            unsettled = anew or (
                before is not None and (before.parameters.similarity, before.data) != (parameters.similarity, data)
            )
            unsettled = unsettled and not (anew and fixed)  # a picture of a subset would number the components anew
            for state, found, pixels, hidden in self._stoppable(
                self._steps(task, data, len(known), unsettled=unsettled)
            ):
                trace = traces.setdefault(pixels, [])
                if anew and fixed:
                    names = renamed(rows, state.endmembers, before, (*known, *fixed))
                elif before is not None and anew:
                    names = matched_numbers(state.endmembers, before.state.endmembers, before.names, known)
                elif anew and not named:
                    names = first_names(state, data, known, numbers_have_meaning=task.numbers_have_meaning)
                elif not fixed:  # else a number stays with the row that its known abundances name
                    names = names_at_end(before, state, names, known)
                named = True
                if state.whole:
                    trace.append(replace(state, abundances=_NOTHING, endmembers=_NOTHING))
                ended = state.whole and self._stopping.wanted and state.outcome is Outcome.RUNNING
                if hidden:
                    if ended:
                        break
                    yield None
                    continue
                reached = replace(state, outcome=Outcome.STOPPED) if ended else state
                solved = in_order(
                    Solved(
                        reached, names, parameters, data, trace, len(trace), found,
                        pixels=pixels, tier=tier, searched=self._searched, from_data=anew,
                    )
                )  # fmt: skip
                kept = solved if state.whole else kept
                if same_components and state.iteration == 0 and not ended:
                    continue  # the view already shows this state
                self._last = solved
                if from_data and state.iteration == 0:
                    self._restarts.fulfil(requests)  # from now on there is a state to continue from
                if before is None and (pixels or parameters.volume == AUTO):
                    # names must not change within a run, although a search and a subset have other starts
                    before = solved
                yield solved
                if ended:
                    return
            if kept is None and same_components and before is not None and before.parameters == parameters:
                kept = before  # stopped before its first step: a run of a session that was saved while it ran
            yield from self._stopped(kept)

    def _started(
        self,
        initial: tuple[Float64Array, Float64Array, tuple[int, ...]] | None,
        data: LiveImage,
        parameters: Parameters,
        known: int,
    ) -> tuple[Task, tuple[int, ...]]:
        """Return the task of a run, with its start if it has one, and the names of its rows where known."""
        fixed = self._task.fixed(parameters)
        if initial is None:
            last = self._last
            rows = self._first_rows(parameters, () if last is None else last.names) if fixed else ()
            return self._task.task(parameters, rows or None), rows
        A, E, rows = resize_factors(*initial, data, parameters.k, known, fixed)
        task = self._task.task(parameters, rows)
        return (task if task.automatic else replace(task, init=start_factors(A, E, task, data, known))), rows

    def _stopped(self, kept: Solved | None) -> Iterator[Solved]:
        """Yield the last whole state of a run that was stopped within an iteration, as its end."""
        if kept is not None and kept.state.outcome is Outcome.RUNNING:
            self._last = stopped = replace(kept, state=replace(kept.state, outcome=Outcome.STOPPED))
            yield stopped

    def result(self, solved: Solved) -> Unmixing:
        """Label a state as :func:`mffnb.unmix` labels its result; ``component`` holds the persistent names."""
        return self._task.result(solved)

    def _until_overdue(self, states: Iterator[Solved | None]) -> Iterator[Solved | None]:
        """Yield the states of a run; a stop that is overdue ends it before its first state, see :meth:`stop`."""
        before = self._last
        if not self.source.placement.holds_all_pixels:  # ranks must end after the same state
            yield from states
            return
        try:
            yield from iterate_cancellable(states, lambda: self._last is before and self._stopping.overdue)
        except Cancelled:
            if not self._stopping.overdue:
                raise  # newer parameters have arrived
        if self._last is not before or not self._stopping.wanted:
            return
        if before is None:
            raise RuntimeError("the run was stopped before its first picture: click restart, or move a slider")
        self._data = before.data
        yield replace(before, unchanged=True)

    def _stoppable(self, steps: Iterator[RunStep]) -> Iterator[RunStep]:
        """Yield the steps of a run; after the first one, :meth:`stop` ends the run between two bands of the data."""
        yield from itertools.islice(steps, 1)
        if self.source.placement.holds_all_pixels:
            yield from self._unless_stopped(steps)
        else:  # ranks must end after the same state
            yield from steps

    def _unless_stopped(self, steps: Iterator[Item]) -> Iterator[Item]:
        """Yield the steps of a computation; :meth:`stop` ends it between two steps or two bands of the data."""
        try:
            for step in iterate_cancellable(steps, lambda: self._stopping.wanted):
                yield step
                if self._stopping.wanted:
                    return
        except Cancelled:
            if not self._stopping.wanted:
                raise  # newer parameters have arrived

    def _steps(self, task: Task, data: LiveImage, known: int, *, unsettled: bool) -> Iterator[RunStep]:
        """Iterate over the steps of a run; where ``unsettled``, those on a subset of the pixels come first.

        They are pictures only: the run on all pixels has the start and the result that it has without them.
        """
        self._searched = None
        if task.automatic:
            check_supported(task.physics, data.matrix, task.similarity, data.image.weights)
        possible = unsettled and self.source.placement.holds_all_pixels and has_previews(task, data)
        subset = Subset.of(data, self._seed, known) if possible else None
        error, last = np.inf, None
        if subset is not None:
            for step in subset.steps(task, self._seed):
                yield step
                last = step.state
            error = subset.error(last, task)
        for state, found in self._states(task, data):
            worse = state.relative_error > error and state.outcome is Outcome.RUNNING
            yield RunStep(state, found, hidden=worse)

    def _states(self, task: Task, data: LiveImage) -> Iterator[tuple[State, Geometry | None]]:
        """Iterate over the states of a run; the last one is paired with the decisions of the rule for volume="auto"."""
        if not task.automatic:
            run = task.run(data.image, self.source.placement)
            return ((state, None) for state in run.iterate(data.solver_matrix))
        counts = Counts.of(data.image, task.k)
        return iterate_volume(data.matrix, task.k, self._seed, task.physics, self._report_search, counts)

    def _report_search(self, done: int, most: int) -> None:
        """Keep how many searches for the smallest volume have ended, for the next state."""
        self._searched = done, most

    def prepared_for(self, parameters: Parameters) -> LiveImage:
        """Return the image after the preprocessing steps that are on; two are cached, so that undo is fast."""
        switches = parameters.steps or (True,) * len(self.source.steps)
        source = self.source.fitting(parameters)
        key = switches, parameters.area, source.last_steps
        if key not in self._prepared:
            data = source.prepare(switches)
            self._prepared = dict([*self._prepared.items()][-1:]) | {key: data}
        return self._prepared[key]

    def _initial(
        self, before: Solved | None, data: LiveImage, held: tuple[Held, ...] | None
    ) -> tuple[Float64Array, Float64Array, tuple[int, ...]] | None:
        """Return abundances, spectra and names of the last state or of the given start, the held components first.

        Returns None if they do not fit the image.
        """
        if before is not None and before.data is data:
            state = before.state
            A, E = state.abundances if state.gain is None else state.abundances * state.gain, state.endmembers
            names = before.names
        else:
            if before is not None and not data.same_grid(before.data):
                return None
            answer = self._start if before is None else self.result(before)
            if answer is None:
                return None
            amounts, E = non_negative_factors_of(answer, data.image)
            A = amounts.T
            if (A.shape[1], E.shape[1]) != data.matrix.shape:
                raise ValueError(
                    f"start is an answer for another image: this one has {data.matrix.shape} pixels and channels"
                )
            names = numbers_of(answer)
            rows = np.argsort(names)  # a result may be in the order of its user
            A, E, names = A[rows], E[rows], tuple(names[row] for row in rows)
        pinned = self._pinned(held, data)
        if pinned is None:
            return A, E, names
        return with_held(A, E, names, numbers(self._passed if held is None else held), pinned, data)


def _is_name(weights: Any, *names: str) -> bool:
    """Whether weights are one of these names, and no array."""
    return isinstance(weights, str) and weights in names


def _choose_tier(tier: Tier | None, task: Task, data: LiveImage) -> None:
    """Choose compiled kernels or NumPy steps for a run, and start the child process that compiles its kernels."""
    if tier is None:
        return
    tier.begin(kernel_settings(task, data.image))
    matrix = data.matrix if task.automatic else data.solver_matrix
    tier.require(kernel_settings(task, data.image, matrix))
