"""An answer that a rank scan or a search of settings has found, with the settings of its fit and the call for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mffnb.unmixing.component_names import named, names_of
from mffnb.unmixing.result import Unmixing


@dataclass(frozen=True, eq=False)
class SearchCall:
    """The call of Python that finds an answer of a search again.

    Attributes
    ----------
    function
        Dotted name, such as ``"mf.unmix"``.
    leading
        Code of the arguments after the cube that are given by position.
    keywords
        The other arguments.
    variable
        Name of the variable that the call is assigned to.
    following
        Lines of code after the call.
    """

    function: str
    leading: tuple[str, ...]
    keywords: Mapping[str, Any]
    variable: str = "result"
    following: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class SearchAnswer:
    """An answer of a search, as the view of an explorer shows it.

    Attributes
    ----------
    result
        The answer; its components are sorted by their persistent numbers, which are its coordinate ``component``.
    settings
        Keywords of :func:`mffnb.unmix` with which it was fitted.
    order
        Persistent number of each component, in the order in which the call returns them.
    call
        The call that finds it again.
    place
        Where it is in the search, such as ``{"trial": 3}``; empty where k says that.
    """

    result: Unmixing
    settings: Mapping[str, Any]
    order: tuple[int, ...]
    call: SearchCall
    place: Mapping[str, int]

    @property
    def words(self) -> str:
        """The place in the search as text, such as "trial 3"."""
        return ", ".join(f"{name} {number}" for name, number in self.place.items())


def with_component_numbers(answer: Unmixing, numbers: tuple[int, ...]) -> Unmixing:
    """Return a copy of a result with these component numbers as its coordinate, sorted by number."""
    order = sorted(range(len(numbers)), key=lambda component: numbers[component])
    coordinate = {"component": [numbers[component] for component in order]}
    other, processed = answer.alternative, answer.processed
    if processed is not None:
        processed = replace(
            processed,
            endmembers=processed.endmembers.isel(component=order).assign_coords(coordinate),
            abundances=processed.abundances.isel(component=order).assign_coords(coordinate),
        )
    found = replace(
        answer,
        endmembers=answer.endmembers.isel(component=order).assign_coords(coordinate),
        abundances=answer.abundances.isel(component=order).assign_coords(coordinate),
        alternative=None if other is None else other.isel(component=order).assign_coords(coordinate),
        processed=processed,
    )
    names = names_of(found.endmembers)
    return named(found, names) if any(names) else found  # labels of the others hold their new numbers
