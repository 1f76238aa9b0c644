"""A list of images in the view of a search: one mosaic, as in the explorer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import xarray as xr

from mffnb.cubes.mosaic import mosaic_of
from mffnb.errors import UnsupportedCombinationError
from mffnb.tuning.evaluation import Job
from mffnb.tuning.listed_images import ListedImages
from mffnb.unmixing.joint import JointUnmixing
from mffnb.unmixing.joint_input import for_one_image
from mffnb.unmixing.joint_mosaic import mosaic_result, settings_on_mosaic
from mffnb.unmixing.result import Unmixing


@dataclass(frozen=True, eq=False)
class ShownImages:
    """Images of a search, and the cube of the view that shows them.

    Attributes
    ----------
    images
        The list that is searched; None for one image.
    cube
        The image, or the mosaic of several images.
    """

    images: ListedImages | None
    cube: xr.DataArray

    @classmethod
    def of(cls, job: Job) -> ShownImages:
        """Return the images of a search.

        Raises
        ------
        ValueError
            If a mosaic cannot show them.
        """
        joint = None if job.images is None else job.images.joint
        return cls(job.images, job.cube if joint is None else mosaic_of(joint.stack, joint.names)[0])

    @property
    def given(self) -> Any:
        """What :func:`mffnb.unmix` takes."""
        return self.cube if self.images is None else self.images.given(self.images.cube)

    def shown(self, result: Unmixing | JointUnmixing) -> Unmixing:
        """Return a result of :attr:`given` for the cube of the view."""
        if not isinstance(result, JointUnmixing):
            return result
        return result.shared if len(result) == 1 else mosaic_result(result, self.cube)

    def settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return keywords of :func:`mffnb.unmix` for the cube of the view."""
        weights = given.get("image_weights")
        kept = {name: value for name, value in given.items() if name not in ("image_weights", "channels")}
        if self.images is None:
            return dict(given)
        if self.images.joint is None:
            return for_one_image(kept, weights)
        return kept | settings_on_mosaic(self.images.joint, self.cube, kept, weights)


def check_explored(settings: Mapping[str, Any]) -> None:
    """Refuse settings that an explorer of several images would leave out.

    Raises
    ------
    UnsupportedCombinationError
        If components may be absent from images.
    """
    if settings.get("sparse_images"):
        raise UnsupportedCombinationError(
            f"an explorer fits without sparse_images={settings['sparse_images']:g}, so its answer would differ: take "
            "the maps of the monitor (result), or choose a trial without it"
        )


def check_shown(*settings: Any) -> None:
    """Refuse settings whose results a mosaic does not show.

    Raises
    ------
    UnsupportedCombinationError
        If images have spectra of their own.
    """
    if any(isinstance(one, Mapping) and one.get("tie") is not None for one in settings):
        raise UnsupportedCombinationError(
            "the monitor shows spectra that all images share, and with tie each has its own: use mf.tuning.tune"
        )
