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
from mffnb.unmixing.pipeline import run
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.task import Task


def unmix_jointly(
    images: Sequence[Any], settings: dict[str, Any], image_weights: Any, execution: Execution
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
    given = JointInput.of(images, settings["channel"], settings["preprocess"])
    settings = given.translated(settings, image_weights)
    suggestion = None
    if settings["k"] is None:
        settings, suggestion = fill_in(given.stack.cube, settings, alone=execution.alone)
    task = Task.of(**given.scaled(settings))
    execution.check(task)
    shared = run(task, given.stack.cube, execution)
    shared = replace(shared, parameters={**shared.parameters, "images": len(given.names)})
    if suggestion is not None:
        shared = with_suggestion(shared, suggestion)
    return JointUnmixing(shared, parts_of(shared, given.stack), given.names, given.stack.note)


def joint_of_one(image: Any, result: Unmixing) -> JointUnmixing:
    """Return the result of a single image as a joint result, unchanged."""
    warn_if_equal_arrays([image])
    names = ("image 0",) if result.cube is None else names_of_images([result.cube])
    return JointUnmixing(result, (result,), names)


def shared_start(init: Any) -> Any:
    """Return an earlier joint result as a start for the stacked pixels; any other start as it is."""
    return init.shared if isinstance(init, JointUnmixing) else init
