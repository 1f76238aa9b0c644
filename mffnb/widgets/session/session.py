"""What an explorer remembers between two moves of a slider, and how it goes on from there."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.layout import Layout
from mffnb.errors import UnsupportedCombinationError
from mffnb.estimators.factorization import MatrixFactorization
from mffnb.estimators.names import named_similarity
from mffnb.geometry import Geometry
from mffnb.preprocessing import Step
from mffnb.protocols.half import Term
from mffnb.protocols.matrix import Matrix
from mffnb.selection import grow
from mffnb.similarities import Frobenius
from mffnb.solvers import Outcome, State
from mffnb.solvers.grow_shrink import unique_share
from mffnb.threads import half_of_the_threads
from mffnb.typing import Float64Array
from mffnb.unmixing.auto_volume import check, follow
from mffnb.unmixing.label import matrices
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.session.bands import Bands, gathered
from mffnb.widgets.session.catalogue import catalogue
from mffnb.widgets.session.live_data import Data, Source
from mffnb.widgets.session.live_task import Task
from mffnb.widgets.session.parameters import AUTO, OwnTerms, Parameters
from mffnb.widgets.session.solved import (
    Solved,
    by_share,
    in_order,
    inherited,
    lifted,
    lowest_free,
    numbers_of,
    with_known,
)


class Session:
    """Solve for one cube again and again, each time from where the last run stood.

    Warm starts are what makes a slider feel live, and what keeps component 2 component 2. More components begin
    with the largest residual, fewer drop the one needed least. Known endmembers come first and stay.

    Parameters
    ----------
    cube
        Labelled spectral image.
    channel
        Channel dimension(s), the last one if None.
    mask, weights, known, preprocess
        As for :func:`mffnb.unmix`.
    abundance_terms, endmember_terms
        The user's own.
    start
        An answer for this image to go on from.
    seed
        For starts from the data.
    communicator
        Of MPI ranks that all make the same session, and the same calls of it: each has its own rows of pixels.
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
        communicator: Any = None,
        **options: Any,
    ) -> None:
        self.source = Source(cube, channel, mask, known, weights, tuple(preprocess), communicator)
        self.own = OwnTerms(tuple(abundance_terms), tuple(endmember_terms), catalogue())
        self._task = Task(self.source, self.own, seed, options)
        self._data = self.source.prepared([True] * len(self.source.steps))
        self._prepared = {tuple([True] * len(self.source.steps)): self._data}
        self._seed = seed
        self._start = start
        self._last: Solved | None = None
        self._afresh, self._enough = threading.Event(), threading.Event()
        if start is not None:
            _ = self._begun(None, self._data)  # which refuses what does not fit

    @property
    def automatic(self) -> bool:
        """Whether the weight of the volume can be found from the data, with all that was given."""
        source, own = self.source, self.own
        given = source.known is not None or source.weights is not None or own.abundance_terms or own.endmember_terms
        return not given and self.matrix.complete and source.communicator is None

    @property
    def last(self) -> Solved | None:
        """The newest state, None before the first."""
        return self._last

    @property
    def data(self) -> Data:
        """The image that is factored at present."""
        return self._data

    @property
    def matrix(self) -> Matrix:
        """X, (pixels, channels), at present."""
        return self._data.matrix

    @property
    def layout(self) -> Layout:
        """Which dimensions are pixels and which channels, at present."""
        return self._data.layout

    def start_afresh(self) -> None:
        """Let the next run start from the data instead of the last state."""
        self._afresh.set()

    def stop(self) -> None:
        """Let the present run, or the next one if there is none, end with what it has."""
        self._enough.set()

    def go_on(self) -> None:
        """Take back what `stop` said."""
        self._enough.clear()

    def resume(self, state: State, names: tuple[int, ...], parameters: Parameters) -> None:
        """Go on from an answer of another session, whose state has the pixels that are here."""
        self._last = Solved(state, names, parameters, self._data)

    def solve(self, parameters: Parameters) -> Iterator[Solved]:
        """Run to the end, yielding every few milliseconds; may be abandoned at any yield."""
        solved = self._settled_for(parameters)
        if solved is not None:
            self._last = solved
            yield solved
        else:
            for solved in self._solve(parameters):
                yield solved
        if parameters.bands and solved is not None:
            for bands in self._bands(solved):
                if self._enough.is_set():
                    return
                if solved.bands is not bands:
                    self._last = solved = replace(solved, bands=bands)
                yield solved

    def _settled_for(self, parameters: Parameters) -> Solved | None:
        """The last answer, where it is that for these parameters: bands alone are no reason to look for it again."""
        last = self._last
        if last is None or self._afresh.is_set() or last.state.outcome not in (Outcome.CONVERGED, Outcome.MAX_ITER):
            return None
        if replace(last.parameters, bands=parameters.bands) != parameters or last.parameters.bands == parameters.bands:
            return None
        return replace(last, parameters=parameters, bands=None)

    def _bands(self, solved: Solved) -> Iterator[Bands]:
        """What replicas of the noise show, each fitted from this answer on; where a rule found it, by that rule."""
        parameters = solved.parameters
        if parameters.volume == AUTO:  # the model has been decided
            with_gain = solved.state.gain is not None
            parameters = replace(parameters, gain=with_gain, sum_to_one=not with_gain)
        if self.source.communicator is not None:
            raise UnsupportedCombinationError("bands need all pixels in one process: open an explorer without engines")
        answer = self.result(solved)

        def run(data: Data) -> Iterator[State]:
            model = self._task.model(parameters, data)
            A, E = (np.maximum(np.nan_to_num(part, posinf=0.0), 0.0) for part in matrices(answer, data.image))
            model.init = self._started(A.T, E, parameters, data)
            return (state for state, _ in self._states(parameters, model, data))

        def labelled(state: State, data: Data) -> Unmixing:
            return self.result(replace(solved, state=state, data=data, found=None))

        switches = parameters.steps or (True,) * len(self.source.steps)
        return gathered(answer, self.source, switches, self._seed, run, labelled)

    def _solve(self, parameters: Parameters) -> Iterator[Solved]:
        data = self._data = self._prepared_for(parameters)
        data.image.check(named_similarity(parameters.similarity))
        before = self._last
        begun = None if self._afresh.is_set() else self._begun(before, data)
        afresh = begun is None
        if before is not None and not before.data.same_grid(data):
            before = None  # nothing of it can be recognised
        with half_of_the_threads():  # a frame must also be drawn
            names: tuple[int, ...] = tuple(range(parameters.k))
            model = self._task.model(parameters, data)
            if begun is not None:
                A, E, names = self._resized(*begun, data, parameters.k)
                model.init = self._started(A, E, parameters, data)
            trace: list[State] = []
            anew = afresh or parameters.volume == AUTO
            same_components = before is not None and not anew and names == before.names and before.data is data
            for state, found in self._states(parameters, model, data):
                if before is not None and anew:
                    names = inherited(state.endmembers, before.state.endmembers, before.names, data.known)
                elif parameters.volume == AUTO:
                    names = by_share(state)
                if state.whole:
                    nothing = np.empty((0, 0))
                    trace.append(replace(state, abundances=nothing, endmembers=nothing))
                ended = state.whole and self._enough.is_set() and state.outcome is Outcome.RUNNING
                if same_components and state.iteration == 0 and not ended:
                    continue  # that is what the screen shows already
                reached = replace(state, outcome=Outcome.STOPPED) if ended else state
                solved = in_order(Solved(reached, names, parameters, data, trace, len(trace), found))
                if afresh and state.iteration == 0:
                    self._afresh.clear()  # done what was asked, for good: there is a state to go on from
                self._last = solved
                if before is None and parameters.volume == AUTO:
                    before = solved  # a search jumps from start to start; names do not
                yield solved
                if ended:
                    return

    def result(self, solved: Solved) -> Unmixing:
        """Label a state as :func:`mffnb.unmix` labels its answer; ``component`` holds the lasting names."""
        return self._task.result(solved)

    def _states(
        self, parameters: Parameters, model: MatrixFactorization, data: Data
    ) -> Iterator[tuple[State, Geometry | None]]:
        """States of a run; with the last one what the data decided, where they were asked."""
        if parameters.volume != AUTO:
            return ((state, None) for state in model.iterate(data.looked_at))
        asked = self._task.asked(parameters)
        check(asked, data.matrix, parameters.similarity, data.weights)
        return follow(data.matrix, parameters.k, self._seed, asked)

    def _prepared_for(self, parameters: Parameters) -> Data:
        """The image after the steps that are on; the last two are kept, so that a switch can go back at once."""
        switches = parameters.steps or (True,) * len(self.source.steps)
        if switches not in self._prepared:
            data = self.source.prepared(switches)
            self._prepared = dict([*self._prepared.items()][-1:]) | {switches: data}
        return self._prepared[switches]

    def _begun(self, before: Solved | None, data: Data) -> tuple[Float64Array, Float64Array, tuple[int, ...]] | None:
        """Amounts, spectra and names of the last answer, or of the given start; None where they do not fit."""
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
            amounts, E = matrices(answer, data.image)
            A, E = (np.maximum(np.nan_to_num(part, posinf=0.0), 0.0) for part in (amounts.T, E))
            if (A.shape[1], E.shape[1]) != data.matrix.shape:
                raise ValueError(
                    f"start is an answer for another image: this one has {data.matrix.shape} pixels and channels"
                )
            names = numbers_of(answer)
        A, E = (A, E) if data.pinned is None else with_known(A, E, data.pinned)
        return A, E, names

    def _resized(
        self, A: Float64Array, E: Float64Array, named: tuple[int, ...], data: Data, k: int
    ) -> tuple[Float64Array, Float64Array, tuple[int, ...]]:
        """As many components as are wanted now; what is known stays."""
        names = list(named)
        while len(A) > k:
            dropped = data.known + int(np.argmin(unique_share(A, E, data.matrix.total)[data.known :]))
            A, E = np.delete(A, dropped, 0), np.delete(E, dropped, 0)
            del names[dropped]
        while len(A) < k:
            A, E = grow(data.complete, A, E)
            names.append(lowest_free(names))
        return A, E, tuple(names)

    def _started(
        self, A: Float64Array, E: Float64Array, parameters: Parameters, data: Data
    ) -> tuple[Float64Array, Float64Array]:
        """A start (pixels, k), (k, channels) that the similarity can go on from."""
        if parameters.similarity != "frobenius" and not isinstance(parameters.similarity, Frobenius):
            mean = data.matrix.total(A.sum(axis=1)) / data.matrix.shape[0]
            free = E[data.known :]
            A, E = lifted(A, mean), np.vstack([E[: data.known], lifted(free, free.mean(axis=1))])
        return A.T, E
