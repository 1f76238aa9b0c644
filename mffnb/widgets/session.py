"""What an explorer remembers between two moves of a slider, and how it goes on from there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr

from mffnb.keywords import Physics, Prepared
from mffnb.labelling import assemble, record
from mffnb.model import MatrixFactorization
from mffnb.parallel.threads import half_of_the_threads
from mffnb.result import Unmixing
from mffnb.selection import grow, match, shrink
from mffnb.solvers import State
from mffnb.typing import Array, Float64Array
from mffnb.widgets.controls import Parameters


@dataclass(frozen=True, eq=False)
class Solved:
    """A state of the run with the identity of its components.

    Attributes
    ----------
    state
        Factors in the units of the data, in the order of ``names``.
    names
        Which component is which, (k,): kept as long as the component lives, whatever the sliders do.
    parameters
        What is being solved.
    trace
        Whole iterations, without their factors; the run goes on adding to it.
    steps
        How many of them led to this state.
    """

    state: State
    names: tuple[int, ...]
    parameters: Parameters
    trace: list[State] = field(default_factory=list)
    steps: int = 0


class Session:
    """Solve for one cube again and again, each time from where the last run stood.

    Warm starts are what makes a slider feel live, and what keeps component 2 component 2. More components begin
    with the largest residual, fewer drop the one needed least.

    Parameters
    ----------
    cube
        Labelled spectral image.
    channel
        Channel dimension(s), the last one if None.
    seed
        For starts from the data.
    options
        ``similarity``, ``solver``, ``max_iter`` and ``tol`` for :class:`mffnb.MatrixFactorization`.
    """

    def __init__(
        self, cube: xr.DataArray, channel: Any = None, *, mask: Any = None, seed: int = 0, **options: Any
    ) -> None:
        unknown = set(options) - {"similarity", "solver", "max_iter", "tol"}
        if unknown:
            raise TypeError(f"there is no option {sorted(unknown)[0]!r}: use similarity, solver, max_iter or tol")
        self.cube = cube
        self.image = Prepared.of(cube, channel, mask, ())
        self.layout = self.image.layout
        self.matrix = self.layout.matrix(cube)
        self._model = MatrixFactorization(random_state=seed, **options)
        self._seed = seed
        self._last: Solved | None = None
        self._afresh = threading.Event()

    @property
    def last(self) -> Solved | None:
        """The newest state, None before the first."""
        return self._last

    def start_afresh(self) -> None:
        """Let the next run start from the data instead of the last state."""
        self._afresh.set()

    def solve(self, parameters: Parameters) -> Iterator[Solved]:
        """Run to the end, yielding every few milliseconds; may be abandoned at any yield."""
        before = self._last
        afresh = self._afresh.is_set() or before is None
        model = MatrixFactorization(**{**self._model.get_params(deep=False), "n_components": parameters.k})
        asked = Physics(parameters.sparsity, parameters.smoothness, sum_to_one=parameters.sum_to_one)
        model.abundance_terms = asked.of_abundances(self.image)
        with half_of_the_threads():  # a frame must also be drawn
            names: tuple[int, ...] = tuple(range(parameters.k))
            if before is not None and not afresh:
                A, E, names = self._resized(before, parameters.k)
                model.init = (A.T, E)
            trace: list[State] = []
            same_components = before is not None and not afresh and names == before.names
            for state in model.iterate(self.matrix):
                if before is not None and afresh:
                    names = _inherited(state.endmembers, before)
                if state.whole:
                    nothing = np.empty((0, 0))
                    trace.append(replace(state, abundances=nothing, endmembers=nothing))
                if same_components and state.iteration == 0:
                    continue  # that is what the screen shows already
                solved = _in_order(Solved(state, names, parameters, trace, len(trace)))
                if afresh and state.iteration == 0:
                    self._afresh.clear()  # done what was asked, for good: there is a state to go on from
                self._last = solved
                yield solved

    def result(self, solved: Solved) -> Unmixing:
        """Label a state as :func:`mffnb.unmix` labels its answer; ``component`` holds the lasting names."""
        settings = record(self.image, self._model, "explored", 1, self._seed) | solved.parameters.as_dict()
        state, trace = solved.state, solved.trace[: solved.steps]
        result = assemble(self.cube, self.image, state.abundances, state.endmembers, state.outcome, trace, settings)
        names = {"component": list(solved.names)}
        return replace(
            result,
            endmembers=result.endmembers.assign_coords(names),
            abundances=result.abundances.assign_coords(names),
        )

    def _resized(self, before: Solved, k: int) -> tuple[Float64Array, Float64Array, tuple[int, ...]]:
        A, E, names = before.state.abundances, before.state.endmembers, list(before.names)
        while len(A) > k:
            A, E, dropped = shrink(A, E)
            del names[dropped]
        while len(A) < k:
            A, E = grow(self.matrix, A, E)
            names.append(_lowest_free(names))
        return A, E, tuple(names)


def _lowest_free(names: list[int]) -> int:
    return min(set(range(len(names) + 1)) - set(names))


def _inherited(endmembers: Array, before: Solved) -> tuple[int, ...]:
    """Names for spectra that were found anew: those of the components they resemble most."""
    partner = match(endmembers, before.state.endmembers)
    names = [before.names[p] if p >= 0 else -1 for p in partner]
    for j, name in enumerate(names):
        if name < 0:
            names[j] = _lowest_free(names)
    return tuple(names)


def _in_order(solved: Solved) -> Solved:
    """Sort components by name, so that places on the screen last as long as the names do."""
    order = np.argsort(solved.names)
    if np.array_equal(order, np.arange(len(order))):
        return solved
    state = replace(
        solved.state,
        abundances=solved.state.abundances[order],
        endmembers=solved.state.endmembers[order],
    )
    return replace(solved, state=state, names=tuple(solved.names[j] for j in order))
