"""Tool of the explorer: names of regions."""

from __future__ import annotations

from dataclasses import replace

from mffnb.widgets.session.fixed_regions import renamed
from mffnb.widgets.tool import Stage
from mffnb.widgets.tools.region import show_regions

__all__ = ["rename_region"]


def rename_region(stage: Stage, name: str, new: str) -> None:
    """Give a region another name; it stays where it is, and what was chosen by it stays chosen.

    Parameters
    ----------
    name
        Present name of the region, as in ``explorer.regions``.
    new
        New name.

    Raises
    ------
    KeyError
        If there is no region of this name.
    ValueError
        If the new name is empty, or another region has it.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> explorer.wait()
    >>> explorer.region([(50, 50), (50, 120), (120, 120), (120, 50)])
    <region R1: 49 pixels>
    >>> explorer.rename_region("R1", "core")
    >>> list(explorer.regions)
    ['core']
    >>> explorer.close()
    """
    wanted = " ".join(new.split())
    if name not in stage.regions:
        raise KeyError(f"there is no region {name!r}: the names are {', '.join(stage.regions) or 'none'}")
    if wanted == name:
        return
    if not wanted:
        raise ValueError("a region needs a name: give one or more letters")
    if wanted in stage.regions:
        raise ValueError(f"there is a region {wanted!r} already: choose another name")
    regions = {wanted if one == name else one: region for one, region in stage.regions.items()}
    regions[wanted] = replace(regions[wanted], name=wanted)
    stage.regions.clear()
    stage.regions.update(regions)
    show_regions(stage, stage.result)
    before = stage.settings
    area = None if before.area is None else before.area.renamed(name, wanted)
    fixed = renamed(before.fixed, name, wanted)
    if area != before.area or fixed != before.fixed:
        stage.change(area=area, fixed=fixed)
