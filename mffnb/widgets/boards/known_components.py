"""Persistent numbers for components of different answers: each keeps the number of the most similar earlier one."""

from __future__ import annotations

import itertools

import numpy as np

from mffnb.geometry.matching import match
from mffnb.typing import Float64Array
from mffnb.unmixing.result import Unmixing


class KnownComponents:
    """The newest spectrum of each component that a search has shown, by number.

    A number is given once, so that a name or colour that the user has set for it belongs to one component.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.tof_sims_2d(seed=0, shape=(8, 12)).cube
    >>> known = KnownComponents()
    >>> known.numbers(mf.unmix(cube, 2, random_state=0))
    (0, 1)
    >>> sorted(known.numbers(mf.unmix(cube, 3, random_state=0)))
    [0, 1, 2]
    """

    def __init__(self) -> None:
        self._spectra: dict[int, dict[int, Float64Array]] = {}  # by number of channels, then by number

    def numbers(self, answer: Unmixing) -> tuple[int, ...]:
        """Return the number of each component of an answer, (k,), and keep its spectra."""
        spectra = np.nan_to_num(answer.endmembers.values.reshape(len(answer.endmembers), -1))
        free = itertools.count(1 + max((one for each in self._spectra.values() for one in each), default=-1))
        known = self._spectra.setdefault(spectra.shape[1], {})
        partner = match(spectra, np.stack([*known.values()])) if known else [-1] * len(spectra)
        earlier = [*known]
        found = tuple(earlier[p] if p >= 0 else next(free) for p in partner)
        known |= dict(zip(found, spectra, strict=True))
        return found
