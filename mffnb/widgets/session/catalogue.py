"""Catalogue of the penalties and constraints that an explorer offers in its menu, found by their declarations."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from mffnb import constraints, penalties
from mffnb.protocols.capabilities import traits_of
from mffnb.protocols.terms import Term
from mffnb.registry.plugins import installed_parts


@dataclass(frozen=True)
class MenuTerm:
    """A penalty or constraint that the user may add in the explorer.

    Attributes
    ----------
    label
        Text of the term in the menu.
    factor
        Factor that the term acts on, "abundances" or "endmembers".
    term
        The penalty or constraint with its default values.
    """

    label: str
    factor: str
    term: Term

    @property
    def purpose(self) -> str:
        """Text of the tooltip: the first words of the docstring of the term."""
        text = inspect.getdoc(type(self.term)) or self.label
        return text.split("\n\n")[0].split(":math:")[0].strip().rstrip(":")


def catalogue(*modules: ModuleType) -> tuple[MenuTerm, ...]:
    """Return the penalties and constraints whose traits have a menu label, see :class:`mffnb.protocols.TermTraits`.

    Parameters
    ----------
    modules
        Modules to search: by default :mod:`mffnb.penalties`, :mod:`mffnb.constraints`, and the plug-ins.

    Examples
    --------
    >>> sorted(one.label for one in catalogue() if one.factor == "endmembers")
    ['one peak', 'smooth spectra']
    """
    classes = [part for module in modules or (penalties, constraints) for part in _classes(module)]
    installed = [] if modules else [part for part in installed_parts().values() if isinstance(part, Term)]
    return tuple(_menu_terms([*classes, *installed]))


def _classes(module: ModuleType) -> list[type]:
    return [part for _, part in inspect.getmembers(module, inspect.isclass)]


def _menu_terms(parts: Iterable[Any]) -> Iterator[MenuTerm]:
    for part in parts:
        if isinstance(part, Term):
            traits = traits_of(part)
            for factor, label in (("abundances", traits.abundance_label), ("endmembers", traits.endmember_label)):
                if label is not None:
                    yield MenuTerm(label, factor, part() if isinstance(part, type) else part)
