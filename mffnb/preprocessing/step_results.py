"""Checks of the steps that a user passes, and of what the methods of a user's own step return."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import xarray as xr

from mffnb.preprocessing.step import Fitted, Step
from mffnb.protocols.part_results import is_own

_NEEDED = ("fit", "takes_image", "undone", "selects", "signed", "centred", "stabilizes", "bends")


def check_steps(steps: Any) -> None:
    """Refuse anything but a list of preprocessing steps.

    Raises
    ------
    TypeError
        If ``steps`` is no list or tuple, or if an item is not a preprocessing step; the message says what to pass.
    """
    if not isinstance(steps, (list, tuple)):
        raise TypeError(f"steps come in a list, a single one as well, such as [UnitSum()]; got {steps!r}")
    for step in steps:
        if isinstance(step, type) or not hasattr(step, "fit"):
            raise TypeError(f"{step!r} is not a preprocessing step: pass objects such as Crop(...) or UnitSum()")
        missing = [name for name in _NEEDED if not hasattr(step, name)]
        if missing:
            raise TypeError(
                f"{type(step).__name__} lacks {', '.join(missing)}: derive it from mffnb.preprocessing.Step"
            )


def fitted_step(step: Step, cube: xr.DataArray, channel: tuple[Hashable, ...]) -> Fitted:
    """Fit a step to a cube and return the fitted step; raise ValueError if it cannot transform."""
    fitted: Any = step.fit(cube, channel)
    if not is_own(step) and not hasattr(fitted, "transform"):
        raise ValueError(
            f"{type(step).__name__}.fit returned {_described(fitted)}, expected a fitted step, derived from "
            "mffnb.preprocessing.Fitted: correct this method"
        )
    return fitted  # type: ignore[no-any-return]


def transformed(fitted: Fitted, cube: xr.DataArray) -> xr.DataArray:
    """Return the cube that a fitted step makes of a cube; raise ValueError if it is no DataArray of real numbers."""
    return _checked(fitted, "transform", fitted.transform(cube))


def inverted(fitted: Fitted, cube: xr.DataArray) -> xr.DataArray:
    """Return the physical cube of a processed one; raise ValueError if it is no DataArray of real numbers."""
    return _checked(fitted, "inverse", fitted.inverse(cube), cube.dims)


def physical_endmembers(fitted: Fitted, endmembers: xr.DataArray) -> xr.DataArray:
    """Return the physical spectra of processed ones; raise ValueError if they are no DataArray of real numbers."""
    return _checked(fitted, "endmembers", fitted.endmembers(endmembers), endmembers.dims)


def physical_abundances(fitted: Fitted, abundances: xr.DataArray) -> xr.DataArray:
    """Return the physical maps of processed ones; raise ValueError if they are no DataArray of real numbers."""
    return _checked(fitted, "abundances", fitted.abundances(abundances), abundances.dims)


def _checked(fitted: Fitted, method: str, found: Any, dims: Sequence[Hashable] | None = None) -> xr.DataArray:
    if is_own(fitted):
        return found  # type: ignore[no-any-return]
    fits = isinstance(found, xr.DataArray) and found.dtype.kind in "biuf"
    if not fits or (dims is not None and set(found.dims) != {*dims}):
        of_dims = "" if dims is None else f" with the dimensions {tuple(map(str, dims))}"
        raise ValueError(
            f"{type(fitted).__name__}.{method} returned {_described(found)}, expected a DataArray of real numbers"
            f"{of_dims}: correct this method"
        )
    return found  # type: ignore[no-any-return]


def _described(found: Any) -> str:
    if isinstance(found, xr.DataArray):
        return f"a DataArray of {found.dtype} with the dimensions {tuple(map(str, found.dims))}"
    return repr(found) if found is None else f"an object of type {type(found).__name__}"
