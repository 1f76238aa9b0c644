"""The part of an explorer's session on MPI ranks: each rank has a part of the pixels, and all make the same calls."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mffnb.cubes.layout import Layout
from mffnb.parallel import sharing
from mffnb.parallel.collective_call import ClientLink, Instruction
from mffnb.parallel.placement import Placement, Ranks
from mffnb.parallel.preview_maps import Blocks
from mffnb.parallel.sources import Source
from mffnb.solvers import State
from mffnb.widgets.session.parameters import Parameters
from mffnb.widgets.session.session import Session
from mffnb.widgets.session.solved import Solved


@dataclass(frozen=True, eq=False)
class ImageDescription:
    """Properties of an image that the client needs although it does not read the image.

    Attributes
    ----------
    layout
        Layout of the whole image.
    shape, complete
        Shape of the data matrix, and whether it has no missing entries.
    """

    layout: Layout
    shape: tuple[int, int]
    complete: bool


@dataclass(frozen=True, eq=False)
class EngineAnswer:
    """A state of the run on the engines, in the form in which it is sent to the client.

    Attributes
    ----------
    state, names, trace
        As in :class:`mffnb.widgets.session.solved.Solved`, for all pixels or for preview maps.
    """

    state: State
    names: tuple[int, ...]
    trace: list[State]


@dataclass(frozen=True, eq=False)
class EarlierAnswer:
    """An earlier state from which new engines continue.

    Attributes
    ----------
    state, names, parameters
        As in :class:`mffnb.widgets.session.solved.Solved`; the factors are those of all pixels.
    """

    state: State
    names: tuple[int, ...]
    parameters: Parameters


def begin(
    link: ClientLink, token: str, source: Source, channel: Any, earlier: EarlierAnswer | None, options: Any
) -> ImageDescription:
    """Open the image, and create a session for it on this rank under a token."""
    session = Session(source.open(), channel, placement=Ranks(link.communicator), **options)
    layout, matrix = session.layout, session.matrix
    if earlier is not None:
        own = matrix.own
        state = earlier.state
        gain = None if state.gain is None else state.gain[own]
        state = replace(state, abundances=state.abundances[:, own], gain=gain)
        session.resume(state, earlier.names, earlier.parameters)
    sharing.keep(token, (session, Blocks.of(layout, matrix.own, link.communicator)))
    return ImageDescription(layout, matrix.shape, matrix.complete)


def solve(link: ClientLink, token: str, parameters: Parameters, afresh: bool) -> EngineAnswer | str | None:
    """Run the solver until it ends or the client interrupts; return None, or "lost" if this rank has no session."""
    kept = sharing.find(token)
    if link.communicator.allreduce(int(kept is None)):
        return "lost"
    session, blocks = kept
    session.cancel_stop()
    if afresh:
        session.start_afresh()
    solved: Solved | None = None
    for newer in session.solve(parameters):
        solved = newer or solved
        instruction, due = link.poll()
        if instruction is Instruction.INTERRUPT:
            return None
        if instruction is Instruction.STOP:
            session.stop()
        if due and solved is not None:
            link.show(_preview(solved, blocks))
    return None if solved is None else _whole(solved, session.source.placement)


def _preview(solved: Solved, blocks: Blocks) -> EngineAnswer:
    """Return a state with preview maps in place of the abundances of all pixels."""
    state = solved.state
    maps: Any = blocks.means(state.abundances).astype(np.float32)  # single precision: half the bytes to send
    small = replace(state, abundances=maps, endmembers=state.endmembers.copy(), gain=None)
    return EngineAnswer(small, solved.names, [])


def _whole(solved: Solved, placement: Placement) -> EngineAnswer:
    """Return the last state of a run with the abundances of the pixels of all ranks."""
    state = solved.state
    A = np.ascontiguousarray(placement.gather(state.abundances.T).T)
    gain = None if state.gain is None else placement.gather(state.gain)
    return EngineAnswer(replace(state, abundances=A, gain=gain), solved.names, solved.trace[: solved.steps])
