"""Tool of the explorer: keep an answer, and compare it with a later one."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from mffnb.geometry.matching import match, spectral_angles
from mffnb.plots.labels import identity
from mffnb.typing import Float64Array
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.live_view.tile import encode_tile
from mffnb.widgets.tool import Stage, local_session

__all__ = ["compare", "keep"]


def keep(stage: Stage, name: str = "A") -> None:
    """Keep the present answer under a name, to compare later ones with it.

    Parameters
    ----------
    name
        Name of the answer; an answer that was kept under this name is replaced.
    """
    local_session(stage, "keep")
    stage.kept[name] = stage.result
    stage.show_tool("compare", kept=list(stage.kept), shown=False)


def compare(stage: Stage, name: str | None = None, *, shown: bool = True) -> xr.Dataset:
    """Compare the present answer with one that was kept: difference maps and angles between spectra.

    Each component is paired with the kept component whose spectrum is most similar, so that all pairs together have the
    smallest angles. Maps are compared as signal: abundance times the sum of the endmember, in units of the mean signal
    of a pixel, because the scale of an abundance alone has no meaning.

    Parameters
    ----------
    name
        Name of the kept answer, the last one if None.
    shown
        Whether the page shows the difference maps. They are computed again when a run has ended.

    Returns
    -------
    Dataset
        ``difference`` ("component", pixel dims): present minus kept signal, all of the present one where a component
        has no partner; ``angle`` ("component"): between the spectra in radians, NaN without partner; ``partner``
        ("component"): number of the kept component, -1 without.

    Raises
    ------
    KeyError
        If no answer was kept under this name.
    ValueError
        If the kept answer is on another grid, because a preprocessing step was switched.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> explorer.wait()
    >>> explorer.keep("three")
    >>> explorer.controls.set(k=4)
    >>> explorer.wait()
    >>> explorer.compare("three").partner.values.tolist()
    [0, 1, 2, -1]
    >>> explorer.close()
    """
    now, (name, kept) = stage.result, _kept(stage, name)
    if now.abundances.shape[1:] != kept.abundances.shape[1:] or now.endmembers.shape[1:] != kept.endmembers.shape[1:]:
        raise ValueError(
            "the kept answer is on another grid: switch the preprocessing steps back, or keep a new answer"
        )
    partner = match(_spectra(now), _spectra(kept))
    signal, before = _signal(now), _signal(kept)
    difference, angle = signal.copy(), np.full(len(partner), np.nan)
    for j, p in enumerate(partner):
        if p >= 0:
            difference[j] -= before[p].values
            angle[j] = spectral_angles(_spectra(now)[[j]], _spectra(kept)[[p]])[0, 0]
    numbers = kept.endmembers["component"].values
    found = xr.Dataset(
        {
            "difference": difference.rename("difference").assign_attrs(long_name="difference of the signal"),
            "angle": ("component", angle, {"units": "rad"}),
            "partner": ("component", [int(numbers[p]) if p >= 0 else -1 for p in partner]),
        }
    )
    title = f"k = {len(now.endmembers)} compared with {name}, k = {len(kept.endmembers)}: endmembers and their angles"
    pairs = {"title": title, "answer": name, "pairs": _pairs(found, kept)}
    tiles: dict[str, Any] = {"tiles": _tiles(found, stage.section), **pairs} if shown else {}
    stage.show_tool("compare", follow=shown, kept=list(stage.kept), shown=shown, **tiles)
    return found


def _kept(stage: Stage, name: str | None) -> tuple[str, Unmixing]:
    """Return the name of a kept answer, the last one if None, and the answer."""
    if not stage.kept or (name is not None and name not in stage.kept):
        raise KeyError(f"no answer is kept as {name!r}: explorer.keep({name or 'A'!r}) keeps the present one")
    chosen = next(reversed(stage.kept)) if name is None else name
    return chosen, stage.kept[chosen]


def _pairs(found: xr.Dataset, kept: Unmixing) -> list[list[str]]:
    """Return present component, kept component and angle as text, then the kept components without partner."""
    now, before = identity(found.difference)[0], identity(kept.endmembers)[0]
    numbers = [int(number) for number in kept.endmembers["component"].values]
    label = dict(zip(numbers, before, strict=True))
    partner = [int(p) for p in found.partner.values]
    rows = [
        [text, label[p], f"{np.degrees(angle):.1f}°"] if p >= 0 else [text, "none", ""]
        for text, p, angle in zip(now, partner, found.angle.values, strict=True)
    ]
    return rows + [["none", label[number], ""] for number in numbers if number not in partner]


def _spectra(answer: Unmixing) -> Float64Array:
    """Return the endmembers without masked channels, (k, channels)."""
    spectra: Float64Array = answer.endmembers.values.reshape(len(answer.endmembers), -1)
    return spectra[:, np.isfinite(spectra).all(axis=0)]


def _signal(answer: Unmixing) -> xr.DataArray:
    """Return the signal of each component in units of the mean signal of a pixel."""
    amounts = answer.abundances if answer.gain is None else answer.abundances * answer.gain
    others = [dim for dim in answer.endmembers.dims if dim != "component"]
    signal = amounts * answer.endmembers.sum(others)
    mean = float(signal.sum("component", skipna=False).mean())
    return (signal / mean if mean else signal).transpose(*answer.abundances.dims)


def _tiles(found: xr.Dataset, section: Mapping[Hashable, int]) -> list[dict[str, Any]]:
    """Return the difference maps for the page, with label and colour of their components."""
    labels, colours = identity(found.difference)
    largest = float(np.nanmax(np.abs(found.difference.values), initial=0.0))
    return [
        {
            "label": _label(text, float(found.angle[j])),
            "colour": colours[j],
            **encode_tile(found.difference[j], section, symmetric=largest),
        }
        for j, text in enumerate(labels)
    ]


def _label(text: str, angle: float) -> str:
    """Return the label of a difference map: component and angle, short since tiles are narrow."""
    short = text.removeprefix("component ")
    return f"Δ {short}, new" if np.isnan(angle) else f"Δ {short}, {np.degrees(angle):.1f}°"
