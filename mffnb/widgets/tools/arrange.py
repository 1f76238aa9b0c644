"""Tools of the explorer: which components are shown, in which order and in which colours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from mffnb.plots.palette import component_colors
from mffnb.widgets.components import number_of, numbers_of
from mffnb.widgets.tool import Stage

__all__ = ["hide", "reorder", "set_color", "show"]


def hide(stage: Stage, component: int | str) -> None:
    """Hide map and spectrum of a component; it stays in the model, and in the result with the coordinate ``hidden``.

    Parameters
    ----------
    component
        Number or name of the component.

    Raises
    ------
    ValueError
        If there is no such component, or if no other one is shown.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> explorer.wait()
    >>> explorer.hide(1)
    >>> explorer.result.endmembers.hidden.values.tolist()
    [False, True, False]
    >>> explorer.show(1)
    >>> explorer.close()
    """
    number, look = number_of(stage, component), stage.appearance
    if not {*numbers_of(stage)} - look.hidden - {number}:
        raise ValueError(f"component {component!r} is the only one that is shown: show another one first")
    stage.set_appearance(replace(look, hidden=look.hidden | {number}))


def show(stage: Stage, component: int | str | None = None) -> None:
    """Show a hidden component again, or all of them if none is given.

    Parameters
    ----------
    component
        Number or name of the component.

    Raises
    ------
    ValueError
        If there is no such component.
    """
    look = stage.appearance
    shown = {*look.hidden} if component is None else {number_of(stage, component)}
    stage.set_appearance(replace(look, hidden=look.hidden - shown))


def reorder(stage: Stage, components: Sequence[int | str]) -> None:
    """Set the order of the components: on the page, in the result and in figures. Their numbers stay.

    Parameters
    ----------
    components
        Numbers or names of components, the first one first. Those that are left out follow in their present order.

    Raises
    ------
    ValueError
        If there is no such component, or if one is given twice.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> explorer.wait()
    >>> explorer.reorder([2, 0])
    >>> explorer.result.endmembers.component.values.tolist()
    [2, 0, 1]
    >>> explorer.close()
    """
    first = [number_of(stage, one) for one in components]
    if len({*first}) < len(first):
        raise ValueError(f"the order {list(components)!r} has a component twice: give each of them once")
    others = [number for number in numbers_of(stage) if number not in first]
    stage.set_appearance(replace(stage.appearance, order=(*first, *others)))


def set_color(stage: Stage, component: int | str, color: int | str | None) -> None:
    """Set the colour of a component: of its map, its spectrum, its contribution to mixtures, and in figures.

    Parameters
    ----------
    component
        Number or name of the component.
    color
        Position in the palette of :func:`mffnb.component_colors`, whose first 24 colours can be distinguished by
        colour-blind readers, or a hexadecimal colour such as ``"#d55e00"``. None restores that of the number.

    Raises
    ------
    ValueError
        If there is no such component or no such colour.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> explorer.wait()
    >>> explorer.set_color(0, 4)
    >>> explorer.result.endmembers.color.values.tolist()
    ['#d55e00', '#e69f00', '#009e73']
    >>> explorer.close()
    """
    if isinstance(color, str) and not re.fullmatch(r"#[0-9a-fA-F]{6}", color):
        raise ValueError(f"color={color!r} is no colour: write it as '#d55e00', or give its position in the palette")
    if not (color is None or isinstance(color, str) or color >= 0):
        raise ValueError(f"color={color!r} is no position in the palette: the first colour is 0")
    given = color if color is None or isinstance(color, str) else component_colors(int(color) + 1)[-1]
    number = number_of(stage, component)
    stage.set_appearance(stage.appearance.with_color(number, given if given is None else given.lower()))
