"""Tool of the explorer: leave regions out of the fit, or restrict the fit to regions."""

from __future__ import annotations

from mffnb.widgets.session.fit_area import FitArea
from mffnb.widgets.tool import Stage, running_session

__all__ = ["fit_only", "leave_out"]


def leave_out(stage: Stage, name: str, *, on: bool = True) -> None:
    """Leave the pixels of a region out of the fit; the run continues with the others.

    Their maps have gaps (NaN), as those of ``mf.unmix(mask=...)``; their measured spectra can still be shown.

    Parameters
    ----------
    name
        Name of the region.
    on
        False: use its pixels again.

    Raises
    ------
    KeyError
        If there is no region of this name.
    ValueError
        If no pixel is left.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> explorer.wait()
    >>> dust = explorer.region([(50, 50), (50, 120), (120, 120), (120, 50)], name="dust")
    >>> explorer.leave_out("dust")
    >>> explorer.wait()
    >>> int(explorer.result.abundances[0].isnull().sum()) == dust.pixels
    True
    >>> explorer.close()
    """
    _choose(stage, name, left_out=on, only=False)


def fit_only(stage: Stage, name: str, *, on: bool = True) -> None:
    """Fit only the pixels of a region; with several such regions, those of all of them.

    Maps have gaps (NaN) elsewhere, as those of ``mf.unmix(mask=...)``. To see maps of all pixels for endmembers of the
    region, hold the components and use all pixels again.

    Parameters
    ----------
    name
        Name of the region.
    on
        False: no longer restrict the fit to this region.

    Raises
    ------
    KeyError
        If there is no region of this name.
    ValueError
        If no pixel is left.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> explorer.wait()
    >>> core = explorer.region([(50, 50), (50, 120), (120, 120), (120, 50)], name="core")
    >>> explorer.fit_only("core")
    >>> explorer.wait()
    >>> int(explorer.result.abundances[0].notnull().sum()) == core.pixels
    True
    >>> explorer.close()
    """
    _choose(stage, name, left_out=False, only=on)


def _choose(stage: Stage, name: str, *, left_out: bool, only: bool) -> None:
    """Set whether a region is left out of the fit, or is one of those to which it is restricted."""
    session = running_session(stage, "leave_out")
    if name not in stage.regions:
        raise KeyError(f"there is no region {name!r}: the names are {', '.join(stage.regions) or 'none'}")
    area = (stage.settings.area or FitArea()).with_region(name, stage.regions[name].mask, left_out=left_out, only=only)
    session.source.restricted(area)  # refuses a choice that does not fit the cube or leaves no pixel
    stage.change(area=area)
