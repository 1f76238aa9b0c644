"""An image as it is factored: layout, preprocessing chain and weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.layout import Layout
from mffnb.errors import UnsupportedCombinationError
from mffnb.matrices import sparse_if_smaller
from mffnb.parallel.sources import Source
from mffnb.preprocessing import Chain, Step, fit_chain
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.misfit import Similarity
from mffnb.similarities import KullbackLeibler


@dataclass(frozen=True, eq=False)
class Prepared:
    """An image as it is factored, and the way back.

    Attributes
    ----------
    cube
        After preprocessing.
    layout
        Which of its dimensions are pixels and which channels.
    chain
        The fitted steps; None where there are none.
    """

    cube: xr.DataArray
    layout: Layout
    chain: Chain | None = None

    @classmethod
    def of(
        cls,
        cube: xr.DataArray,
        channel: str | Sequence[str] | None,
        mask: Any,
        steps: Sequence[Step],
        communicator: Any = None,
    ) -> Prepared:
        """Apply preprocessing steps to what is not masked."""
        if not steps:
            return cls(cube, Layout.of(cube, channel, mask, communicator))
        if mask is not None:
            cube = Layout.of(cube, channel, mask).without_masked(cube)
        processed, chain = fit_chain(cube, steps, channel)
        return cls(processed, Layout.of(processed, chain.channel, communicator=communicator), chain)

    def check(self, similarity: Similarity) -> None:
        """Refuse steps after which a non-negative factorization, or a likelihood of counts, has no meaning."""
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
        """Known endmembers in physical units as those of the processed image."""
        if self.chain is None or not isinstance(known, xr.DataArray):
            return known
        return self.chain.prepare_endmembers(known)


@dataclass(frozen=True, eq=False)
class Recipe:
    """How an engine makes the matrix of a cube that it opens itself.

    Attributes
    ----------
    source
        The cube.
    channel, mask, steps
        As for :class:`Prepared`.
    """

    source: Source
    channel: str | Sequence[str] | None
    mask: Any
    steps: Sequence[Step]

    def matrix(self) -> Matrix:
        """X, (pixels, channels)."""
        image = Prepared.of(self.source.open(), self.channel, self.mask, self.steps)
        return sparse_if_smaller(image.layout.matrix(image.cube))


def weights_of(weights: Any, layout: Layout) -> Any:
    """Weights over pixels, channels or the whole image as those of a matrix; "poisson" stays what it is."""
    if weights is None or isinstance(weights, str):
        return weights
    if isinstance(weights, (list, tuple)):
        return [weights_of(part, layout) for part in weights]
    return np.asarray(layout.rows(weights, "weights"), dtype=np.float64)
