"""Workspaces of a history as plain values for a session, and back: each object is stored once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import xarray as xr

from mffnb.unmixing.result import Unmixing
from mffnb.widgets.workspace import Workspace

_NAMES = tuple(one.name for one in fields(Workspace) if one.name != "appearance")


def packed(moments: Sequence[Workspace]) -> dict[str, Any]:
    """Return workspaces as a list of their objects, and the numbers of these objects in each workspace.

    Kept answers are stored without the cube, which all of them share.

    Examples
    --------
    >>> first = Workspace(style={"color_map": "gray"})
    >>> packed([first, replace(first, style={**first.style, "clip": 0.1})])["objects"][1:]
    ['gray', 0.1]
    """
    numbers: dict[int, int] = {}
    objects: list[Any] = []

    def number(one: Any) -> int:
        if id(one) not in numbers:
            numbers[id(one)] = len(objects)
            objects.append(replace(one, cube=None) if isinstance(one, Unmixing) else one)
        return numbers[id(one)]

    rows = [
        {
            "appearance": number(one.appearance),
            **{name: {key: number(value) for key, value in getattr(one, name).items()} for name in _NAMES},
        }
        for one in moments
    ]
    return {"objects": objects, "workspaces": rows}


def unpacked(stored: Mapping[str, Any], cube: xr.DataArray) -> list[Workspace]:
    """Return the workspaces that :func:`packed` has stored."""
    objects = [replace(one, cube=cube) if isinstance(one, Unmixing) else one for one in stored["objects"]]
    return [
        Workspace(
            objects[row["appearance"]],
            **{name: {key: objects[place] for key, place in row[name].items()} for name in _NAMES},
        )
        for row in stored["workspaces"]
    ]
