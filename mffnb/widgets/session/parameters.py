"""The parameters that the controls of an explorer set, and the knobs of penalties and constraints of the user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from mffnb.knobs import Knob, knobs
from mffnb.protocols.similarity import Similarity
from mffnb.protocols.terms import Term
from mffnb.widgets.session.catalogue import MenuTerm
from mffnb.widgets.session.fit_area import FitArea
from mffnb.widgets.session.fixed_regions import FixedRegion
from mffnb.widgets.session.held import Held, numbers

AUTO = "auto"
"""The weight of a volume that is determined from the data."""
SWITCH = "switch"
"""Name of the on/off knob of a term without knobs."""


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
    held
        Components whose spectra stay as they are; None for those that were passed to the explorer as ``known``.
    area
        Regions by which the pixels of the fit are chosen; None for all pixels.
    fixed
        Known abundances of components in regions.
    """

    k: int = 4
    sparsity: float = 0.0
    smoothness: float = 0.0
    volume: float | str = 0.0
    sum_to_one: bool = False
    gain: bool = False
    similarity: str | Similarity = "frobenius"
    own: Mapping[str, float] = field(default_factory=dict)
    steps: tuple[bool, ...] = ()
    bands: bool = False
    held: tuple[Held, ...] | None = None
    area: FitArea | None = None
    fixed: tuple[FixedRegion, ...] = ()

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

    def held_or(self, passed: tuple[Held, ...]) -> tuple[Held, ...]:
        """Return the held components, those that were passed to the explorer if the user has changed nothing."""
        return passed if self.held is None else self.held

    def as_dict(self) -> dict[str, Any]:
        """Return all parameters by name; the knobs of the user's terms are on the same level as the others.

        Held components are listed by number, regions and what is known in them by name, where the user has chosen any.
        ``pixels`` changes with the pixels of the regions and with the channels, also where their names stay.
        """
        apart = ("own", "held", "area", "fixed")
        named = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in apart}
        chosen: dict[str, Any] = {} if self.held is None else {"held": numbers(self.held)}
        chosen |= {} if self.area is None else {"area": self.area.as_dict(), "pixels": self.area.digest}
        chosen |= {"fixed": [one.as_dict() for one in self.fixed]} if self.fixed else {}
        return named | dict(self.own) | chosen


def _check_weight(name: str, weight: Any) -> None:
    if not (np.isfinite(weight) and weight >= 0):
        raise ValueError(f"{name} must be a finite number >= 0, got {weight!r}")


@dataclass(frozen=True)
class TermKnob:
    """A knob (adjustable number) of one penalty or constraint, with the name that it has among the parameters.

    Attributes
    ----------
    name
        Name of the knob among the parameters, derived from its label.
    term
        Index of the penalty or constraint that has the knob: among the user's terms, of which those on A come first, or
        among the terms of the menu.
    knob
        Label, range and scale of the knob.
    """

    name: str
    term: int
    knob: Knob


@dataclass(frozen=True)
class OwnTerms:
    """Penalties and constraints of the user with the values of their knobs, and those in the explorer's menu.

    Examples
    --------
    >>> from mffnb import Sparsity
    >>> own = OwnTerms(endmember_terms=(Sparsity(0.1),))
    >>> own.values
    {'sparsity_2': 0.1}
    >>> own.with_values({"sparsity_2": 0.5})
    OwnTerms(abundance_terms=(), endmember_terms=(Sparsity(weight=0.5),), menu=())
    """

    abundance_terms: Sequence[Term] = ()
    endmember_terms: Sequence[Term] = ()
    menu: Sequence[MenuTerm] = ()

    @cached_property
    def term_knobs(self) -> tuple[TermKnob, ...]:
        """All knobs of the user's terms; if two have the same label, the second one gets a number."""
        terms = (*self.abundance_terms, *self.endmember_terms)
        return tuple(_knobs_of(terms, {one.name for one in fields(Parameters)}))

    @cached_property
    def menu_knobs(self) -> tuple[TermKnob, ...]:
        """Knobs of the terms in the menu; a term without knobs gets an on/off switch."""
        taken = {one.name for one in fields(Parameters)} | {one.name for one in self.term_knobs}
        found = list(_knobs_of([one.term for one in self.menu], taken))
        for i, entry in enumerate(self.menu):
            if not knobs(entry.term):
                (label,) = _free(entry.label, taken)
                switch = Knob(SWITCH, 1, label, 0, 1, zero=False, help=entry.purpose)
                found.append(TermKnob(_name(label), i, switch))
        return tuple(found)

    @property
    def menu_knobs_by_label(self) -> dict[str, tuple[TermKnob, ...]]:
        """Knobs of the terms in the menu, by the label of the term."""
        return {
            entry.label: tuple(one for one in self.menu_knobs if one.term == i) for i, entry in enumerate(self.menu)
        }

    @property
    def values(self) -> dict[str, float]:
        """Values of all knobs of the user's terms, by name."""
        return {one.name: one.knob.value for one in self.term_knobs}

    def with_values(self, values: Mapping[str, float]) -> OwnTerms:
        """Return the terms with other values of their knobs; a knob at its off position removes its term.

        Terms of the menu are added if ``values`` has one of their knobs.
        """
        terms: list[Term | None] = [*self.abundance_terms, *self.endmember_terms]
        for one in self.term_knobs:
            value, term = values.get(one.name, one.knob.value), terms[one.term]
            off = value == 0 and one.knob.zero
            terms[one.term] = None if off or term is None else replace(term, **{one.knob.name: value})  # type: ignore[type-var]
        split = len(self.abundance_terms)
        of_abundances, of_endmembers = terms[:split], terms[split:]
        for i, entry in enumerate(self.menu):
            chosen = {one.knob: values[one.name] for one in self.menu_knobs if one.term == i and one.name in values}
            off = any(value == 0 and (knob.zero or knob.name == SWITCH) for knob, value in chosen.items())
            if chosen and not off:
                changes = {knob.name: value for knob, value in chosen.items() if knob.name != SWITCH}
                target = of_abundances if entry.factor == "abundances" else of_endmembers
                target.append(replace(entry.term, **changes) if changes else entry.term)  # type: ignore[type-var]
        return OwnTerms(
            tuple(term for term in of_abundances if term is not None),
            tuple(term for term in of_endmembers if term is not None),
        )


def _knobs_of(terms: Sequence[Term], taken: set[str]) -> Iterator[TermKnob]:
    """Yield the knobs of these terms, and add their names to the set ``taken``."""
    for i, term in enumerate(terms):
        for knob in knobs(term):
            for label in _free(knob.label, taken):
                yield TermKnob(_name(label), i, replace(knob, label=label))


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
