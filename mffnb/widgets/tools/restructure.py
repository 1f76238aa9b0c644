"""Tools of the explorer: merge two components, or split one; the run continues from there."""

from __future__ import annotations

from dataclasses import replace

from mffnb.widgets.components import editable
from mffnb.widgets.session import edited
from mffnb.widgets.tool import Stage

__all__ = ["merge", "split"]


def merge(stage: Stage, component: int | str, other: int | str) -> None:
    """Merge two components, and run on from there with k - 1.

    The merged component starts from the sum of both contributions: its map is the sum of both maps in units of signal
    (as fractions, where abundances sum to one), its spectrum their mean, weighted by their total amount. It keeps
    number, name, colour and position of the first one.

    Parameters
    ----------
    component, other
        Numbers or names of the components.

    Raises
    ------
    ValueError
        If there is no such component, if both are the same, if one is a known spectrum, or with ``volume="auto"``,
        whose search starts from the data.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=4)
    >>> explorer.wait()
    >>> explorer.merge(1, 3)
    >>> explorer.wait()
    >>> explorer.result.endmembers.component.values.tolist()
    [0, 1, 2]
    >>> explorer.close()
    """
    _, solved, (kept, dropped) = editable(stage, "merge", component, other)
    if kept == dropped:
        raise ValueError(f"component {component!r} cannot be merged with itself: give two of them")
    look, number, gone = stage.appearance, solved.names[kept], solved.names[dropped]
    if number not in look.names and gone in look.names:
        look = look.with_name(number, look.names[gone])
    look = look.following({gone}, ())
    stage.continue_from(edited.merged(solved, kept, dropped), look)


def split(stage: Stage, component: int | str) -> None:
    """Split a component in two along the variation of its residual, and run on from there with k + 1.

    The larger part keeps number, name, colour and position; the new component follows it.

    Parameters
    ----------
    component
        Number or name of the component.

    Raises
    ------
    ValueError
        If there is no such component, if it is a known spectrum, if its residual is zero, if the slider for k ends, or
        with ``volume="auto"``, whose search starts from the data.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=2)
    >>> explorer.wait()
    >>> explorer.split(0)
    >>> explorer.wait()
    >>> explorer.result.endmembers.component.values.tolist()
    [0, 2, 1]
    >>> explorer.close()
    """
    _, solved, (row,) = editable(stage, "split", component)
    start, new = edited.split(solved, row)
    numbers = solved.names
    order = [numbers[i] for i in stage.appearance.rows(numbers)]
    order.insert(order.index(numbers[row]) + 1, new)
    stage.continue_from(start, replace(stage.appearance, order=tuple(order)))
