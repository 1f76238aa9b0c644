"""What the keywords of :func:`mffnb.unmix` stand for: the parts of a model of one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, is_dataclass, replace
from numbers import Real
from typing import Any

import numpy as np
import xarray as xr

from mffnb.constraints import Pinned, Simplex
from mffnb.errors import UnsupportedCombinationError
from mffnb.layout import Layout
from mffnb.matrices import lean
from mffnb.parallel import ranks
from mffnb.parallel.sources import Source
from mffnb.penalties import MinimumVolume, Smoothness, Sparsity
from mffnb.preprocessing import Chain, Step, fit_chain
from mffnb.protocols import Matrix, Similarity, Term
from mffnb.similarities import KullbackLeibler
from mffnb.terms import listed


@dataclass(frozen=True, eq=False)
class Physics:
    """What is asked of an answer; an exact zero, and None, ask for nothing.

    Attributes
    ----------
    sparsity, smoothness, volume
        Weights of the three penalties.
    sum_to_one, gain
        Whether the abundances of a pixel sum to one, or do so up to a gain.
    known
        Known endmembers, over the channels of the image; NaN where they are not known.
    abundance_terms, endmember_terms
        Parts of the user's own.
    """

    sparsity: float = 0.0
    smoothness: float = 0.0
    volume: float | str = 0.0
    sum_to_one: bool = False
    gain: bool = False
    known: Any = None
    abundance_terms: Sequence[Term] = ()
    endmember_terms: Sequence[Term] = ()

    def __post_init__(self) -> None:
        for name in ("sparsity", "smoothness", "volume"):
            weight = getattr(self, name)
            if not isinstance(weight, (Real, np.number)) and not (name == "volume" and isinstance(weight, str)):
                raise TypeError(f"{name} must be a number >= 0, got {weight!r}: 0 leaves it out")

    def record(self) -> dict[str, Any]:
        """Notes for the parameters of a result."""
        return {
            "sparsity": float(self.sparsity),
            "smoothness": float(self.smoothness),
            "volume": self.volume if isinstance(self.volume, str) else float(self.volume),
            "sum_to_one": bool(self.sum_to_one),
            "gain": bool(self.gain),
            "known": 0 if self.known is None else len(self.known),
            "terms": [repr(term) for term in (*listed(self.abundance_terms), *listed(self.endmember_terms))],
        }

    def of_abundances(self, image: Prepared, communicator: Any = None) -> tuple[Term, ...]:
        """Terms on A for one image."""
        terms: list[Term] = [Simplex(gain=self.gain)] if self.sum_to_one or self.gain else []
        if self.sparsity != 0:
            terms.append(Sparsity(self.sparsity))
        if self.smoothness != 0:
            terms.append(Smoothness(self.smoothness, ranks.own_graph(image.layout, communicator)))
        return (*terms, *(_on_map(term, image, communicator) for term in listed(self.abundance_terms)))

    def of_endmembers(self, image: Prepared) -> tuple[Term, ...]:
        """Terms on E for one image."""
        if isinstance(self.volume, str):
            raise ValueError(f"volume={self.volume!r} is not known: use 'auto', or a weight >= 0")
        terms: list[Term] = [MinimumVolume(self.volume)] if self.volume != 0 else []
        if self.known is not None:
            terms.append(Pinned(image.layout.spectra(image.spectra(self.known))))
        return (*terms, *listed(self.endmember_terms))


def _on_map(term: Term, image: Prepared, communicator: Any) -> Term:
    """A term that has not been told who is whose neighbour learns it from the map."""
    if not hasattr(term, "graph") or term.graph is not None or not is_dataclass(term):
        return term
    found: Term = replace(term, graph=ranks.own_graph(image.layout, communicator))
    return found


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
        return lean(image.layout.matrix(image.cube))


def weights_of(weights: Any, layout: Layout) -> Any:
    """Weights over pixels, channels or the whole image as those of a matrix; "poisson" stays what it is."""
    if weights is None or isinstance(weights, str):
        return weights
    if isinstance(weights, (list, tuple)):
        return [weights_of(part, layout) for part in weights]
    return np.asarray(layout.rows(weights, "weights"), dtype=np.float64)
