"""Names of the components of a result: the coordinate ``label`` of its spectra and maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import xarray as xr

from mffnb.cubes.spectrum_names import NUMBERED

Result = TypeVar("Result")
"""An :class:`mffnb.Unmixing`, which imports this module."""
LABEL = "label"
"""Coordinate along the components that holds their names."""
_SHOWN = 6  # names in a line of text


def names_of(factor: xr.DataArray) -> list[str]:
    """Return the name of each component of a factor, "" for one that has only its number."""
    given = factor.coords.get(LABEL)
    if given is None or given.dims != ("component",):
        return [""] * factor.sizes["component"]
    return ["" if NUMBERED.fullmatch(text) else text for text in map(str, given.values)]


def named(result: Result, names: Sequence[str]) -> Result:
    """Return a result whose components have these names; "" for one that keeps its number.

    A name that occurs twice gets the position of its component. The freedom is kept if it was computed.
    """
    whole: Any = result
    texts = list(names)
    texts = [f"{text} {row}" if text and texts.count(text) > 1 else text for row, text in enumerate(texts)]
    labels = [text or number for text, number in zip(texts, _numbered(whole.endmembers), strict=True)]

    def labelled(array: xr.DataArray) -> xr.DataArray:
        if not any(texts):
            return array.drop_vars(LABEL, errors="ignore")
        return array.assign_coords({LABEL: ("component", labels)})

    other, made = whole.alternative, whole.processed
    if made is not None:
        made = replace(made, endmembers=labelled(made.endmembers), abundances=labelled(made.abundances))
    computed = whole.__dict__.get("freedom", whole.stored_freedom)
    found: Result = replace(
        whole,
        endmembers=labelled(whole.endmembers),
        abundances=labelled(whole.abundances),
        alternative=None if other is None else labelled(other),
        processed=made,
        stored_freedom=None if computed is None else computed.labelled(labelled),
    )
    return found


def renamed(factor: xr.DataArray, names: Mapping[Any, str] | Sequence[str]) -> list[str]:
    """Return the names of the components of a factor after some of them were changed.

    Parameters
    ----------
    factor
        Spectra or maps, ("component", ...).
    names
        One name for each component, or a dictionary from the number or the present name of a component to its new
        name. An empty name restores the number.

    Raises
    ------
    TypeError
        If a name is no text.
    ValueError
        If there is no such component, the number of names differs, or two components get the same name.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> maps = xr.DataArray(np.zeros((2, 3)), dims=("component", "x"))
    >>> renamed(maps, {1: "lignin"}), renamed(maps, ["cellulose", "lignin"])
    (['', 'lignin'], ['cellulose', 'lignin'])
    """
    found, numbers = names_of(factor), _numbers(factor)
    if isinstance(names, str) or not isinstance(names, (Mapping, Sequence)):
        raise TypeError(f"names is a dictionary or a list of names, got {names!r}: pass {{0: 'name'}}")
    if not isinstance(names, Mapping):
        if len(names) != len(found):
            raise ValueError(f"there are {len(found)} components and {len(names)} names: give one for each")
        names = dict(zip(numbers, names, strict=True))
    changed = list(found)
    for component, name in names.items():
        if not isinstance(name, str):
            raise TypeError(f"the name of component {component} is text, got {name!r}")
        if isinstance(component, str) and component in found:
            row = found.index(component)
        elif component in numbers:
            row = numbers.index(component)
        else:
            listed = ", ".join([*map(str, numbers), *map(repr, filter(None, found))])
            raise ValueError(f"there is no component {component!r}: use one of {listed}")
        changed[row] = " ".join(name.split())
    twice = next((name for name in changed if name and changed.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"two components would be named {twice!r}: give each its own name")
    return changed


def listed_names(factor: xr.DataArray) -> str:
    """Return the names of the components in brackets, for a line of text; empty if no component has a name."""
    names = names_of(factor)
    if not any(names):
        return ""
    shown = [name or str(number) for name, number in zip(names, _numbers(factor), strict=True)]
    more = [f"and {len(shown) - _SHOWN} more"] if len(shown) > _SHOWN else []
    return f" ({', '.join([*shown[:_SHOWN], *more])})"


def column_names(factor: xr.DataArray) -> list[Any]:
    """Return the name of each component for a table, or its number if no component has a name."""
    names, numbers = names_of(factor), _numbers(factor)
    return (
        [name or f"component {number}" for name, number in zip(names, numbers, strict=True)] if any(names) else numbers
    )


def _numbers(factor: xr.DataArray) -> list[Any]:
    """Return the number of each component, as in the coordinate ``component``."""
    coordinate = factor.coords.get("component")
    return list(range(factor.sizes["component"])) if coordinate is None else coordinate.values.tolist()


def _numbered(factor: xr.DataArray) -> list[str]:
    """Return the labels that components without a name have in figures."""
    return [f"component {number}" for number in _numbers(factor)]
