"""Label the factors of a run with coordinates and units of the cube, and convert them back through preprocessing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.layout import Layout
from mffnb.io.parallel_write import Block
from mffnb.preprocessing import Chain
from mffnb.solvers import State
from mffnb.transforms import Mapped
from mffnb.unmixing.image import Prepared
from mffnb.unmixing.record import origin
from mffnb.unmixing.result import ProcessedFactors, Unmixing
from mffnb.unmixing.solution import Solution


def label_solution(
    cube: xr.DataArray,
    image: Prepared,
    solution: Solution,
    settings: dict[str, Any],
    block: Block | None = None,
) -> Unmixing:
    """Return an unmixing result with the coordinates and in the units of the cube.

    Parameters
    ----------
    cube, image
        The data, and the preprocessed image that was factored.
    solution
        The factors in the units of the preprocessed image.
    settings
        The record of the run, see :mod:`mffnb.unmixing.record`.
    block
        Rows of the maps that the factors cover, if other MPI ranks hold the other rows; None for whole maps.
    """
    layout, gain = image.layout, solution.gain
    found: dict[str, Any] = {
        "endmembers": layout.endmembers(solution.endmembers),
        "abundances": layout.abundances(np.ascontiguousarray(solution.abundances)),
        "gain": None if gain is None else layout.map(gain, "gain"),
    }
    other = None if solution.alternative is None else layout.endmembers(solution.alternative)
    if image.chain is not None:
        found = _in_physical_units(image.chain, settings, **found)
        other = None if other is None else image.chain.endmembers(other)
    mapped = _labelled_map(solution.mapped, layout)
    return Unmixing(
        **found,
        alternative=None if other is None else other.rename("alternative"),
        outcome=solution.outcome,
        trace=_trace(solution.trace),
        parameters={
            **settings,
            "transform": None if mapped is None else mapped.name,
            **origin(cube.attrs.get("source", "")),
        },
        cube=cube,
        block=block,
        mapped=mapped,
    )


def _labelled_map(mapped: Mapped | None, layout: Layout) -> Mapped | None:
    """Return the transformation with its intercept, (channels,), labelled with the channels of the image."""
    if mapped is None or mapped.intercept is None:
        return mapped
    return replace(mapped, intercept=layout.endmembers(mapped.intercept[None])[0].drop_vars("component"))


def _in_physical_units(
    chain: Chain,
    settings: dict[str, Any],
    endmembers: xr.DataArray,
    abundances: xr.DataArray,
    gain: xr.DataArray | None,
) -> dict[str, Any]:
    """Convert factors back through preprocessing, and return with them the factors of the preprocessed image.

    If a step divided each pixel by a number, that number becomes a gain if abundances are fractions. Otherwise it
    multiplies the abundances, which are then scaled to a mean sum of 1.
    """
    processed = ProcessedFactors(chain, endmembers, abundances, gain)
    spectra = chain.endmembers(endmembers)
    if settings.get("sum_to_one") or settings.get("gain") or gain is not None:
        factor = chain.abundances(xr.ones_like(abundances[:1]))[0].drop_vars("component", errors="ignore")
        factor = factor if gain is None else factor * gain
        only_ones = gain is None and bool((factor == 1).all())
        return {
            "endmembers": spectra,
            "abundances": abundances,
            "gain": None if only_ones else factor.rename("gain"),
            "processed": processed,
        }
    maps = chain.abundances(abundances)
    mean = float(maps.sum("component", skipna=False).mean()) or 1.0
    if not chain.bends and settings.get("known", 0) == 0:
        maps, spectra = (maps / mean).assign_attrs(maps.attrs), (spectra * mean).assign_attrs(spectra.attrs)
    return {"endmembers": spectra, "abundances": maps, "gain": gain, "processed": processed}


def _trace(states: Sequence[State]) -> xr.Dataset:
    columns = {
        "objective": [state.objective for state in states],
        "relative_error": [state.relative_error for state in states],
        "step": [state.step for state in states],
        "seconds": [state.seconds for state in states],
    }
    return xr.Dataset(
        {name: ("iteration", np.array(column)) for name, column in columns.items()},
        coords={"iteration": np.array([state.iteration for state in states])},
    )
