"""The parameters that the controls of an explorer set, and the knobs of penalties and constraints of the user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from mffnb.knobs import Knob, knobs
from mffnb.protocols.similarity import Similarity
from mffnb.protocols.terms import Term
from mffnb.widgets.session.catalogue import Offer

AUTO = "auto"
"""The weight of a volume that is determined from the data."""
SWITCH = "switch"
"""Name of the on/off knob of a term without knobs."""
NOTHING: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True)
class Parameters:
    """Settings that the controls of an explorer change; names are those of :func:`mffnb.unmix`.

    Attributes
    ----------
    own
        Values of the knobs of the user's penalties and constraints, by the names that :class:`OwnTerms` gives them.
    steps
        Which preprocessing steps are on; empty for all.
    bands
        Whether to compute uncertainty bands after the run has converged.
    """

    k: int = 4
    sparsity: float = 0.0
    smoothness: float = 0.0
    volume: float | str = 0.0
    sum_to_one: bool = False
    gain: bool = False
    similarity: str | Similarity = "frobenius"
    own: Mapping[str, float] = field(default_factory=lambda: NOTHING)
    steps: tuple[bool, ...] = ()
    bands: bool = False

    def __post_init__(self) -> None:
        if not (isinstance(self.k, int) and self.k >= 1):
            raise ValueError(f"k must be a whole number >= 1, got {self.k!r}")
        for name in ("sparsity", "smoothness"):
            _check_weight(name, getattr(self, name))
        if isinstance(self.volume, str) and self.volume != AUTO:
            raise ValueError(f"volume must be a finite number >= 0, or 'auto', got {self.volume!r}")
        if not isinstance(self.volume, str):
            _check_weight("volume", self.volume)

    @property
    def fractions(self) -> bool:
        """Whether the abundances of a pixel sum to one, with or without a gain."""
        return self.sum_to_one or self.gain

    def as_dict(self) -> dict[str, Any]:
        """Return all parameters by name; the knobs of the user's terms are on the same level as the others."""
        named = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "own"}
        return named | dict(self.own)


def _check_weight(name: str, weight: Any) -> None:
    if not (np.isfinite(weight) and weight >= 0):
        raise ValueError(f"{name} must be a finite number >= 0, got {weight!r}")


@dataclass(frozen=True)
class Dial:
    """A knob (adjustable number) of a penalty or constraint that the user passed as an object.

    Attributes
    ----------
    name
        Name of the knob among the parameters, derived from its label.
    term
        Index of the penalty or constraint that has the knob; those on A come first.
    knob
        Label, range and scale of the knob.
    """

    name: str
    term: int
    knob: Knob


@dataclass(frozen=True)
class OwnTerms:
    """Penalties and constraints of the user with the values of their knobs, and those that the menu offers.

    Examples
    --------
    >>> from mffnb import Sparsity
    >>> own = OwnTerms(endmember_terms=(Sparsity(0.1),))
    >>> own.values
    {'sparsity_2': 0.1}
    >>> own.turned({"sparsity_2": 0.5})
    OwnTerms(abundance_terms=(), endmember_terms=(Sparsity(weight=0.5),), offers=())
    """

    abundance_terms: Sequence[Term] = ()
    endmember_terms: Sequence[Term] = ()
    offers: Sequence[Offer] = ()

    @cached_property
    def dials(self) -> tuple[Dial, ...]:
        """All knobs of the terms; if two have the same label, the second one gets a number."""
        return tuple(_dials((*self.abundance_terms, *self.endmember_terms), {one.name for one in fields(Parameters)}))

    @cached_property
    def offered(self) -> tuple[Dial, ...]:
        """Knobs of the terms that the menu offers; a term without knobs gets an on/off switch."""
        taken = {one.name for one in fields(Parameters)} | {dial.name for dial in self.dials}
        dials = list(_dials([offer.term for offer in self.offers], taken))
        for i, offer in enumerate(self.offers):
            if not knobs(offer.term):
                (label,) = _free(offer.label, taken)
                dials.append(Dial(_name(label), i, Knob(SWITCH, 1, label, 0, 1, zero=False, help=offer.purpose)))
        return tuple(dials)

    @property
    def by_offer(self) -> dict[str, tuple[Dial, ...]]:
        """Knobs of the terms that the menu offers, by the label of the term."""
        return {
            offer.label: tuple(dial for dial in self.offered if dial.term == i) for i, offer in enumerate(self.offers)
        }

    @property
    def values(self) -> dict[str, float]:
        """Values of all knobs, by name."""
        return {dial.name: dial.knob.value for dial in self.dials}

    def turned(self, values: Mapping[str, float]) -> OwnTerms:
        """Return the terms with other values of their knobs; a knob at its off position removes its term."""
        terms: list[Term | None] = [*self.abundance_terms, *self.endmember_terms]
        for dial in self.dials:
            value, term = values.get(dial.name, dial.knob.value), terms[dial.term]
            off = value == 0 and dial.knob.zero
            terms[dial.term] = None if off or term is None else replace(term, **{dial.knob.name: value})  # type: ignore[type-var]
        split = len(self.abundance_terms)
        of_abundances, of_endmembers = terms[:split], terms[split:]
        for i, offer in enumerate(self.offers):
            chosen = {dial.knob: values[dial.name] for dial in self.offered if dial.term == i and dial.name in values}
            off = any(value == 0 and (knob.zero or knob.name == SWITCH) for knob, value in chosen.items())
            if chosen and not off:
                turned = {knob.name: value for knob, value in chosen.items() if knob.name != SWITCH}
                place = of_abundances if offer.place == "abundances" else of_endmembers
                place.append(replace(offer.term, **turned) if turned else offer.term)  # type: ignore[type-var]
        return OwnTerms(
            tuple(term for term in of_abundances if term is not None),
            tuple(term for term in of_endmembers if term is not None),
        )


def _dials(terms: Sequence[Term], taken: set[str]) -> Iterator[Dial]:
    """Yield the knobs of these terms, and add their names to the set ``taken``."""
    for i, term in enumerate(terms):
        for knob in knobs(term):
            for label in _free(knob.label, taken):
                yield Dial(_name(label), i, replace(knob, label=label))


def _free(label: str, taken: set[str]) -> Iterator[str]:
    """Return the label, with a number if its name is taken, and add the name to the set ``taken``."""
    free = next(one for one in _numbered(label) if _name(one) not in taken)
    taken.add(_name(free))
    yield free


def _name(label: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in label.lower())


def _numbered(label: str) -> Iterator[str]:
    yield label
    yield from (f"{label} {number}" for number in range(2, 1000))
