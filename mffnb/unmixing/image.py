"""A spectral image in the form in which it is factored: pixel and channel layout, preprocessing chain and weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.layout import Layout
from mffnb.errors import UnsupportedCombinationError
from mffnb.io.parallel_write import Block
from mffnb.matrices import sparse_if_smaller
from mffnb.parallel.sources import Source
from mffnb.preprocessing import Chain, Step, fit_chain
from mffnb.protocols.communicator import SINGLE, Communicator
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.similarity import Similarity
from mffnb.similarities import KullbackLeibler


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
    """

    cube: xr.DataArray
    layout: Layout
    chain: Chain | None = None
    weights: Any = None

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
        if mask is not None:
            cube = Layout.of(cube, channel, mask).without_masked(cube)
        processed, chain = fit_chain(cube, steps, channel)
        layout = Layout.of(processed, chain.channel, communicator=communicator)
        return cls(processed, layout, chain, matrix_weights(weights, layout))

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

    def spectra(self, known: Any) -> Any:
        """Return known endmembers, given in physical units, in the units of the preprocessed image."""
        if self.chain is None or not isinstance(known, xr.DataArray):
            return known
        return self.chain.prepare_endmembers(known)

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
        return sparse_if_smaller(image.layout.matrix(image.cube))


def matrix_weights(weights: Any, layout: Layout) -> Any:
    """Convert weights over pixels, channels or the whole image to weights of its matrix; "poisson" stays as it is."""
    if weights is None or isinstance(weights, str):
        return weights
    if isinstance(weights, (list, tuple)):
        return [matrix_weights(part, layout) for part in weights]
    return np.asarray(layout.rows(weights, "weights"), dtype=np.float64)
