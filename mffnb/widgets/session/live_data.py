"""The image of an explorer: the cube and keywords of the user, and the image that is prepared for the solver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.align import Frame
from mffnb.cubes.layout import Layout, channel_names, frame_of
from mffnb.cubes.tiles import Tile, tiles_of
from mffnb.estimators.data_range import negative_share
from mffnb.matrices import Dense, Partial, sparse_if_smaller
from mffnb.matrices.partial import impute_mean_spectrum
from mffnb.parallel.placement import Local, Placement
from mffnb.preprocessing import LeaveOutChannels, Step
from mffnb.preprocessing.image_scaling import ImageScaling
from mffnb.protocols.matrix import Matrix
from mffnb.similarities.noise_models import robust_noise_level, sample_rows
from mffnb.typing import Float64Array
from mffnb.unmixing.image import Prepared
from mffnb.unmixing.joint_input import divides_images
from mffnb.unmixing.task import Task
from mffnb.widgets.session.cube_file import file_of
from mffnb.widgets.session.fit_area import FitArea, channel_runs, check_area, with_area
from mffnb.widgets.session.held import Held, passed_spectra
from mffnb.widgets.session.parameters import Parameters

_OPTIONS = ("solver", "max_iter", "tol")


def common_task(options: dict[str, Any], **keywords: Any) -> Task:
    """Create the task that all runs of an explorer have in common; the sliders replace k, similarity and physics.

    Raises
    ------
    TypeError
        If an option is not a keyword of the explorer.
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
        Settings that stay the same while sliders move; its preprocessing steps can be switched off one by one.
    placement
        The process or processes that hold the pixels.
    last_steps
        Steps after those of the user: they divide several images by their brightness, and leave out channels that
        steps of the user compute.
    """

    cube: xr.DataArray
    task: Task
    placement: Placement = field(default_factory=Local)
    last_steps: tuple[Step, ...] = ()

    @cached_property
    def tiles(self) -> tuple[Tile, ...]:
        """Positions of several images in the mosaic that the cube is; () for one image."""
        return tiles_of(self.cube)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Preprocessing steps that the user passed."""
        return tuple(self.task.preprocess)

    @cached_property
    def file(self) -> str | None:
        """Path of the file that holds exactly this cube, if it came from one; None else."""
        return file_of(self.cube)

    @property
    def known(self) -> Any:
        """Known endmembers as the user passed them, or None."""
        return self.task.physics.known

    def prepare(self, switches: Sequence[bool]) -> LiveImage:
        """Prepare the image with the preprocessing steps that are switched on."""
        steps = [*(step for step, on in zip(self.steps, switches, strict=True) if on), *self.last_steps]
        task, placement = self.task, self.placement
        image = Prepared.of(self.cube, task.channel, task.mask, steps, task.weights, placement.communicator)
        return LiveImage(image, image.scaled(placement.matrix(image.layout, image.cube, load=True)))

    @property
    def frame(self) -> Frame:
        """Dimensions and coordinates of the cube before preprocessing."""
        task = self.task
        image = task.channel is None and any(step.takes_image for step in self.steps)
        return frame_of(self.cube, () if image else channel_names(self.cube, task.channel))

    @property
    def passed(self) -> tuple[Held, ...]:
        """The known endmembers that the user passed, as held components."""
        return passed_spectra(self.known, self.frame)

    def restricted(self, area: FitArea | None) -> LiveInput:
        """Return the same input with the pixels and channels that a choice leaves.

        Raises
        ------
        ValueError
            If they leave none.
        """
        if area is None:
            return self
        mask = with_area(self.task.mask, area, self.frame)
        check_area(mask, self.frame)
        runs = channel_runs(area, self.frame)
        last = (LeaveOutChannels(runs),) if runs else ()
        return replace(self, task=replace(self.task, mask=mask), last_steps=last)

    def fitting(self, parameters: Parameters) -> LiveInput:
        """Return the same input with the pixels and channels of these settings.

        Several images are divided by their brightness where :func:`mffnb.unmix` does so for these settings.
        """
        found = self.restricted(parameters.area)
        if not self.tiles:
            return found
        switches = parameters.steps or (True,) * len(self.steps)
        settings = {
            "similarity": parameters.similarity,
            "sum_to_one": parameters.sum_to_one,
            "gain": parameters.gain,
            "transform": self.task.transform,
            "weights": self.task.weights,
            "preprocess": [step for step, on in zip(self.steps, switches, strict=True) if on],
        }
        return replace(found, last_steps=(ImageScaling(), *found.last_steps)) if divides_images(settings) else found

    def with_cube(self, cube: xr.DataArray) -> LiveInput:
        """Return the same input with another cube on the same pixel and channel grid."""
        return replace(self, cube=cube)


@dataclass(frozen=True, eq=False)
class LiveImage:
    """A preprocessed image with its data matrix, ready to be factored.

    Attributes
    ----------
    image
        The image after preprocessing, with its weights and the inverse of the preprocessing.
    matrix
        Data matrix X, (pixels, channels), or the block of this rank.
    """

    image: Prepared
    matrix: Matrix

    @property
    def layout(self) -> Layout:
        """Which dimensions of the image are pixels and which are channels."""
        return self.image.layout

    @cached_property
    def complete(self) -> Matrix:
        """X with estimated values in place of missing entries."""
        return self.matrix if self.matrix.complete else impute_mean_spectrum(self.matrix)

    @cached_property
    def solver_matrix(self) -> Matrix:
        """X in the storage for the solver: sparse if that is smaller. It is converted once and not at every restart."""
        return sparse_if_smaller(self.matrix)

    @property
    def nbytes(self) -> int:
        """Memory of X if it is a dense array; zero for one that stays on disk or is sparse."""
        dense = isinstance(self.matrix, (Dense, Partial))
        return 8 * self.matrix.shape[0] * self.matrix.shape[1] if dense else 0

    @cached_property
    def noise_level(self) -> float:
        """Standard deviation of the noise of X, estimated from the data."""
        return robust_noise_level(self.matrix)

    @cached_property
    def total(self) -> float:
        """Sum of all values of X."""
        return float(self.matrix.times(np.ones((1, self.matrix.shape[1]))).sum())

    @cached_property
    def negative_share(self) -> float:
        """Sum of squares of the negative values of X, relative to that of all values; zero for X on engines."""
        return 0.0 if self.matrix.squared_norm == 0 else negative_share(self.matrix)

    @cached_property
    def holds_counts(self) -> bool:
        """Whether X holds counts: no preprocessing, and a sample with whole numbers >= 0 only, not all 0."""
        if self.image.chain is not None:
            return False
        values, weights = sample_rows(self.matrix)
        seen = values[weights > 0]
        return bool(seen.size and (seen >= 0).all() and seen.any() and (seen == np.rint(seen)).all())

    def same_grid(self, other: LiveImage) -> bool:
        """Whether this image has the map and the channels of another image; it may use other ones of them."""
        mine, others = self.layout, other.layout
        return mine.pixel_shape == others.pixel_shape and mine.channel_shape == others.channel_shape

    def spectra_from(self, other: LiveImage, spectra: Float64Array) -> Float64Array:
        """Return spectra (k, channels) of another image on the same grid at the channels of this one; zero if new."""
        mine, others = self.layout.channel_mask, other.layout.channel_mask
        if other is self or (mine is None and others is None):
            return spectra
        all_of_them = np.nan_to_num(other.layout.endmembers(spectra).values.reshape(len(spectra), -1))
        return all_of_them if mine is None else np.asarray(all_of_them[:, mine.ravel()])
