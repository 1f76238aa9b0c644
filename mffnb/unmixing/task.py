"""What the keywords of :func:`mffnb.unmix` stand for: the parts of a model of one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, is_dataclass, replace
from numbers import Real
from typing import Any

import numpy as np

from mffnb.constraints import Pinned, Simplex
from mffnb.parallel import ranks
from mffnb.penalties import MinimumVolume, Smoothness, Sparsity
from mffnb.problem.compatibility import listed
from mffnb.protocols.half import Term
from mffnb.unmixing.image import Prepared


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
