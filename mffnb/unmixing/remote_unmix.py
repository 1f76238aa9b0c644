"""Run an unmixing task on MPI engines: each rank reads its part of the pixels, this process shows progress."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from mffnb.parallel.cluster import Cluster
from mffnb.parallel.collective_call import Call, ClientLink, Instruction, call
from mffnb.parallel.placement import Ranks
from mffnb.parallel.preview_maps import PreviewMaps
from mffnb.parallel.sources import Source, source_for_engines
from mffnb.solvers import Outcome
from mffnb.solvers.checkpoint import Checkpoint
from mffnb.solvers.progress import Callback, bar, both
from mffnb.unmixing.execution import Execution
from mffnb.unmixing.pipeline import run
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.task import Task


def run_on_engines(task: Task, cube: Any, execution: Execution) -> Unmixing:
    """Run a task on all MPI engines of a cluster together; return the result, which holds the cube of this process.

    Ctrl-C asks the engines for the result so far; a second Ctrl-C ends the engines.
    """
    assert isinstance(execution.engines, Cluster)  # see Execution.on_mpi_engines
    execution.engines.check_runs()
    wants_maps = execution.callback is not None
    with (
        source_for_engines(cube, execution.engines) as (here, source),
        bar(execution.progress, task.n_init * task.max_iter) as show,
        call(
            execution.engines, _on_rank, _sendable(task), source, wants_maps, _absolute(execution.checkpoint)
        ) as running,
    ):
        interrupted = _follow(running, both(show, execution.callback))
        result: Unmixing = running.answer()
        if interrupted or running.interrupted():  # Ctrl-C may also have been pressed during the last iteration
            result = replace(result, outcome=Outcome.INTERRUPTED)
    return replace(result, cube=here)


def _sendable(task: Task) -> Task:
    """Return the task without the cube of the earlier result that it starts from, since engines do not need it."""
    return replace(task, init=replace(task.init, cube=None)) if isinstance(task.init, Unmixing) else task


def _absolute(checkpoint: Checkpoint | None) -> Checkpoint | None:
    """Return the checkpoint with an absolute path, because an engine may have another working directory."""
    return None if checkpoint is None else replace(checkpoint, folder=os.path.abspath(checkpoint.folder))


def _follow(running: Call, callback: Callback | None) -> bool:
    """Pass states of the first rank to the callback, and its wish to stop to all ranks; return True after Ctrl-C."""
    try:
        _pass_on(running.pictures(), running, callback)
    except KeyboardInterrupt:
        running.send(Instruction.INTERRUPT)
        try:
            running.wait()
        except KeyboardInterrupt:
            running.abort()
            raise
        return True
    return False


def _pass_on(states: Iterable[Any], running: Call, callback: Callback | None) -> None:
    for state in states:
        answer = None if callback is None or state is None else callback(state)
        if isinstance(answer, bool) and answer:
            running.send(Instruction.STOP)


def _on_rank(link: ClientLink, task: Task, source: Source, wants_maps: bool, checkpoint: Checkpoint | None) -> Any:
    """Run the task on one MPI rank; return the result on the first rank, None on the others."""
    execution = Execution(
        Ranks(link.communicator),
        checkpoint=checkpoint,
        observer=lambda layout, matrix: PreviewMaps.of(link, layout, matrix, wants_maps=wants_maps),
    )
    result = run(task, source.cube_or_path(), execution)
    return replace(result, cube=None) if link.communicator.rank == 0 else None
