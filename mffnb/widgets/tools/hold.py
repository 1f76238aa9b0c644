"""Tool of the explorer: hold the spectrum of a component, a region or a pixel, and release it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from mffnb.errors import MffnbWarning, UnsupportedCombinationError, warn
from mffnb.preprocessing import Chain
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.measured import comparable_cube, pixel_indices, used_pixels
from mffnb.widgets.regions import Region
from mffnb.widgets.session.grid_before import spectrum_before
from mffnb.widgets.session.held import Held, one_spectrum, rounded
from mffnb.widgets.session.session import Session
from mffnb.widgets.session.solved import lowest_free
from mffnb.widgets.tool import Stage, running_session

__all__ = ["hold", "release"]


def hold(
    stage: Stage,
    what: Any = None,
    *,
    pixel: Sequence[int] | None = None,
    radius: float = 0.0,
    name: str | None = None,
    component: int | str | None = None,
) -> int:
    """Hold a spectrum as a known endmember: it stays as it is while the other components move.

    A component that is held keeps its number, colour, name and place. Any other spectrum becomes one more component, so
    that k grows by one; lower k afterwards to remove the free component that contributes least. Held components count
    in k.

    Parameters
    ----------
    what
        Number or name of a component, name of a region, a :class:`Region`, or a spectrum (channel dims) in the units
        of the cube, for example one of a library.
    pixel
        Row and column of a pixel in the picture of a map, instead of ``what``; its measured spectrum is held.
    radius
        Average over the pixels within this distance of the pixel, in pixels.
    name
        Name of the component; that of the region if it is omitted.
    component
        Number or name of a component whose spectrum is replaced by the held one, so that k stays. A spectrum with the
        name of a component replaces that of this component.

    Returns
    -------
    int
        Number of the component.

    Raises
    ------
    ValueError
        If there is no such component or region, if the spectrum does not fit the channels, or if k is at the upper
        end of its slider.
    UnsupportedCombinationError
        If a preprocessing step such as ``SlidingFFT`` computes the spectra from an image, or if the volume is
        automatic.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> explorer.wait()
    >>> explorer.hold(1)
    1
    >>> core = explorer.region([(50, 50), (50, 120), (120, 120), (120, 50)], name="core")
    >>> explorer.hold("core")
    3
    >>> explorer.wait()
    >>> explorer.result.endmembers.label.values.tolist()
    ['component 0', 'component 1', 'component 2', 'core']
    >>> explorer.known.sizes["component"]
    2
    >>> explorer.close()
    """
    session, answer = running_session(stage, "hold"), stage.result
    if (what is None) == (pixel is None):
        raise ValueError("give one of a component, a region or a spectrum, and pixel")
    _refuse_image(session)
    label = None if name is None else " ".join(name.split())
    found = component if component is None else _number(stage, answer, component)
    own = _component(stage, answer, what)
    if own is not None and component is not None and own != found:
        raise ValueError(f"component {own} cannot be held in place of {found}: release and hold one of them")
    settings = stage.settings
    held = list(settings.held_or(session.passed))
    numbers = [one.number for one in held]
    if own is not None and own in numbers:
        before = held[numbers.index(own)]
        spectrum, found, origin = before.spectrum, own, before.origin
    elif own is not None:
        spectrum, found, origin = answer.endmembers.sel(component=own), own, f"component {own} of the explorer"
        spectrum = _spectrum_before(session, spectrum.drop_vars("component"))
    else:
        spectrum, origin, region = _measured(stage, session, answer, what, pixel, radius)
        label = label or region
    spectrum = one_spectrum(spectrum, session.source.frame)
    if found is None and label is not None:
        found = _named(stage, answer).get(label)
    k = settings.k
    if found is None:
        found, k = lowest_free(_numbers(stage, answer)), settings.k + 1
    new = Held(found, rounded(_without_negative(spectrum)), origin)
    if found in numbers:
        held[numbers.index(found)] = new
    else:
        held.append(new)
    session.check(replace(settings, k=k, held=tuple(held)))
    look = stage.appearance
    stage.change(look if label is None else look.with_name(found, label), k=k, held=tuple(held))
    return found


def release(stage: Stage, component: int | str) -> None:
    """Let the spectrum of a held component move again; the component stays, with its number and name.

    Parameters
    ----------
    component
        Number or name of the component.

    Raises
    ------
    ValueError
        If it is not held.
    """
    session = running_session(stage, "release")
    held = stage.settings.held_or(session.passed)
    number = _number(stage, stage.result, component)
    released = next((one for one in held if one.number == number), None)
    if released is None:
        names = ", ".join(str(one.number) for one in held) or "none"
        raise ValueError(f"component {component!r} is not held: those that are have the numbers {names}")
    stage.change(held=tuple(one for one in held if one is not released))


def _numbers(stage: Stage, answer: Unmixing) -> list[int]:
    """Return the numbers of the components, with those that were held a moment ago and are in no state yet."""
    present = [int(number) for number in answer.endmembers["component"].values]
    held = stage.settings.held_or(stage.session.passed)
    return [*present, *(one.number for one in held if one.number not in present)]


def _named(stage: Stage, answer: Unmixing) -> dict[str, int]:
    """Return the numbers of the components that have a name, by name."""
    numbers = _numbers(stage, answer)
    return {text: number for number, text in stage.appearance.names.items() if number in numbers}


def _number(stage: Stage, answer: Unmixing, component: int | str) -> int:
    """Return the number of a component from its number or its name."""
    numbers, named = _numbers(stage, answer), _named(stage, answer)
    number = named.get(component) if isinstance(component, str) else int(component)
    if number not in numbers:
        raise ValueError(f"there is no component {component!r}: there are {', '.join(map(repr, [*numbers, *named]))}")
    return int(number)


def _component(stage: Stage, answer: Unmixing, what: Any) -> int | None:
    """Return the number of the component that is to be held; None for anything else."""
    if isinstance(what, str):
        return None if what in stage.regions else _number(stage, answer, what)
    if isinstance(what, (int, np.integer)) and not isinstance(what, bool):
        return _number(stage, answer, int(what))
    return None


def _measured(
    stage: Stage, session: Session, answer: Unmixing, what: Any, pixel: Sequence[int] | None, radius: float
) -> tuple[Any, str, str | None]:
    """Return a spectrum with a few words on its origin, and the name of its region if it is one."""
    if pixel is not None:
        where = used_pixels(answer.abundances, pixel_indices(answer.abundances, pixel, {}, radius, stage.section))
        count = next(iter(where.values())).size
        row, column = (int(one) for one in pixel)
        origin = f"pixel {row}, {column}" if count == 1 else f"mean of {count} pixels around {row}, {column}"
        cube = comparable_cube(session.data if session.last is None else session.last.data, answer)
        return _spectrum_before(session, cube.isel(where).mean("pixel").compute().astype(np.float64)), origin, None
    region = stage.regions[what] if isinstance(what, str) else what
    if isinstance(region, Region):
        origin = f"mean of region {region.name}, {region.pixels} pixels"
        if region.mask.shape != answer.abundances.shape[1:]:
            raise ValueError(f"region {region.name!r} has the pixels of another grid: draw it again")
        return _spectrum_before(session, region.mean_spectrum), origin, region.name
    return what, "a spectrum passed to explorer.hold", None


def _spectrum_before(session: Session, spectrum: xr.DataArray) -> xr.DataArray:
    """Return a spectrum on the grid of the result on that of the cube, if preprocessing has changed the grid."""
    chain = _chain_of_grid(session)
    return spectrum if chain is None else spectrum_before(chain, spectrum, session.source.frame)


def _chain_of_grid(session: Session) -> Chain | None:
    """Return the preprocessing if it has changed pixels or channels of the cube; None if it keeps them."""
    frame, image = session.source.frame, session.data.image
    if image.chain is None:
        return None
    kept = tuple(image.layout.channel_shape.items()) == tuple(frame.channel_shape.items()) and (
        tuple(image.layout.pixel_shape.items()) == tuple(frame.pixel_shape.items())
    )
    return None if kept else image.chain


def _refuse_image(session: Session) -> None:
    """Refuse to hold anything where a preprocessing step computes the spectra from an image.

    Held spectra are in the units of the cube before preprocessing, and an image has no spectra.
    """
    if any(step.takes_image for step in session.source.steps):
        raise UnsupportedCombinationError(
            "hold needs a cube with spectra, and here a preprocessing step computes them from an image: "
            "apply that step first, step.fit(image, ()).transform(image), and explore its result"
        )


def _without_negative(spectrum: xr.DataArray) -> xr.DataArray:
    """Return a spectrum in which negative values are zero, with a warning, because endmembers are not negative."""
    negative = int((spectrum < 0).sum())
    if negative:
        warn(
            f"{negative} of {spectrum.size} channels of the held spectrum were negative and are zero now", MffnbWarning
        )
    return spectrum.where(~(spectrum < 0), 0.0)
