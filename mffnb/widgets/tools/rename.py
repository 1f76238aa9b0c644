"""Tool of the explorer: names of components, which reach maps, spectra, results, files and figures."""

from __future__ import annotations

from mffnb.widgets.tool import Stage

__all__ = ["rename"]


def rename(stage: Stage, component: int | str, name: str) -> None:
    """Give a component a name, which it keeps for as long as it exists.

    The name is in the coordinate ``label`` of ``explorer.result``, and labels its map, its spectrum and its figures.

    Parameters
    ----------
    component
        Number of the component, as in the coordinate ``component`` of the result, or its present name.
    name
        New name; an empty one restores the number.

    Raises
    ------
    ValueError
        If there is no such component, or if another one has this name.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> explorer.wait()
    >>> explorer.rename(1, "lignin")
    >>> explorer.result.endmembers.label.values.tolist()
    ['component 0', 'lignin', 'component 2']
    >>> explorer.close()
    """
    numbers = [int(number) for number in stage.result.endmembers["component"].values]
    named = stage.names
    by_name = {label: number for number, label in named.items() if number in numbers}
    number = by_name.get(component) if isinstance(component, str) else int(component)
    if number not in numbers:
        raise ValueError(f"there is no component {component!r}: there are {', '.join(map(repr, [*numbers, *by_name]))}")
    wanted = " ".join(name.split())
    if by_name.get(wanted, number) != number:
        raise ValueError(f"component {by_name[wanted]} is named {wanted!r} already: choose another name")
    stage.set_name(number, wanted)
