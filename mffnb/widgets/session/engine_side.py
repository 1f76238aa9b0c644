"""An explorer's session on MPI ranks: each has its own pixels, all make the same moves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mffnb.cubes.layout import Layout
from mffnb.parallel import ranks, sharing
from mffnb.parallel.collective_call import Watch, Word
from mffnb.parallel.preview_maps import Blocks
from mffnb.parallel.sources import Source
from mffnb.solvers import State
from mffnb.widgets.session.parameters import Parameters
from mffnb.widgets.session.session import Session
from mffnb.widgets.session.solved import Solved


@dataclass(frozen=True, eq=False)
class Described:
    """What the client has to know of an image that it does not read.

    Attributes
    ----------
    layout
        Of the whole image.
    shape, complete
        Of its matrix.
    """

    layout: Layout
    shape: tuple[int, int]
    complete: bool


@dataclass(frozen=True, eq=False)
class Answer:
    """The end of a run, with the abundances of all pixels.

    Attributes
    ----------
    state, names, trace
        As in :class:`mffnb.widgets.session.solved.Solved`.
    """

    state: State
    names: tuple[int, ...]
    trace: list[State]


@dataclass(frozen=True, eq=False)
class Before:
    """An answer to go on from, on engines that have not seen it.

    Attributes
    ----------
    state, names, parameters
        As in :class:`mffnb.widgets.session.solved.Solved`, for all pixels.
    """

    state: State
    names: tuple[int, ...]
    parameters: Parameters


def begin(watch: Watch, token: str, there: Source, channel: Any, before: Before | None, options: Any) -> Described:
    """Open the image and keep a session for it under a token."""
    session = Session(there.open(), channel, communicator=watch.communicator, **options)
    layout, matrix = session.layout, session.matrix
    if before is not None:
        own = matrix.own
        state = before.state
        gain = None if state.gain is None else state.gain[own]
        session.resume(replace(state, abundances=state.abundances[:, own], gain=gain), before.names, before.parameters)
    sharing.keep(token, (session, Blocks.of(layout, matrix.own, watch.communicator)))
    return Described(layout, matrix.shape, matrix.complete)


def solve(watch: Watch, token: str, parameters: Parameters, afresh: bool) -> Answer | str | None:
    """Run to the end, or until the client has other wishes; None if it wants no answer, "lost" without a session."""
    kept = sharing.find(token)
    if watch.communicator.allreduce(int(kept is None)):
        return "lost"
    session, blocks = kept
    session.go_on()
    if afresh:
        session.start_afresh()
    solved: Solved | None = None
    for solved in session.solve(parameters):
        word, due = watch.look()
        if word is Word.INTERRUPT:
            return None
        if word is Word.STOP:
            session.stop()
        if due:
            watch.show(_seen(solved, blocks))
    return None if solved is None else _whole(solved, watch.communicator)


def _seen(solved: Solved, blocks: Blocks) -> Answer:
    """A small picture of a state."""
    state = solved.state
    maps: Any = blocks.means(state.abundances).astype(np.float32)  # half the bytes
    small = replace(state, abundances=maps, endmembers=state.endmembers.copy(), gain=None)
    return Answer(small, solved.names, [])


def _whole(solved: Solved, communicator: Any) -> Answer:
    state = solved.state
    A = np.ascontiguousarray(ranks.gathered(state.abundances.T, communicator).T)
    gain = None if state.gain is None else ranks.gathered(state.gain, communicator)
    return Answer(replace(state, abundances=A, gain=gain), solved.names, solved.trace[: solved.steps])
