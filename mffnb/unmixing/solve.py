"""Find the factors of the matrix of an image: by the solver from one or several starts, or by ``volume="auto"``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mffnb.matrices import Distributed
from mffnb.parallel import Cluster
from mffnb.parallel.executors import ExecutorEngines
from mffnb.parallel.placement import Local, Placement
from mffnb.protocols.matrix import Matrix
from mffnb.solvers.checkpoint import Checkpoint, Keeper, digest
from mffnb.solvers.checkpoint_blocks import StoredBlock
from mffnb.solvers.progress import Callback, bar, both
from mffnb.unmixing.auto_counts import Counts
from mffnb.unmixing.auto_on_ranks import find_volume_on_ranks, refuse_counts
from mffnb.unmixing.auto_volume import check_supported, evidence, find_volume
from mffnb.unmixing.component_order import component_order
from mffnb.unmixing.image import Prepared
from mffnb.unmixing.multistart import best_start, several
from mffnb.unmixing.solution import Solution
from mffnb.unmixing.task import Task


def solve(
    task: Task,
    image: Prepared,
    matrix: Any,
    *,
    placement: Placement | None = None,
    engines: Cluster | ExecutorEngines | None = None,
    checkpoint: Checkpoint | None = None,
    callback: Callback | None = None,
    progress: bool = False,
) -> Solution:
    """Find the factors of X, with components in the order of :func:`mffnb.unmixing.component_order.component_order`.

    Parameters
    ----------
    task
        Settings that determine the answer; its seed must be set.
    image
        The prepared image that X belongs to.
    matrix
        Data matrix X, (pixels, channels), or a :class:`mffnb.unmixing.image.RemoteImage` if engines read the image.
    placement
        The processes that hold the pixels; None if all pixels are in this process.
    engines
        Cluster whose engines fit the starts of ``n_init``, one start on each engine at a time; None for this process.
    checkpoint
        Where the run stores its state; None to store nothing.
    callback, progress
        As for :func:`mffnb.unmix`.
    """
    where = placement or Local()
    if task.automatic:
        solution = _by_rule(task, image, matrix, where, callback, progress)
    else:
        solution = _by_solver(task, image, matrix, where, engines, checkpoint, callback, progress)
    amounts = where.total(solution.abundances.sum(axis=1), matrix)
    return solution.reordered(
        component_order(amounts, solution.endmembers, numbers_have_meaning=task.numbers_have_meaning)
    )


def _by_solver(
    task: Task,
    image: Prepared,
    matrix: Any,
    placement: Placement,
    engines: Cluster | ExecutorEngines | None,
    checkpoint: Checkpoint | None,
    callback: Callback | None,
    progress: bool,
) -> Solution:
    """Run the solver from each start and return the solution with the lowest objective."""
    run = task.run(image, placement)
    if task.starts_from_factors:
        init: Any = run.init
        run = replace(run, init=(np.asarray(init[0])[matrix.own], init[1]))
    starts = [run] if task.n_init == 1 or task.starts_from_factors else several(run, task.n_init, run.random_state)
    keeper = None
    if checkpoint is not None:
        keeper = _keeper(checkpoint, task, image, matrix, run.init, placement)
    solution, start = best_start(starts, matrix, engines, callback, progress, keeper)
    used = placement.total(np.count_nonzero(solution.abundances.T, axis=0), matrix)
    return replace(solution, used=used).with_notes({"start": start})


def _by_rule(
    task: Task, image: Prepared, matrix: Matrix, placement: Placement, callback: Callback | None, progress: bool
) -> Solution:
    """Run the rule for ``volume="auto"``: the data determine model, start and weight of a minimum volume."""
    check_supported(task.physics, matrix, task.similarity, image.weights)
    assert task.seed is not None
    settings = task.k, task.seed, task.physics
    with bar(progress, None) as show:
        shown = both(show, callback)
        if isinstance(matrix, Distributed):
            refuse_counts(image, task.k, placement.communicator)
            found, outcome, trace = find_volume_on_ranks(matrix, *settings, shown)
        else:
            found, outcome, trace = find_volume(matrix, *settings, shown, Counts.of(image, task.k))
    return Solution(
        found.abundances,
        found.endmembers,
        outcome,
        trace,
        used=placement.total(np.count_nonzero(found.abundances, axis=1), matrix),
        gain=found.gain,
        alternative=found.alternative,
        disagreement=found.disagreement,
        notes=evidence(found),
    )


def _keeper(
    checkpoint: Checkpoint, task: Task, image: Prepared, matrix: Matrix, init: Any, placement: Placement
) -> Keeper:
    """Return the writer of checkpoints for these settings; a later run may have another ``max_iter`` and ``tol``."""
    about = {name: value for name, value in task.record(image).items() if name not in ("max_iter", "tol")}
    about |= {"pixels": matrix.shape[0], "channels": matrix.shape[1], "type": str(image.cube.dtype)}
    arrays = {"mask": task.mask, "weights": task.weights, "known": task.physics.known}
    arrays["init"] = init if task.starts_from_factors else None
    about |= {name: digest(value) for name, value in arrays.items() if value is not None}
    about["ranks"] = " x ".join(map(str, placement.grid_shape(image.layout)))
    return Keeper(checkpoint, about, StoredBlock.of(matrix.own, matrix.own_columns), placement.communicator)
