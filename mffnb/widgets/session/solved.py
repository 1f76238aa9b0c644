"""A state of an explorer's run in which components keep their identity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from mffnb.constraints import Pinned
from mffnb.geometry import Geometry
from mffnb.selection import match
from mffnb.solvers import State
from mffnb.typing import Array, Float64Array
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.session.bands import Bands
from mffnb.widgets.session.live_data import Data
from mffnb.widgets.session.parameters import Parameters

# Where a factor is zero, a likelihood may be infinite, and updates that multiply can never leave.
_LEAST = 1e-4


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
    data
        For which image.
    trace
        Whole iterations, without their factors; the run goes on adding to it.
    steps
        How many of them led to this state.
    found
        What the data decided and why, where they were asked and have answered.
    bands
        How sure the endmembers are, where that is asked for and known.
    """

    state: State
    names: tuple[int, ...]
    parameters: Parameters
    data: Data
    trace: list[State] = field(default_factory=list)
    steps: int = 0
    found: Geometry | None = None
    bands: Bands | None = None


def lowest_free(names: list[int]) -> int:
    """The name for a component that is new."""
    return min(set(range(len(names) + 1)) - set(names))


def numbers_of(answer: Unmixing) -> tuple[int, ...]:
    """The lasting names in an answer; its order where there are none."""
    names = answer.abundances.coords.get("component")
    if names is None or names.dtype.kind not in "iu" or len(set(names.values.tolist())) < len(answer.abundances):
        return tuple(range(len(answer.abundances)))
    return tuple(int(name) for name in names.values)


def inherited(endmembers: Array, before: Array, numbers: Sequence[int], known: int = 0) -> tuple[int, ...]:
    """Names for spectra that were found anew: those of the components they resemble most; known ones keep theirs."""
    partner = match(endmembers[known:], before[known:])
    names = [*range(known), *(numbers[known + p] if p >= 0 else -1 for p in partner)]
    for j, name in enumerate(names):
        if name < 0:
            names[j] = lowest_free(names)
    return tuple(names)


def by_share(state: State) -> tuple[int, ...]:
    """Names for a first state: 0 for the component with the largest share."""
    amounts = state.abundances if state.gain is None else state.abundances * state.gain
    order = np.argsort(-amounts.sum(axis=1), kind="stable")
    return tuple(int(place) for place in np.argsort(order))


def in_order(solved: Solved) -> Solved:
    """Sort components by name, so that places on the screen last as long as the names do."""
    order = np.argsort(solved.names)
    if np.array_equal(order, np.arange(len(order))):
        return solved
    state, found = solved.state, solved.found
    if found is not None and found.alternative is not None:
        found = replace(found, alternative=found.alternative[order])
    state = replace(state, abundances=state.abundances[order], endmembers=state.endmembers[order])
    return replace(solved, state=state, names=tuple(solved.names[j] for j in order), found=found)


def lifted(factor: Float64Array, mean: Float64Array) -> Float64Array:
    """A factor without zeros, which a likelihood could never leave; the mean is that of each row on all ranks."""
    return np.asarray(np.maximum(factor, _LEAST * mean[:, None]))


def with_known(A: Float64Array, E: Float64Array, pinned: Pinned) -> tuple[Float64Array, Float64Array]:
    """Bring the known endmembers back to the size that they are known in, and their amounts with them."""
    known, values = pinned.known, np.nan_to_num(pinned.values)
    size = np.ones(len(E))
    size[: len(known)] = np.linalg.norm(E[: len(known)] * known, axis=1) / np.linalg.norm(values, axis=1)
    size[size <= 0] = 1.0
    return A * size[:, None], pinned.project(E / size[:, None])
