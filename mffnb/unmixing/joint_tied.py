"""Joint unmixing with tied endmembers: refine a shared fit, and label the spectra of each image."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from mffnb.cubes.stacked_images import image_numbers
from mffnb.errors import UnsupportedCombinationError
from mffnb.parallel.placement import Placement
from mffnb.unmixing.image import Prepared
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.solution import Solution
from mffnb.unmixing.task import Task
from mffnb.unmixing.tied_endmembers import rows_of_images, tied
from mffnb.unmixing.warm_start import non_negative_factors_of


@dataclass(frozen=True, eq=False)
class TiedResults:
    """Results for the stacked pixels of several images.

    Attributes
    ----------
    shared
        With the spectra to which those of the images are tied.
    own
        With the spectra of each image.
    """

    shared: Unmixing
    own: tuple[Unmixing, ...]


def unmix_tied(task: Task, cube: xr.DataArray, shared: Unmixing, tie: float, placement: Placement) -> TiedResults:
    """Start from the fit with equal spectra, and let those of each image deviate.

    Raises
    ------
    UnsupportedCombinationError
        If single entries are missing.
    """
    image = task.prepare(cube, placement)
    matrix = image.scaled(placement.matrix(image.layout, image.cube, load=True))
    if not matrix.complete:
        raise UnsupportedCombinationError("tie needs complete spectra, and single entries are missing: mask pixels")
    pixels = _pixels_of_images(image)
    A, E = non_negative_factors_of(shared, image)
    parts = np.split(A.T, np.cumsum(pixels)[:-1], axis=1)
    factors, trace = tied(rows_of_images(matrix, pixels), parts, E, tie, task.max_iter, task.tol)

    def labelled(spectra: np.ndarray) -> Unmixing:
        found = task.label(cube, image, Solution(factors.abundances, spectra, trace[-1].outcome, trace))
        return replace(found, parameters={**shared.parameters, "tie": float(tie)})

    return TiedResults(labelled(factors.shared), tuple(labelled(one) for one in factors.own))


def _pixels_of_images(image: Prepared) -> list[int]:
    """Return the number of used pixels of each image."""
    mark = image_numbers(image.layout.coords)
    assert mark is not None, "the cube holds several images"
    number = mark.values if image.layout.pixel_mask is None else mark.values[image.layout.pixel_mask]
    counts: list[int] = np.bincount(number, minlength=int(mark.values.max()) + 1).tolist()
    return counts
