"""Penalties and constraints that the keywords of :func:`mffnb.unmix` request, as terms of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, is_dataclass, replace
from numbers import Real
from typing import Any

import numpy as np

from mffnb.constraints import Fixed, Pinned, Simplex
from mffnb.cubes.layout import Layout
from mffnb.cubes.spectrum_names import as_one_array, spectrum_names
from mffnb.parallel.placement import Placement
from mffnb.penalties import MinimumVolume, Smoothness, Sparsity
from mffnb.problem.compatibility import as_terms
from mffnb.protocols.terms import ChannelTerm, GraphTerm, Term
from mffnb.typing import Float64Array
from mffnb.unmixing.image import Prepared


@dataclass(frozen=True, eq=False)
class Physics:
    """Penalties and constraints requested by the user; a value of exactly 0, or None, leaves a term out.

    Attributes
    ----------
    sparsity, smoothness, volume
        Weights of the three penalties; ``volume`` may be "auto".
    sum_to_one, gain
        Whether the abundances of a pixel sum to one, or sum to one up to a gain.
    known
        Known endmembers, over the channels of the image; NaN in channels where they are not known. A dictionary becomes
        one array with names.
    abundance_terms, endmember_terms
        Penalties and constraints written by the user.
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
        for name, weight in (("sparsity", self.sparsity), ("smoothness", self.smoothness), ("volume", self.volume)):
            if not isinstance(weight, (Real, np.number)) and not (name == "volume" and isinstance(weight, str)):
                raise TypeError(f"{name} must be a number >= 0, got {weight!r}: 0 leaves it out")
        object.__setattr__(self, "known", as_one_array(self.known))

    @property
    def fractions(self) -> bool:
        """Whether the abundances of a pixel sum to one, with or without a gain."""
        return self.sum_to_one or self.gain

    @property
    def has_own_terms(self) -> bool:
        """Whether the user has passed penalties or constraints as objects."""
        return bool(self.abundance_terms or self.endmember_terms)

    def record(self) -> dict[str, Any]:
        """Return these settings as entries of ``result.parameters``."""
        return {
            "sparsity": float(self.sparsity),
            "smoothness": float(self.smoothness),
            "volume": self.volume if isinstance(self.volume, str) else float(self.volume),
            "sum_to_one": bool(self.sum_to_one),
            "gain": bool(self.gain),
            "terms": [repr(term) for term in (*as_terms(self.abundance_terms), *as_terms(self.endmember_terms))],
        }

    def terms_on_abundances(self, image: Prepared, placement: Placement) -> tuple[Term, ...]:
        """Return the penalties and constraints on the abundances A of one image."""
        terms: list[Term] = [Simplex(gain=self.gain)] if self.fractions else []
        if self.sparsity != 0:
            terms.append(Sparsity(self.sparsity))
        if self.smoothness != 0:
            terms.append(Smoothness(self.smoothness, placement.graph(image.layout)))
        own = (self._over_used_pixels(term, image) for term in as_terms(self.abundance_terms))
        return (*terms, *(_with_graph(term, image, placement) for term in own))

    def fixed_on_map(self, image: Prepared) -> list[tuple[int, Float64Array]]:
        """Return component and fraction of each :class:`mffnb.Fixed`, NaN where it is not fixed, (all pixels,)."""
        return [
            (number_named(term.component, self.known), term.on_map(image.layout.pixel_values))
            for term in as_terms(self.abundance_terms)
            if isinstance(term, Fixed)
        ]

    def _over_used_pixels(self, term: Term, image: Prepared) -> Term:
        """Return known abundances over the used pixels of the image; any other term as it is."""
        if not isinstance(term, Fixed):
            return term
        fraction, mask = term.on_map(image.layout.pixel_values), image.layout.pixel_mask
        return Fixed(
            number_named(term.component, self.known), fraction=fraction if mask is None else fraction[mask.ravel()]
        )

    def terms_on_endmembers(self, image: Prepared) -> tuple[Term, ...]:
        """Return the penalties and constraints on the endmembers E of one image."""
        if isinstance(self.volume, str):
            raise ValueError(f"volume={self.volume!r} is not known: use 'auto', or a weight >= 0")
        terms: list[Term] = [MinimumVolume(self.volume)] if self.volume != 0 else []
        if self.known is not None:
            self._check_known(image)
            terms.append(Pinned(image.known_spectra(self.known)))
        return (*terms, *(_on_channels(term, image.layout) for term in as_terms(self.endmember_terms)))

    def _check_known(self, image: Prepared) -> None:
        """Refuse known spectra with fractions, after a step that divides each pixel by a scale of this pixel."""
        step = None if image.chain is None else image.chain.scaling_of_pixels
        if step is not None and self.sum_to_one and not self.gain:
            raise ValueError(
                f"{step} divides each pixel by its own number, so fractions of known endmembers do not sum to one "
                "after it: use gain=True instead of sum_to_one, or leave out the step"
            )


def number_named(component: int | str, known: Any) -> int:
    """Return the number of a component, also from its name among the known endmembers.

    Raises
    ------
    ValueError
        If no known endmember has this name.
    """
    if not isinstance(component, str):
        return component
    names = spectrum_names(known)
    if component not in names:
        raise ValueError(
            f"there is no component {component!r}: give its number from 0, or its name in known=, a "
            f"dictionary or a DataArray with names; the names are {', '.join(filter(None, names)) or 'none'}"
        )
    return names.index(component)


def _with_graph(term: Term, image: Prepared, placement: Placement) -> Term:
    """Return a term with the pixel adjacency graph of the image, if the term needs a graph and has none."""
    if not isinstance(term, GraphTerm) or term.graph is not None or not is_dataclass(term):
        return term
    along = term.relative_weights if isinstance(term, Smoothness) else None
    found: Term = replace(term, graph=placement.graph(image.layout, along))
    return found


def _on_channels(term: Term, layout: Layout) -> Term:
    """Return a term for the channels of the image, if the term depends on their positions."""
    if not isinstance(term, ChannelTerm):
        return term
    axes = [
        layout.coords[name].values if name in layout.coords and layout.coords[name].dtype.kind in "iuf" else length
        for name, length in layout.channel_shape.items()
    ]
    found: Term = term.on_channels(axes, layout.channel_mask)
    return found
