"""Tool of the explorer: names of components, which reach maps, spectra, results, files and figures."""

from __future__ import annotations

from mffnb.widgets.components import number_of, numbers_of
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
    number, look = number_of(stage, component), stage.appearance
    wanted = " ".join(name.split())
    taken = {look.names[one]: one for one in numbers_of(stage) if one in look.names}
    if taken.get(wanted, number) != number:
        raise ValueError(f"component {taken[wanted]} is named {wanted!r} already: choose another name")
    stage.set_appearance(look.with_name(number, wanted))
