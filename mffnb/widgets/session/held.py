"""Held spectra of an explorer: known endmembers that the user passed, or chose while the fit runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from mffnb.constraints import Pinned
from mffnb.cubes.align import OTHER, Frame, labelled_spectra
from mffnb.typing import Float64Array
from mffnb.unmixing.image import Prepared

_DIGITS = 7  # significant digits of a held spectrum, so that the code of a run can repeat it to the last bit


@dataclass(frozen=True, eq=False)
class Held:
    """A component whose spectrum stays as it is while the others move.

    Attributes
    ----------
    number
        Persistent number of the component.
    spectrum
        Its spectrum (channel dims), in the units and on the grid of the cube before preprocessing; NaN where it is
        to be found.
    origin
        A few words on where it comes from, for the code of the run.
    passed
        Whether it is one of the known spectra that were passed to the explorer.
    """

    number: int
    spectrum: xr.DataArray
    origin: str = ""
    passed: bool = False

    def __eq__(self, other: object) -> bool:
        """Whether another object holds the same spectrum for the same component."""
        if not isinstance(other, Held):
            return NotImplemented
        same = (self.number, self.origin, self.passed) == (other.number, other.origin, other.passed)
        return same and bool(self.spectrum.equals(other.spectrum))

    def __hash__(self) -> int:
        return hash(self.number)


def passed_spectra(known: Any, frame: Frame) -> tuple[Held, ...]:
    """Return the known spectra that the user passed to an explorer as held components 0, 1, ..."""
    if known is None:
        return ()
    spectra = labelled_spectra(known, frame)
    return tuple(Held(i, one, origin="passed to mf.explore", passed=True) for i, one in enumerate(spectra))


def one_spectrum(given: Any, frame: Frame) -> xr.DataArray:
    """Return a spectrum that the user gives, at the channels of the cube.

    Raises
    ------
    ValueError
        If it does not fit the channels, or if there are several.
    """
    spectra = labelled_spectra(given, frame, "the spectrum")
    if len(spectra) != 1:
        raise ValueError(f"hold takes one spectrum at a time, got {len(spectra)}: hold each of them")
    return spectra.isel({OTHER: 0}, drop=True)


def rounded(spectrum: xr.DataArray) -> xr.DataArray:
    """Return a spectrum with seven significant digits, which its decimal text repeats exactly."""
    digits = [float(f"{value:.{_DIGITS}g}") for value in spectrum.values.ravel()]
    return spectrum.copy(data=np.array(digits).reshape(spectrum.shape))


def stacked(held: Sequence[Held]) -> Float64Array | None:
    """Return held spectra as known endmembers of :func:`mffnb.unmix`, (held, channel dims); None if there are none."""
    return np.stack([one.spectrum.values for one in held]) if held else None


def pinned_of(known: Any, image: Prepared) -> Pinned | None:
    """Return known endmembers as a constraint in the units of the matrix; None if there are none."""
    return None if known is None else Pinned(image.known_spectra(known))


def numbers(held: Sequence[Held]) -> tuple[int, ...]:
    """Return the numbers of held components."""
    return tuple(one.number for one in held)


def labelled(held: Sequence[Held]) -> xr.DataArray:
    """Return held spectra with the numbers of their components, ("component", channel dims)."""
    component = xr.DataArray([one.number for one in held], dims="component", name="component")
    return xr.concat([one.spectrum for one in held], component).rename("known")
