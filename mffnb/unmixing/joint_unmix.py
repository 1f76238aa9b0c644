"""Unmix several images jointly: the stacked pixels are one task of the ordinary pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mffnb.cubes.image_stack import ImageStack, warn_if_planes
from mffnb.errors import UnsupportedCombinationError, collected_warnings
from mffnb.unmixing.defaults_from_data import fill_in, with_suggestion
from mffnb.unmixing.execution import Execution
from mffnb.unmixing.joint import JointUnmixing
from mffnb.unmixing.joint_input import CHANNELS, JointInput, check_channels, names_of_images
from mffnb.unmixing.joint_parts import parts_of
from mffnb.unmixing.joint_tied import unmix_tied
from mffnb.unmixing.pipeline import run
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.sparse_images import SparseImages, absent_components
from mffnb.unmixing.task import Task


def unmix_jointly(
    images: Sequence[Any] | JointInput,
    settings: dict[str, Any],
    image_weights: Any,
    execution: Execution,
    tie: float | None = None,
    sparse_images: float = 0.0,
    channels: str = "intersection",
) -> JointUnmixing:
    """Unmix images with shared endmembers.

    Parameters
    ----------
    images
        Two images or more, or their paths; or these images, opened with the same ``channel`` and ``channels``.
    settings
        Keywords of :func:`mffnb.unmix` that determine the answer.
    image_weights
        Weight of each image in the misfit, or None.
    execution
        Where and how the task is computed.
    tie
        Strength by which endmembers of each image are tied to the shared ones; None if they are equal.
    sparse_images
        Weight of the penalty that sets components to zero in single images; 0 for none.
    channels
        How channels are aligned: those that all images have ("intersection"), or those of the first ("interpolate").

    Raises
    ------
    UnsupportedCombinationError
        If engines are to unmix the images.
    """
    if execution.engines is not None:
        raise UnsupportedCombinationError(
            "a list of images is not sent to engines: leave out cluster, or start this program with mpiexec and pass "
            "communicator="
        )
    check_channels(channels, settings)
    given = images
    if not isinstance(given, JointInput):
        given = JointInput.of(given, settings["channel"], settings["preprocess"], channels)
    settings = given.translated(settings, image_weights)
    suggestion = None
    if settings["k"] is None:
        settings, suggestion = fill_in(given.stack.cube, settings, alone=execution.alone)
    check_channels(channels, settings)  # also of settings that were suggested
    task = Task.of(**given.scaled(settings))
    execution.check(task)
    shared = run(task, given.stack.cube, execution)
    if sparse_images:
        shared = _without_absent(shared, task, given.stack, sparse_images, execution)
    own: tuple[Unmixing, ...] = ()
    if tie is not None:
        found = unmix_tied(task, given.stack.cube, shared, tie, execution.placement)
        shared, own = found.shared, found.own
    shared = replace(shared, parameters={**shared.parameters, "images": len(given.names), **_if_changed(channels)})
    if suggestion is not None:
        shared = with_suggestion(shared, suggestion)
    parts = parts_of(shared, given.stack, own)
    return JointUnmixing(shared, parts, given.names, given.stack.note)


def _if_changed(channels: str) -> dict[str, str]:
    """Return the entry of the record for channels that are not the intersection."""
    return {} if channels == CHANNELS[0] else {"channels": channels}


def _without_absent(shared: Unmixing, task: Task, stack: ImageStack, weight: float, execution: Execution) -> Unmixing:
    """Return the fit in which components are zero in the images where a penalty finds that they are absent.

    The penalty decides from the fit without it, and acts on this decision only: the last fit has zeros, and no penalty.
    """
    penalty = SparseImages.of(weight, stack.cube, task.channel, task.mask)
    again = replace(task, init=shared, n_init=1)
    with collected_warnings():  # those of the last fit count
        penalised = run(_with_terms(again, [penalty]), stack.cube, replace(execution, callback=None))
    absent = absent_components(penalised, np.diff(stack.ends).tolist())
    if absent:
        shared_record = shared.parameters
        shared = run(_with_terms(again, absent), stack.cube, execution)
        kept: dict[str, Any] = {
            name: shared_record[name] for name in ("init", "n_init", "start", "terms") if name in shared_record
        }
        shared = replace(shared, parameters={**shared.parameters, **kept})
    return replace(shared, parameters={**shared.parameters, "sparse_images": float(weight)})


def _with_terms(task: Task, terms: Sequence[Any]) -> Task:
    """Return a task with more penalties or constraints on the abundances."""
    physics = task.physics
    return replace(task, physics=replace(physics, abundance_terms=[*physics.abundance_terms, *terms]))


def joint_of_one(image: Any, result: Unmixing) -> JointUnmixing:
    """Return the result of a single image as a joint result, unchanged."""
    warn_if_planes([image])
    names = ("image 0",) if result.cube is None else names_of_images([result.cube])
    return JointUnmixing(result, (result,), names)


def shared_start(init: Any) -> Any:
    """Return an earlier joint result as a start for the stacked pixels; any other start as it is."""
    return init.shared if isinstance(init, JointUnmixing) else init
