"""An image as an explorer factors it: all that does not change while sliders move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import xarray as xr

from mffnb.constraints import Pinned
from mffnb.cubes.layout import Layout
from mffnb.matrices import sparse_if_smaller
from mffnb.matrices.partial import impute_mean_spectrum
from mffnb.parallel import ranks
from mffnb.preprocessing import Step
from mffnb.protocols.matrix import Matrix
from mffnb.unmixing.image import Prepared, weights_of


@dataclass(frozen=True, eq=False)
class Source:
    """What the user passed: the image, and what is said about it in terms of its dimensions.

    Attributes
    ----------
    cube, channel, mask, known, weights
        As for :func:`mffnb.unmix`.
    steps
        Preprocessing steps, each of which can be switched off.
    communicator
        Of MPI ranks that share the pixels out; None in one process.
    """

    cube: xr.DataArray
    channel: str | Sequence[str] | None = None
    mask: Any = None
    known: Any = None
    weights: Any = None
    steps: tuple[Step, ...] = ()
    communicator: Any = None

    def prepared(self, switches: Sequence[bool]) -> Data:
        """The image after those steps that are on."""
        steps = [step for step, on in zip(self.steps, switches, strict=True) if on]
        image = Prepared.of(self.cube, self.channel, self.mask, steps, self.communicator)
        pinned = None if self.known is None else Pinned(image.layout.spectra(image.spectra(self.known)))
        matrix: Matrix
        if self.communicator is None:
            matrix = image.layout.matrix(image.cube)
        else:
            matrix = ranks.held(ranks.shared_matrix(image.layout, image.cube, self.communicator))
        return Data(image, matrix, pinned, weights_of(self.weights, image.layout))


@dataclass(frozen=True, eq=False)
class Data:
    """An image ready to be factored.

    Attributes
    ----------
    image
        After its preprocessing, with the way back.
    matrix
        X, (pixels, channels).
    pinned
        Known endmembers, None if none is.
    weights
        Those of the matrix.
    """

    image: Prepared
    matrix: Matrix
    pinned: Pinned | None
    weights: Any

    @property
    def layout(self) -> Layout:
        """Which dimensions are pixels and which channels."""
        return self.image.layout

    @property
    def known(self) -> int:
        """How many endmembers are known; they are the first components."""
        return 0 if self.pinned is None else len(self.pinned.values)

    @cached_property
    def complete(self) -> Matrix:
        """X with a guess for what is missing."""
        return self.matrix if self.matrix.complete else impute_mean_spectrum(self.matrix)

    @cached_property
    def looked_at(self) -> Matrix:
        """X with few bytes to look at, if there is a way: found once, not at every restart."""
        return sparse_if_smaller(self.matrix)

    def same_grid(self, other: Data) -> bool:
        """Whether pixels and channels are those of another image."""
        mine, others = self.layout, other.layout
        shapes = mine.pixel_shape == others.pixel_shape and mine.channel_shape == others.channel_shape
        return shapes and self.matrix.shape == other.matrix.shape
