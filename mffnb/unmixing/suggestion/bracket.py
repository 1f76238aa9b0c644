"""Number of components k with a quick bracket: images and directions above the noise, without a fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from mffnb.component_count.counting import count_signal, count_variations, materials
from mffnb.component_count.data_directions import DataDirections
from mffnb.matrices.svd import randomized_svd
from mffnb.typing import Float64Array
from mffnb.unmixing.suggestion.sample import Sample

_MOST, _PIXELS = 12, 10  # largest k; fewest pixels for each image


@dataclass(frozen=True, eq=False)
class Bracket:
    """A number of components and how far it is certain.

    Attributes
    ----------
    k
        The most likely number.
    between
        Smallest and largest number that remain possible.
    reason
        One sentence.
    ratios
        Autocorrelation of the leading images relative to that of noise, see
        :func:`mffnb.selection.independent_images`.
    """

    k: int
    between: tuple[int, int]
    reason: str
    ratios: Float64Array

    @property
    def sure(self) -> bool:
        """Whether one number is possible only."""
        return self.between[0] == self.between[1]


def bracket(sample: Sample, *, ordered: bool, overlapping: bool = False, seed: int = 0) -> Bracket:
    """Count components by the rule of a rank scan, without the endmembers of split halves.

    Parameters
    ----------
    sample
        Pixels with the graph of their neighbours.
    ordered
        Whether the channels are one axis, along which spectra can tilt and shift.
    overlapping
        Whether pixels are windows of a picture, which overlap.
    seed
        Seed of all random numbers.
    """
    matrix = sample.matrix
    most = min(_MOST, *matrix.shape)
    searched = min(_MOST + 2, max(2, matrix.shape[0] // _PIXELS), *matrix.shape)
    found = DataDirections.of(matrix, sample.graph, None, searched, seed, ordered=ordered, overlapping=overlapping)
    evidence = xr.Dataset(found.variables())
    count, reasons = count_signal(evidence)
    if count.sure is None:
        # More images or directions than can be counted, or neither: the largest drop is a guess.
        images = bool((found.images > 0).any())
        k = min(_gap(found.images if images else randomized_svd(matrix, searched, seed)[1]), most)
        why = "; ".join(reasons) or "there are too few pixels or channels to count components"
        guess = f"{k} is a guess, after which {'images' if images else 'directions'} drop most"
        return Bracket(k, (1 if not reasons else min(2, most), most), f"{why}: {guess}", found.images)
    varied = count_variations(evidence)
    low, high = (min(one, most) for one in materials(count, varied))
    k = min(max(count.sure - varied.sure, low), high)
    return Bracket(k, (low, high), "; ".join(filter(None, (*reasons, varied.reason))), found.images)


def _gap(values: Float64Array) -> int:
    """Return after which of the leading values the largest relative drop lies, 2 at least if there are so many."""
    positive = values[values > 1e-9 * max(float(values.max(initial=0.0)), 0.0)][: _MOST + 1]
    if len(positive) < 3:
        return max(1, len(positive))
    drops: Float64Array = np.log(positive[1:-1]) - np.log(positive[2:])
    return int(drops.argmax()) + 2
