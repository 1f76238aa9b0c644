"""Names, colours, visibility and order of an explorer's components, by their persistent numbers.

A component keeps its number for as long as it exists, whatever its row in the factors is. What the user decides about
it is stored by this number, here and nowhere else, and applied where states leave the session: to frames and results.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr

from mffnb.plots.palette import component_colors
from mffnb.unmixing.component_names import names_of
from mffnb.unmixing.result import Unmixing


@dataclass(frozen=True)
class Appearance:
    """How the components of an explorer are shown, by their numbers.

    Attributes
    ----------
    names
        Names that the user has given.
    colors
        Hexadecimal colours that the user has chosen; the others have that of their number in
        :func:`mffnb.component_colors`.
    hidden
        Components whose maps and spectra are not shown.
    order
        Numbers in the order of the user. Components that are not in it follow, by number.
    weights
        Weights of components in the composite, where they are not 1.

    Examples
    --------
    >>> look = Appearance(names={2: "lignin"}, order=(2, 0))
    >>> look.rows([0, 1, 2]), look.labels([2, 0, 1])
    ([2, 0, 1], ['lignin', 'component 0', 'component 1'])
    """

    names: Mapping[int, str] = field(default_factory=dict)
    colors: Mapping[int, str] = field(default_factory=dict)
    hidden: frozenset[int] = frozenset()
    order: tuple[int, ...] = ()
    weights: Mapping[int, float] = field(default_factory=dict)

    @classmethod
    def of(cls, result: Unmixing) -> Appearance:
        """Return the appearance that :meth:`applied` has written into a result."""
        component = result.endmembers.coords.get("component")
        if component is None or component.dtype.kind not in "iu":
            return cls()
        numbers, plain = [int(number) for number in component.values], cls()
        coordinates = result.endmembers.coords
        colors = [str(one) for one in coordinates["color"].values] if "color" in coordinates else []
        hidden = coordinates["hidden"].values if "hidden" in coordinates else np.zeros(len(numbers), dtype=bool)
        return cls(
            {number: name for number, name in zip(numbers, names_of(result.endmembers), strict=True) if name},
            {number: one for number, one in zip(numbers, colors, strict=False) if [one] != plain.colors_of([number])},
            frozenset(number for number, away in zip(numbers, hidden, strict=True) if away),
            () if numbers == sorted(numbers) else tuple(numbers),
        )

    def rows(self, numbers: Sequence[int]) -> list[int]:
        """Return the rows of components in the order in which they are shown."""
        place = {number: i for i, number in enumerate(self.order)}
        last = len(place)
        return sorted(range(len(numbers)), key=lambda row: (place.get(numbers[row], last), numbers[row]))

    def labels(self, numbers: Sequence[int], known: Collection[int] = ()) -> list[str]:
        """Return the label of each component; those in ``known`` are spectra that the user has passed."""
        return [self.names.get(number, f"{'known' if number in known else 'component'} {number}") for number in numbers]

    def colors_of(self, numbers: Sequence[int]) -> list[str]:
        """Return the colour of each component."""
        palette = component_colors(max(numbers) + 1)
        return [self.colors.get(number, palette[number]) for number in numbers]

    def following(self, before: Collection[int], now: Collection[int]) -> Appearance:
        """Return the appearance after components have left, because a later one may get the number of one of them."""
        gone = {*before} - {*now}
        if not gone:
            return self
        return Appearance(
            {number: name for number, name in self.names.items() if number not in gone},
            {number: color for number, color in self.colors.items() if number not in gone},
            self.hidden - gone,
            tuple(number for number in self.order if number not in gone),
            {number: weight for number, weight in self.weights.items() if number not in gone},
        )

    def with_returned(self, numbers: Collection[int], before: Appearance) -> Appearance:
        """Return the appearance after components have come back within a run, with what they had before it."""
        return Appearance(
            {**self.names, **{one: name for one, name in before.names.items() if one in numbers}},
            {**self.colors, **{one: color for one, color in before.colors.items() if one in numbers}},
            self.hidden | (before.hidden & {*numbers}),
            tuple(one for one in before.order if one in numbers or one in self.order),
            {**self.weights, **{one: weight for one, weight in before.weights.items() if one in numbers}},
        )

    def weights_of(self, numbers: Sequence[int]) -> list[float]:
        """Return the weight of each component in the composite; 0 for a hidden one."""
        return [0.0 if number in self.hidden else self.weights.get(number, 1.0) for number in numbers]

    def with_name(self, number: int, name: str) -> Appearance:
        """Return the appearance with another name of a component; an empty one restores its number."""
        names = {**self.names, number: name}
        return replace(self, names={one: text for one, text in names.items() if text})

    def with_known(self, names: Sequence[str]) -> Appearance:
        """Return the appearance with the names of the known spectra, components 0, 1, ..., where they have one."""
        given = {number: name for number, name in enumerate(names) if name}
        return replace(self, names={**self.names, **given}) if given else self

    def with_names_of(self, result: Unmixing) -> Appearance:
        """Return the appearance with the names that components of a result have, where the user has given none."""
        names = {**Appearance.of(result).names, **self.names}
        return replace(self, names=names) if len(names) > len(self.names) else self

    def with_color(self, number: int, color: str | None) -> Appearance:
        """Return the appearance with another colour of a component; None restores that of its number."""
        colors = {one: other for one, other in self.colors.items() if one != number}
        return replace(self, colors=colors if color is None else {**colors, number: color})

    def applied(self, result: Unmixing) -> Unmixing:
        """Return a result in the order of the user.

        It has the coordinates ``label``, ``color`` and ``hidden`` of its components where the user has set one.
        """
        numbers = [int(number) for number in result.endmembers["component"].values]
        rows, coordinates = self.rows(numbers), self._coordinates(numbers)
        if rows == list(range(len(rows))) and not coordinates:
            return result

        labelled = _each_factor(result, lambda array: array.assign_coords(coordinates))
        return replace(_rows(labelled, rows), processed=_rows(result, rows).processed)

    def _coordinates(self, numbers: Sequence[int]) -> dict[str, Any]:
        """Return coordinates of components in the order of their rows."""
        shown = {*numbers}
        found: dict[str, Any] = {}
        if shown & {*self.names}:
            found["label"] = ("component", self.labels(numbers))
        if shown & {*self.colors}:
            found["color"] = ("component", self.colors_of(numbers))
        if shown & self.hidden:
            found["hidden"] = ("component", np.isin(numbers, [*self.hidden]))
        return found


def visible(result: Unmixing) -> Unmixing:
    """Return a result without its hidden components, for a figure."""
    hidden = result.endmembers.coords.get("hidden")
    if hidden is None or hidden.values.all():
        return result
    return _rows(result, [int(row) for row in np.flatnonzero(~hidden.values)])


def _rows(result: Unmixing, rows: Sequence[int]) -> Unmixing:
    """Return some components of a result, in this order."""
    return _each_factor(result, lambda array: array.isel(component=list(rows)))


def _each_factor(result: Unmixing, change: Callable[[xr.DataArray], xr.DataArray]) -> Unmixing:
    """Return a result with a change of all arrays that have components."""
    other, processed = result.alternative, result.processed
    if processed is not None:
        processed = replace(processed, endmembers=change(processed.endmembers), abundances=change(processed.abundances))
    return replace(
        result,
        endmembers=change(result.endmembers),
        abundances=change(result.abundances),
        alternative=None if other is None else change(other),
        processed=processed,
    )
