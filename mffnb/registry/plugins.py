"""Plug-ins: parts and file readers that other distributions register through entry points.

A distribution adds to the package in its ``pyproject.toml``::

    [project.entry-points."mffnb.parts"]
    student-t = "my_package.student:StudentT"      # a penalty, constraint, similarity, solver or start

    [project.entry-points."mffnb.readers"]
    my-format = "my_package.reading:MY_FORMAT"     # a mffnb.io.registry.Reader

A part is a class with working defaults, or an object. Its entry point's name is the one that ``similarity="student-t"``
or ``solver=`` accepts. A plug-in that cannot be loaded is left out with one warning.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import metadata
from typing import Any

from mffnb.errors import PluginWarning, warn
from mffnb.protocols import Similarity, Solver, Start, Term

PARTS, READERS = "mffnb.parts", "mffnb.readers"
_KINDS = (Similarity, Term, Solver, Start)


def loaded(group: str, make: Callable[[str, Any], Any]) -> dict[str, Any]:
    """Load all plug-ins of a group, sorted by name; warn once of each that cannot be loaded.

    Parameters
    ----------
    group
        Name of the entry point group.
    make
        Function that converts the name and the loaded object to the registered part or reader, and raises an error for
        an unsuitable object.
    """
    found: dict[str, Any] = {}
    for entry in sorted(metadata.entry_points(group=group), key=lambda entry: (entry.name, entry.value)):
        distribution = "an unknown distribution" if entry.dist is None else entry.dist.name
        try:
            if entry.name in found:
                raise ValueError("another distribution has registered this name")
            found[entry.name] = make(entry.name, entry.load())
        except Exception as error:  # code of other distributions may raise any exception
            warn(
                f"plug-in {entry.name!r} of {distribution} ({group}) is left out, {type(error).__name__}: {error}; "
                f"update or uninstall {distribution}",
                PluginWarning,
            )
    return found


@cache
def installed_parts() -> dict[str, Any]:
    """Return the parts of other distributions by name: similarities, penalties, constraints, solvers and starts."""
    return loaded(PARTS, _part)


def _part(_name: str, value: Any) -> Any:
    part = value() if isinstance(value, type) else value
    if not isinstance(part, _KINDS):
        raise TypeError(f"{part!r} has no method misfit (similarity), fold (term), update (solver) or start")
    return part
