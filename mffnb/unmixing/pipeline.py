"""The pipeline from a cube to a labelled result: open the cube, prepare it, solve, warn, label the factors."""

from __future__ import annotations

import os
from typing import Any

import xarray as xr

from mffnb.cubes.as_cube import as_cube
from mffnb.errors import collected_warnings, warn
from mffnb.estimators.result_warnings import warn_if_certain, warn_if_poor
from mffnb.io.read import read
from mffnb.kernels.tiers.tier import on_numpy_steps, running_on
from mffnb.matrices import sparse_if_smaller
from mffnb.parallel.sources import Source, in_file
from mffnb.preprocessing import SlidingFFT
from mffnb.unmixing.auto_volume import warn_if_ambiguous
from mffnb.unmixing.execution import Execution
from mffnb.unmixing.image import Prepared, RemoteImage
from mffnb.unmixing.kernel_settings import kernel_settings
from mffnb.unmixing.pictures import warn_if_picture
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.solution import Solution
from mffnb.unmixing.solve import solve
from mffnb.unmixing.splits import warn_if_split
from mffnb.unmixing.task import Task


def run(task: Task, cube: Any, execution: Execution) -> Unmixing:
    """Unmix a cube: open, prepare and solve it, warn of results that may mislead, and label the factors.

    Parameters
    ----------
    task
        Settings that determine the answer.
    cube
        A spectral image, or the path of its file.
    execution
        Where and how the task is computed. On MPI engines :mod:`mffnb.unmixing.remote_unmix` starts the task, and each
        engine calls this function.
    """
    placement = execution.placement
    data, source = _open(task, cube, execution)
    warn_if_picture(data, task.channel, task.preprocess)
    image = task.prepare(data, placement)
    matrix: Any = _matrix(task, cube, image, source, execution)
    callback = execution.observer(image.layout, matrix)
    tier = execution.tier(task)
    with running_on(tier):
        if tier is not None:
            tier.begin(kernel_settings(task, image))
        task = task.with_seed(placement, execution.checkpoint).with_gain_or_sum(matrix, placement)
        # NumPy steps convert dense blocks to float64 in each pass, of which the search for a volume makes many.
        if source is None and (on_numpy_steps() or not task.automatic):
            matrix = sparse_if_smaller(matrix)
        if tier is not None:
            tier.require(kernel_settings(task, image, matrix))
        solution = solve(
            task,
            image,
            matrix,
            placement=placement,
            engines=execution.engines,
            checkpoint=execution.checkpoint,
            callback=callback,
            progress=execution.progress,
        )
    if tier is not None:
        solution = solution.with_notes(tier.record())
    block = None if execution.gather else placement.block(image.layout)
    if execution.gather:
        solution = solution.gather(placement)
    if block is not None:
        image = image.rows(block)
        data = image.cube
    with collected_warnings() as found:
        _warn(solution)
        result = task.label(data, image, solution, block)
        if block is None and not task.numbers_have_meaning:
            warn_if_split(result.splits, task.k, windows=any(isinstance(step, SlidingFFT) for step in task.preprocess))
    for message, category in found:
        warn(message, category)
    if found:  # a report shows them
        result.parameters["warnings"] = [message for message, _category in found]
    return result


def _open(task: Task, cube: Any, execution: Execution) -> tuple[xr.DataArray, Source | None]:
    """Open the cube; return it, and the source from which engines open its file (None for a cube in memory)."""
    if execution.engines is not None and execution.starts_on_engines(task):
        return in_file(cube, copies=execution.engines.n)
    if not isinstance(cube, (str, os.PathLike)):
        return as_cube(cube), None
    return read(cube, lazy=execution.placement.lazy), None


def _matrix(task: Task, cube: Any, image: Prepared, source: Source | None, execution: Execution) -> Any:
    """Return the block of X that this process holds, or the image from which engines make X."""
    if source is not None:
        return RemoteImage(source, task.channel, task.mask, task.preprocess)
    # A lazy cube that the user passes is not loaded into memory.
    return image.scaled(execution.placement.matrix(image.layout, image.cube, load=isinstance(cube, (str, os.PathLike))))


def _warn(solution: Solution) -> None:
    """Warn of unused components, of a run that did not converge, and of another solution of equal fit."""
    warn_if_ambiguous(solution.disagreement)
    if solution.used is not None:
        warn_if_poor(solution.used, solution.endmembers, solution.outcome, solution.negative_share)
    warn_if_certain(solution.abundances.T, solution.endmembers, solution.mapped)
