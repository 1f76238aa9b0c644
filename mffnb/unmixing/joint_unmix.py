"""Unmix several images jointly: the stacked pixels are one task of the ordinary pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mffnb.cubes.image_stack import warn_if_equal_arrays
from mffnb.errors import UnsupportedCombinationError
from mffnb.unmixing.defaults_from_data import fill_in, with_suggestion
from mffnb.unmixing.execution import Execution
from mffnb.unmixing.joint import JointUnmixing
from mffnb.unmixing.joint_input import JointInput, names_of_images
from mffnb.unmixing.joint_parts import parts_of
from mffnb.unmixing.joint_tied import unmix_tied
from mffnb.unmixing.pipeline import run
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.task import Task


def unmix_jointly(
    images: Sequence[Any],
    settings: dict[str, Any],
    image_weights: Any,
    execution: Execution,
    tie: float | None = None,
) -> JointUnmixing:
    """Unmix images with shared endmembers.

    Parameters
    ----------
    images
        Two images or more, or their paths.
    settings
        Keywords of :func:`mffnb.unmix` that determine the answer.
    image_weights
        Weight of each image in the misfit, or None.
    execution
        Where and how the task is computed.
    tie
        Strength by which endmembers of each image are tied to the shared ones; None if they are equal.

    Raises
    ------
    UnsupportedCombinationError
        If pixels are to be distributed, or starts to be sent to engines.
    """
    if not execution.placement.holds_all_pixels or execution.engines is not None:
        raise UnsupportedCombinationError(
            "a list of images is unmixed in one process: leave out communicator and cluster"
        )
    given = JointInput.of(images, settings["channel"], settings["preprocess"])
    settings = given.translated(settings, image_weights)
    suggestion = None
    if settings["k"] is None:
        settings, suggestion = fill_in(given.stack.cube, settings, alone=execution.alone)
    task = Task.of(**given.scaled(settings))
    execution.check(task)
    shared = run(task, given.stack.cube, execution)
    own: tuple[Unmixing, ...] = ()
    if tie is not None:
        found = unmix_tied(task, given.stack.cube, shared, tie, execution.placement)
        shared, own = found.shared, found.own
    shared = replace(shared, parameters={**shared.parameters, "images": len(given.names)})
    if suggestion is not None:
        shared = with_suggestion(shared, suggestion)
    parts = parts_of(shared, given.stack, own)
    return JointUnmixing(shared, parts, given.names, given.stack.note)


def joint_of_one(image: Any, result: Unmixing) -> JointUnmixing:
    """Return the result of a single image as a joint result, unchanged."""
    warn_if_equal_arrays([image])
    names = ("image 0",) if result.cube is None else names_of_images([result.cube])
    return JointUnmixing(result, (result,), names)


def shared_start(init: Any) -> Any:
    """Return an earlier joint result as a start for the stacked pixels; any other start as it is."""
    return init.shared if isinstance(init, JointUnmixing) else init
