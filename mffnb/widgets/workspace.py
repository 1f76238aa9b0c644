"""Workspace of an explorer: everything that its user has set and added beside the settings of the fit."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from mffnb.plots.labels import MAXIMUM
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.appearance import Appearance
from mffnb.widgets.equality import same
from mffnb.widgets.pins import Pin
from mffnb.widgets.regions import Region

_CONTINUOUS = ("channel_range", "clip", "gamma")  # traits that the wheel or a slider changes in many steps


@dataclass(frozen=True, eq=False)
class Shown:
    """What a tool shows in the page.

    Attributes
    ----------
    values
        Text, numbers and arrays.
    follow
        Arguments with which the tool is called again after each run; None if it is not.
    """

    values: Mapping[str, Any]
    follow: Mapping[str, Any] | None = None


@dataclass(frozen=True, eq=False)
class Workspace:
    """One moment of an explorer: what undo and redo restore beside the settings of the fit and their answer.

    The explorer takes one after each gesture. Objects in it are never changed, only replaced.

    Attributes
    ----------
    appearance
        Names, colours, visibility and order of the components.
    regions, pins, overlays, kept
        Regions, pinned pixels, images below the composite and answers kept for comparison, by name.
    section
        Section of a stack that the maps show, by dimension.
    tools
        What the tools show, by name.
    style
        Traits of the view that the user changes in the page, by name.
    positions
        Positions of the sliders, also of those that have no effect with the settings of the fit.
    """

    appearance: Appearance = field(default_factory=Appearance)
    regions: Mapping[str, Region] = field(default_factory=dict)
    pins: Mapping[str, Pin] = field(default_factory=dict)
    overlays: Mapping[str, xr.DataArray] = field(default_factory=dict)
    kept: Mapping[str, Unmixing] = field(default_factory=dict)
    section: Mapping[Hashable, int] = field(default_factory=dict)
    tools: Mapping[str, Shown] = field(default_factory=dict)
    style: Mapping[str, Any] = field(default_factory=dict)
    positions: Mapping[str, float] = field(default_factory=dict)

    def sharing(self, before: Workspace) -> Workspace:
        """Return this workspace with the objects of an earlier one where both are equal, so that memory holds one."""
        shared: dict[str, Any] = {}
        for one in fields(self):
            mine, others = getattr(self, one.name), getattr(before, one.name)
            if isinstance(mine, Appearance):
                shared[one.name] = others if same(mine, others) else mine
            else:
                shared[one.name] = {
                    key: others[key] if key in others and same(value, others[key]) else value
                    for key, value in mine.items()
                }
        return Workspace(**shared)

    def without_components(self, numbers: Mapping[int, Any] | tuple[int, ...]) -> Workspace:
        """Return the workspace without what the user has set for components other than these."""
        look = self.appearance
        set_for = {*look.names, *look.colors, *look.hidden, *look.order, *look.weights}
        return replace(self, appearance=look.following(set_for, numbers))

    def continuous_change(self, before: Workspace) -> str:
        """Return what a slider or the wheel has changed since an earlier workspace; empty for any other change."""
        if not same(self.section, before.section):
            return "section" if _maximum_over(self.section) == _maximum_over(before.section) else ""
        changed = [name for name, value in self.style.items() if not same(value, before.style.get(name))]
        others = replace(self, style=before.style)
        return changed[0] if len(changed) == 1 and changed[0] in _CONTINUOUS and same(others, before) else ""

    @property
    def parts(self) -> Iterator[Any]:
        """The objects that need memory."""
        for values in (self.regions, self.pins, self.overlays, self.kept, self.tools):
            yield from values.values()


def _maximum_over(section: Mapping[Hashable, int]) -> set[Hashable]:
    """Return the dimensions over which the maps show the maximum."""
    return {name for name, index in section.items() if index == MAXIMUM}


def bytes_of(part: Any) -> int:
    """Return the memory of an object of a workspace; cubes, which the explorer holds in any case, do not count."""
    if isinstance(part, Unmixing):
        return int(part.abundances.nbytes + part.endmembers.nbytes)
    if isinstance(part, (np.ndarray, xr.DataArray)):
        return int(part.nbytes)
    if isinstance(part, bytes):
        return len(part)
    if isinstance(part, Mapping):
        return sum(map(bytes_of, part.values()))
    if isinstance(part, (list, tuple)):
        return sum(map(bytes_of, part))
    return sum(bytes_of(getattr(part, one.name)) for one in fields(part)) if is_dataclass(part) else 0
