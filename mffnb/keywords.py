"""What the keywords of :func:`mffnb.unmix` stand for: the parts of a model of one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mffnb.constraints import Pinned, Simplex
from mffnb.layout import Layout
from mffnb.parallel import ranks
from mffnb.penalties import MinimumVolume, Smoothness, Sparsity
from mffnb.protocols import Term


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
    volume: float = 0.0
    sum_to_one: bool = False
    gain: bool = False
    known: Any = None
    abundance_terms: Sequence[Term] = ()
    endmember_terms: Sequence[Term] = ()

    def record(self) -> dict[str, Any]:
        """Notes for the parameters of a result."""
        return {
            "sparsity": float(self.sparsity),
            "smoothness": float(self.smoothness),
            "volume": float(self.volume),
            "sum_to_one": bool(self.sum_to_one),
            "gain": bool(self.gain),
            "known": 0 if self.known is None else len(self.known),
            "terms": [repr(term) for term in (*self.abundance_terms, *self.endmember_terms)],
        }

    def of_abundances(self, layout: Layout, communicator: Any = None) -> tuple[Term, ...]:
        """Terms on A for one image."""
        terms: list[Term] = [Simplex(gain=self.gain)] if self.sum_to_one or self.gain else []
        if self.sparsity != 0:
            terms.append(Sparsity(self.sparsity))
        if self.smoothness != 0:
            graph = layout.graph
            own = graph if communicator is None else ranks.own_part(graph, communicator)
            terms.append(Smoothness(self.smoothness, own))
        return (*terms, *self.abundance_terms)

    def of_endmembers(self, layout: Layout) -> tuple[Term, ...]:
        """Terms on E for one image."""
        terms: list[Term] = [MinimumVolume(self.volume)] if self.volume != 0 else []
        if self.known is not None:
            terms.append(Pinned(layout.spectra(self.known)))
        return (*terms, *self.endmember_terms)


def weights_of(weights: Any, layout: Layout) -> Any:
    """Weights over pixels, channels or the whole image as those of a matrix; "poisson" stays what it is."""
    if weights is None or isinstance(weights, str):
        return weights
    if isinstance(weights, (list, tuple)):
        return [weights_of(part, layout) for part in weights]
    return np.asarray(layout.rows(weights, "weights"), dtype=np.float64)
