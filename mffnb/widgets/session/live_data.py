"""The image of an explorer: what the user passed, and the image prepared for the solver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import xarray as xr

from mffnb.constraints import Pinned
from mffnb.cubes.layout import Layout
from mffnb.matrices import sparse_if_smaller
from mffnb.matrices.partial import impute_mean_spectrum
from mffnb.parallel.placement import Local, Placement
from mffnb.preprocessing import Step
from mffnb.protocols.matrix import Matrix
from mffnb.unmixing.image import Prepared
from mffnb.unmixing.task import Task

_OPTIONS = ("solver", "max_iter", "tol")


def common_task(options: dict[str, Any], **keywords: Any) -> Task:
    """Make the task that all runs of an explorer have in common; sliders replace k, similarity and physics.

    Raises
    ------
    TypeError
        For an option that the explorer does not have.
    """
    unknown = sorted(set(options) - set(_OPTIONS))
    if unknown:
        raise TypeError(f"there is no option {unknown[0]!r}: use solver, max_iter or tol")
    return Task.of(k=1, **keywords, **options)


@dataclass(frozen=True, eq=False)
class LiveInput:
    """The cube and the keywords that the user passed to an explorer.

    Attributes
    ----------
    cube
        Labelled spectral image.
    task
        Everything that stays the same while sliders move; its preprocessing steps can be switched off one by one.
    placement
        Where the pixels are.
    """

    cube: xr.DataArray
    task: Task
    placement: Placement = field(default_factory=Local)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Preprocessing steps."""
        return tuple(self.task.preprocess)

    @property
    def known(self) -> Any:
        """Known endmembers as the user passed them, or None."""
        return self.task.physics.known

    def prepared(self, switches: Sequence[bool]) -> LiveImage:
        """Prepare the image with those steps that are switched on."""
        steps = [step for step, on in zip(self.steps, switches, strict=True) if on]
        task, placement = self.task, self.placement
        image = Prepared.of(self.cube, task.channel, task.mask, steps, task.weights, placement.communicator)
        pinned = None if self.known is None else Pinned(image.layout.spectra(image.spectra(self.known)))
        return LiveImage(image, placement.matrix(image.layout, image.cube, load=True), pinned)

    def with_cube(self, cube: xr.DataArray) -> LiveInput:
        """Return the same input with another cube on the same grid."""
        return replace(self, cube=cube)


@dataclass(frozen=True, eq=False)
class LiveImage:
    """An image that is ready to be factored.

    Attributes
    ----------
    image
        The image after preprocessing, with its weights and the way back.
    matrix
        X, (pixels, channels), or the block of this rank.
    pinned
        Known endmembers, None if there are none.
    """

    image: Prepared
    matrix: Matrix
    pinned: Pinned | None

    @property
    def layout(self) -> Layout:
        """Which dimensions are pixels and which are channels."""
        return self.image.layout

    @property
    def known(self) -> int:
        """Number of known endmembers, which are the first components."""
        return 0 if self.pinned is None else len(self.pinned.values)

    @cached_property
    def complete(self) -> Matrix:
        """X with estimates for missing entries."""
        return self.matrix if self.matrix.complete else impute_mean_spectrum(self.matrix)

    @cached_property
    def solver_matrix(self) -> Matrix:
        """X, sparse if that is smaller; determined once and not at every restart."""
        return sparse_if_smaller(self.matrix)

    def same_grid(self, other: LiveImage) -> bool:
        """Whether pixels and channels are those of another image."""
        mine, others = self.layout, other.layout
        shapes = mine.pixel_shape == others.pixel_shape and mine.channel_shape == others.channel_shape
        return shapes and self.matrix.shape == other.matrix.shape
