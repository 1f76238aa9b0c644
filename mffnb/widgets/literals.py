"""Python code that builds the held spectra and the mask of an explorer, for the code of its run."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
import xarray as xr

from mffnb.typing import Array, Float64Array
from mffnb.unmixing.record import runs_of
from mffnb.widgets.session.fit_area import runs_of_true
from mffnb.widgets.session.held import Held

_WIDTH = 100  # longest line
_MOST_NUMBERS = 10_000  # longer arrays are read from a file


def known_lines(held: Sequence[Held]) -> list[str]:
    r"""Return lines that define ``known``, the held spectra; their numbers are exact.

    Examples
    --------
    >>> spectrum = xr.DataArray([0.5, np.nan], dims="energy")
    >>> print("\n".join(known_lines([Held(2, spectrum, origin="component 2")])))
    # held: component 2
    known = np.array([
        [0.5, np.nan],
    ])
    """
    heading = textwrap.wrap(
        "held: " + "; ".join(one.origin for one in held), _WIDTH, initial_indent="# ", subsequent_indent="# "
    )
    if sum(one.spectrum.size for one in held) > _MOST_NUMBERS:
        return [*heading, 'known = xr.load_dataarray("known.nc")  # explorer.known.to_netcdf("known.nc") writes it']
    rows = [_row(one.spectrum.values.ravel()) for one in held]
    shape = held[0].spectrum.shape
    end = "])" if len(shape) == 1 else f"]).reshape({(len(held), *shape)})"
    return [*heading, "known = np.array([", *rows, end]


def mask_lines(mask: xr.DataArray | Sequence[xr.DataArray], words: str, only: str = "pixels") -> list[str]:
    r"""Return lines that define ``mask`` from the runs of its used pixels, and of its used channels.

    A single mask is that of ``only``, the pixels or the channels.

    Examples
    --------
    >>> mask = xr.DataArray([[True, True], [False, True]], dims=("y", "x"))
    >>> print("\n".join(mask_lines(mask, "without region R1")))
    # pixels of the fit: without region R1
    pixels = xr.DataArray(np.zeros((2, 2), dtype=bool), dims=('y', 'x'))
    for first, stop in [(0, 2), (3, 4)]:
        pixels.values.flat[first:stop] = True
    mask = pixels
    """
    parts = [mask] if isinstance(mask, xr.DataArray) else list(mask)
    names = ["pixels", "channels"] if len(parts) > 1 else [only]
    lines = [f"# {names[0]} of the fit: {words}"]
    for name, part in zip(names, parts, strict=True):
        dims = tuple(map(str, part.dims))
        lines.append(f"{name} = xr.DataArray(np.zeros({part.shape}, dtype=bool), dims={dims})")
        runs = [str(run) for run in runs_of_true(part.values.ravel())]
        lines += _wrapped("for first, stop in [", runs, "]:", "    ")
        lines.append(f"    {name}.values.flat[first:stop] = True")
    return [*lines, f"mask = {names[0] if len(names) == 1 else '[pixels, channels]'}"]


def fixed_lines(
    fixed: Sequence[tuple[int, Float64Array]],
    shape: tuple[int, ...],
    dims: tuple[str, ...],
    words: Sequence[str],
    others: str | None,
) -> list[str]:
    r"""Return lines that define ``abundance_terms``, the known abundances, from runs of pixels of equal fraction.

    Parameters
    ----------
    fixed
        Component and fraction in each pixel of the map, NaN where it is not known, (pixels,).
    shape, dims
        Lengths and names of the pixel dimensions.
    words
        What the user knows, for a comment.
    others
        Code of the list of other terms; None if it cannot be written.

    Examples
    --------
    >>> print("\n".join(fixed_lines([(1, np.array([0.0, 0.0, np.nan]))], (3,), ("x",), ["component 1 in R1"], "[]")))
    # known abundances: component 1 in R1
    fraction_1 = xr.DataArray(np.full((3,), np.nan), dims=('x',))
    for first, stop, value in [[0, 2, 0.0]]:
        fraction_1.values.flat[first:stop] = value
    abundance_terms = [mf.Fixed(1, fraction=fraction_1)]
    """
    lines = [f"# known abundances: {'; '.join(words) or 'passed to mf.explore'}"]
    for position, (_, fraction) in enumerate(fixed, 1):
        name = f"fraction_{position}"
        lines.append(f"{name} = xr.DataArray(np.full({shape}, np.nan), dims={dims})")
        lines += _wrapped("for first, stop, value in [", [str(run) for run in runs_of(fraction)], "]:", "    ")
        lines.append(f"    {name}.values.flat[first:stop] = value")
    if others is None:
        lines.append("others = ...  # the other abundance_terms as passed to mf.explore")
    terms = [f"mf.Fixed({number}, fraction=fraction_{position})" for position, (number, _) in enumerate(fixed, 1)]
    known = f"[{', '.join(terms)}]"
    before = "" if others == "[]" else f"{'others' if others is None else others} + "
    return [*lines, f"abundance_terms = {before}{known}"]


def _row(values: Array) -> str:
    """Return a row of an array, on several lines if it is long."""
    numbers = ["np.nan" if np.isnan(value) else repr(float(value)) for value in values]
    return "\n".join(_wrapped("    [", numbers, "],", "     "))


def _wrapped(begin: str, items: Sequence[str], end: str, indent: str) -> list[str]:
    """Return a list of items in lines of limited length."""
    text = f"{begin}{', '.join(items)}{end}"
    return textwrap.wrap(text, _WIDTH, subsequent_indent=indent, break_long_words=False, drop_whitespace=True) or [text]
