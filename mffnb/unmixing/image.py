"""A spectral image in the form in which it is factored: pixel and channel layout, preprocessing chain and weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.align import Frame, align, labelled_spectra
from mffnb.cubes.layout import Layout, channel_names, frame_of, without_masked
from mffnb.cubes.masks import aligned_masks
from mffnb.cubes.pixel_rows import is_in_memory
from mffnb.errors import UnsupportedCombinationError
from mffnb.io.parallel_write import Block
from mffnb.matrices import scaled, sparse_if_smaller
from mffnb.matrices.nested_lists import is_array_like
from mffnb.parallel.sources import Source
from mffnb.preprocessing import Chain, Fitted, Step
from mffnb.preprocessing.chain import fit_without_last
from mffnb.preprocessing.row_blocks import LARGE_BYTES
from mffnb.preprocessing.scaling import AffineScaling
from mffnb.preprocessing.step import float_type
from mffnb.preprocessing.step_results import transformed
from mffnb.protocols.communicator import SINGLE, Communicator
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.similarity import Similarity
from mffnb.similarities import KullbackLeibler
from mffnb.typing import Array


@dataclass(frozen=True, eq=False)
class Prepared:
    """A spectral image after preprocessing, with all that its conversion to a matrix and back needs.

    Attributes
    ----------
    cube
        The image after preprocessing.
    layout
        Which dimensions of the image are pixels and which are channels, and the masks of both.
    chain
        The fitted preprocessing steps; None if there are none.
    weights
        Weights of the rows, columns or entries of X, as :class:`mffnb.MatrixFactorization` takes them.
    frame
        Dimensions and coordinates of the cube before preprocessing; None without preprocessing.
    scales
        Factors of the rows and of the columns of X, for a large image whose last step divides pixels and channels by
        scales: ``cube`` is then the image before that step, because a scaled copy would double the memory.
    """

    cube: xr.DataArray
    layout: Layout
    chain: Chain | None = None
    weights: Any = None
    frame: Frame | None = None
    scales: tuple[Array | None, Array | None] | None = None

    @property
    def has_windows(self) -> bool:
        """Whether pixels are windows of a picture, which overlap and hold moduli of a Fourier transform."""
        return self.chain is not None and any(step.takes_image for step in self.chain.steps)

    @classmethod
    def of(
        cls,
        cube: xr.DataArray,
        channel: str | Sequence[str] | None,
        mask: Any,
        steps: Sequence[Step],
        weights: Any = None,
        communicator: Communicator = SINGLE,
    ) -> Prepared:
        """Apply preprocessing steps to the unmasked part of a cube, and convert the weights for its matrix."""
        if not steps:
            layout = Layout.of(cube, channel, mask, communicator)
            return cls(cube, layout, None, matrix_weights(weights, layout))
        image = channel is None and any(step.takes_image for step in steps)
        frame = frame_of(cube, () if image else channel_names(cube, channel))
        masked = without_masked(cube, aligned_masks(mask, frame), frame)
        processed, chain, last = fit_without_last(masked, steps, channel)
        if last is not None and not (weights is None and communicator.size == 1 and _scales_a_large(processed, last)):
            processed, last = transformed(last, processed), None
        layout = Layout.of(processed, chain.channel, communicator=communicator)
        scales = _scales(last, layout) if isinstance(last, AffineScaling) else None
        return cls(processed, layout, chain, _carried_weights(weights, frame, chain, layout), frame, scales)

    def scaled(self, matrix: Matrix) -> Matrix:
        """Return the matrix X of the processed image from the matrix of ``cube``: they differ by :attr:`scales`."""
        return matrix if self.scales is None else scaled(matrix, *self.scales)

    @property
    def matrix(self) -> Matrix:
        """The matrix X of the processed image in this process, (pixels, channels)."""
        return self.scaled(self.layout.matrix(self.cube))

    def check(self, similarity: Similarity) -> None:
        """Refuse centred data, and a count likelihood for values that preprocessing has changed from counts."""
        if self.chain is None:
            return
        if self.chain.centred:
            raise UnsupportedCombinationError(
                "centred data have no zero that means nothing is there: drop that step, or use mffnb.presets.pca"
            )
        if isinstance(similarity, KullbackLeibler) and (self.chain.stabilizes or self.chain.signed):
            raise UnsupportedCombinationError(
                "after these steps the data are no counts any more: drop them, or use similarity='frobenius'"
            )

    def known_spectra(self, known: Any) -> Array:
        """Return known endmembers, in the units and on the grid of the cube, as rows of the processed image.

        Parameters
        ----------
        known
            Array, DataArray, pandas object or signal (spectra, channel dims); NaN in channels that are not known.

        Raises
        ------
        ValueError
            If labels or shape do not fit the cube, or a step has no rule for known spectra.
        """
        if self.chain is None or self.frame is None:
            return self.layout.spectra(known)
        return self.layout.spectra(self.chain.prepare_known(labelled_spectra(known, self.frame)))

    def rows(self, block: Block) -> Prepared:
        """Return the part of the image in the map rows of one MPI rank; supported only without preprocessing."""
        cube = self.cube.isel({block.dim: slice(block.start, block.stop)})
        return replace(self, cube=cube, layout=self.layout.section(block.start, block.stop))


@dataclass(frozen=True, eq=False)
class RemoteImage:
    """A spectral image that each engine reads from its file and converts to the matrix X, so that no data are sent.

    Attributes
    ----------
    source
        Source from which an engine opens the cube.
    channel, mask, steps
        As for :meth:`Prepared.of`.
    """

    source: Source
    channel: str | Sequence[str] | None
    mask: Any
    steps: Sequence[Step]

    def matrix(self) -> Matrix:
        """Return the matrix X of the image, (pixels, channels); called on the engine."""
        image = Prepared.of(self.source.open(), self.channel, self.mask, self.steps)
        return sparse_if_smaller(image.matrix)


def matrix_weights(weights: Any, layout: Layout) -> Any:
    """Convert weights over pixels, channels or the whole image to weights of its matrix; "poisson" stays as it is."""
    if weights is None or isinstance(weights, str):
        return weights
    if isinstance(weights, (list, tuple)) and not is_array_like(weights):
        return [matrix_weights(part, layout) for part in weights]
    return np.asarray(layout.rows(weights, "weights"), dtype=np.float64)


def _scales_a_large(cube: xr.DataArray, last: Fitted) -> bool:
    """Return whether a fitted step multiplies rows and columns of X, and its result would be a large second cube."""
    size = cube.size * float_type(cube).itemsize
    return isinstance(last, AffineScaling) and last.multiplies and is_in_memory(cube) and size > LARGE_BYTES


def _scales(last: AffineScaling, layout: Layout) -> tuple[Array | None, Array | None]:
    """Return the factors of rows and columns by which a fitted scaling multiplies the matrix of a cube."""
    parts = last.pixel_scale, last.channel_scale
    rows, columns = (None if one is None else 1.0 / matrix_weights(xr.DataArray(one), layout).ravel() for one in parts)
    return rows, columns


def _carried_weights(weights: Any, frame: Frame, chain: Chain, layout: Layout) -> Any:
    """Align weights with the cube before preprocessing, and carry them through the steps to the matrix."""
    if weights is None or isinstance(weights, str):
        return weights
    if isinstance(weights, (list, tuple)) and not is_array_like(weights):
        return [_carried_weights(part, frame, chain, layout) for part in weights]
    readings = [frame.pixels(), frame.channels(), (*frame.pixels(), *frame.channels())]
    aligned = frame.labelled(align(weights, frame, "weights", [one for one in readings if one]))
    return matrix_weights(chain.prepare_weights(aligned), layout)
