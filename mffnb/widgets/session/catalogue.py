"""What an explorer offers besides the sliders that are always there: every part that says so, by its class alone."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from mffnb import constraints, penalties
from mffnb.protocols.half import Term


@dataclass(frozen=True)
class Offer:
    """A part that may be added.

    Attributes
    ----------
    label
        What it is called.
    place
        "abundances" or "endmembers".
    term
        The part with its defaults.
    """

    label: str
    place: str
    term: Term

    @property
    def purpose(self) -> str:
        """What it does: the first words of its docstring."""
        text = inspect.getdoc(type(self.term)) or self.label
        return text.split("\n\n")[0].split(":math:")[0].strip().rstrip(":")


def catalogue(*modules: ModuleType) -> tuple[Offer, ...]:
    """Find the parts whose class has an attribute ``offered``: the factor it acts on, and what it is called there.

    Parameters
    ----------
    modules
        Where to look: :mod:`mffnb.penalties` and :mod:`mffnb.constraints` unless others are given.

    Examples
    --------
    >>> sorted(offer.label for offer in catalogue() if offer.place == "endmembers")
    ['one peak', 'smooth spectra']
    """
    return tuple(_found(modules or (penalties, constraints)))


def _found(modules: tuple[ModuleType, ...]) -> Iterator[Offer]:
    for module in modules:
        for _, part in inspect.getmembers(module, inspect.isclass):
            offered: dict[str, str] = getattr(part, "offered", {})
            for place, label in offered.items():
                made: Any = part()
                yield Offer(label, place, made)
