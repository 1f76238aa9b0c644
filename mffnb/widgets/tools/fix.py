"""Tool of the explorer: say that a component is absent, pure, or of a known fraction in a region."""

from __future__ import annotations

from dataclasses import replace

from mffnb.widgets.components import number_of
from mffnb.widgets.regions import Region
from mffnb.widgets.session.fixed_regions import with_region
from mffnb.widgets.tool import Stage, running_session

__all__ = ["fix"]


def fix(stage: Stage, component: int | str, region: str | Region, fraction: float = 0.0, *, on: bool = True) -> None:
    """Fix the abundance of a component in a region: absent, pure, or a known fraction; the run continues with it.

    It is the constraint :class:`mffnb.Fixed` of ``mf.unmix(abundance_terms=[...])``, which :meth:`code` writes out. The
    component keeps its number while it has known abundances, also when k is lowered.

    Parameters
    ----------
    component
        Number or name of the component.
    region
        Name of the region, or the region.
    fraction
        0 for absent, 1 for pure (all other components are absent); a fraction between them needs ``sum_to_one``.
    on
        False: let the abundances of this component in this region be found again.

    Raises
    ------
    KeyError
        If there is no region of this name.
    ValueError, UnsupportedCombinationError
        If there is no such component, or if this contradicts what is known already.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> explorer.wait()
    >>> core = explorer.region([(50, 50), (50, 120), (120, 120), (120, 50)], name="core")
    >>> explorer.fix(1, "core")
    >>> explorer.wait()
    >>> float(explorer.result.abundances.sel(component=1).where(core.mask).max())
    0.0
    >>> explorer.close()
    """
    session = running_session(stage, "fix")
    name = region.name if isinstance(region, Region) else region
    if name not in stage.regions:
        raise KeyError(f"there is no region {name!r}: the names are {', '.join(stage.regions) or 'none'}")
    number, settings = number_of(stage, component), stage.settings
    fixed = with_region(settings.fixed, number, name, stage.regions[name].mask, float(fraction) if on else None)
    if on:
        session.check(replace(settings, fixed=fixed))
    stage.change(fixed=fixed)
