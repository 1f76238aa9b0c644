"""Tree of components over k: from which component for k each component for k + 1 continues or splits off."""

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
    """Tree that links the components of results for increasing k by the similarity of their spectra.

    Attributes
    ----------
    results
        The unmixing result for each k.
    links
        One row for each component of every k except the smallest: ``k``, ``component``, ``parent`` (index of the linked
        component in the result for the previous k), ``angle`` (rad) between the two spectra, and ``new`` (True if the
        component has split off, because its parent continues as another component).

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60)).cube
    >>> tree = mf.selection.Lineage.of({k: mf.unmix(cube, k, random_state=0) for k in (2, 3)})
    >>> tree.links[["k", "component"]].values.tolist(), int(tree.links["new"].sum())
    ([[3, 0], [3, 1], [3, 2]], 1)
    """

    results: dict[int, Unmixing]
    links: pd.DataFrame

    @classmethod
    def of(cls, results: Mapping[int, Unmixing]) -> Lineage:
        """Create the tree: link the components of each result to those of the result for the previous k.

        Spectra of the smaller result are matched to spectra of the larger one with the least sum of spectral angles.
        Each unmatched component of the larger result is linked to the component with the most similar spectrum, as
        split off from it.
        """
        ks = sorted(results)
        rows: list[dict[str, Any]] = []
        for before, k in pairwise(ks):
            older, younger = _spectra(results[before]), _spectra(results[k])
            angles = spectral_angles(younger, older)
            partner = match(younger, older)
            for component, matched in enumerate(partner):
                parent = int(matched if matched >= 0 else angles[component].argmin())
                rows.append(
                    {
                        "k": k,
                        "component": component,
                        "parent": parent,
                        "angle": float(angles[component, parent]),
                        "new": bool(matched < 0),
                    }
                )
        return cls(dict(results), pd.DataFrame(rows, columns=["k", "component", "parent", "angle", "new"]))

    def families(self) -> dict[int, list[int]]:
        """Return the persistent number of each component, for each k.

        A component keeps its number as k grows. Components of the smallest k are numbered in their order; later
        components receive the next free number when they split off.
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
        """Draw the tree of components with an abundance map at each node; see :func:`mffnb.plots.lineage`."""
        from mffnb import plots  # noqa: PLC0415  imports Matplotlib, which only plots need

        return plots.lineage(self, **options)


def _spectra(result: Unmixing) -> Array:
    """Return the endmembers of a result as a matrix (k, channels), with missing values set to zero."""
    values = result.endmembers.values
    return np.asarray(np.nan_to_num(values.reshape(len(values), -1)))
