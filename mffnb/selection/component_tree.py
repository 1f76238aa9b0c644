"""Which component splits into which as k grows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from mffnb.geometry.matching import match, spectral_angles
from mffnb.typing import Array
from mffnb.unmixing.result import Unmixing


@dataclass(frozen=True, eq=False)
class Lineage:
    """A tree of the components for several k.

    Attributes
    ----------
    results
        The answer for each k.
    links
        One row for each component but those of the smallest k: ``k``, ``component``, ``parent`` (its number in the
        answer before), ``angle`` (rad) between the spectra, and ``new``, True where the parent has gone on as another
        component and this one has split off.
    """

    results: dict[int, Unmixing]
    links: pd.DataFrame

    @classmethod
    def of(cls, results: Mapping[int, Unmixing]) -> Lineage:
        """Link each answer to the one before.

        Spectra of the smaller answer are matched to those of the larger one (least sum of angles); what is left in the
        larger one has split off the component whose spectrum is nearest.
        """
        ks = sorted(results)
        rows: list[dict[str, Any]] = []
        for before, k in pairwise(ks):
            older, younger = _spectra(results[before]), _spectra(results[k])
            angles = spectral_angles(younger, older)
            partner = match(younger, older)
            for component, goes_on in enumerate(partner):
                parent = int(goes_on if goes_on >= 0 else angles[component].argmin())
                rows.append(
                    {
                        "k": k,
                        "component": component,
                        "parent": parent,
                        "angle": float(angles[component, parent]),
                        "new": bool(goes_on < 0),
                    }
                )
        return cls(dict(results), pd.DataFrame(rows, columns=["k", "component", "parent", "angle", "new"]))

    def families(self) -> dict[int, list[int]]:
        """For each k, a number for each component that goes on to larger k as long as it lives.

        The components of the smallest k are numbered in their order, later ones as they split off.
        """
        ks = sorted(self.results)
        numbers = {ks[0]: list(range(len(_spectra(self.results[ks[0]]))))} if ks else {}
        count = len(numbers[ks[0]]) if ks else 0
        for before, k in pairwise(ks):
            here = []
            for link in self.links[self.links.k == k].itertuples():
                here.append(count if link.new else numbers[before][link.parent])
                count += int(link.new)
            numbers[k] = here
        return numbers

    def plot(self, **options: Any) -> Any:
        """Draw the tree with maps as its leaves; see :func:`mffnb.plots.lineage`."""
        from mffnb import plots  # noqa: PLC0415  the floor above; matplotlib only when asked for

        return plots.lineage(self, **options)


def _spectra(result: Unmixing) -> Array:
    values = result.endmembers.values
    return np.asarray(np.nan_to_num(values.reshape(len(values), -1)))
