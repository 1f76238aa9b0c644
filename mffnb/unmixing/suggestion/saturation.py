"""Saturated pixels: values that pile up at the largest one, before any preprocessing."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from math import prod

import numpy as np
from scipy.special import gammainc

from mffnb.cubes.pixel_rows import CubeRows
from mffnb.cubes.sparse_pixels import sparse_pixels_of
from mffnb.typing import Array, Float64Array
from mffnb.unmixing.image import Prepared
from mffnb.unmixing.suggestion.sample import Sample
from mffnb.unmixing.suggestion.values import step_of

_LEAST = 20  # steps between zero and the largest value, and different values, of data that can be saturated
_FEWEST = 3  # equal values at the top: two of rounded values can be equal by chance
_BELOW = 20  # fewest values below the top from which the number of equal values by chance is estimated
_CHANCE = 1e-4  # largest probability of so many equal values by chance
_BOTH = 0.1  # fewest values at the lower bound of data between two bounds, relative to those at the upper one
_NEARLY_ALL = 0.99  # share of the pixels that reach the top in data which were divided by their largest value
_MOST = 0.5  # share of saturated pixels from which the values, and not the pixels, should be left out
_ENTRIES, _COPIED = 2**22, 2**24  # entries of a block; most entries of a masked image, which is copied


@dataclass(frozen=True, eq=False)
class Saturation:
    """Pixels with a value at which the detector, or a file format, seems to have clipped the data.

    Attributes
    ----------
    limit
        The largest value of the image.
    pixels, read
        Number of pixels that reach it, and of all pixels that were read.
    channels
        Names of the channel dimensions.
    """

    limit: float
    pixels: int
    read: int
    channels: tuple[Hashable, ...]

    @classmethod
    def of(cls, image: Prepared, sample: Sample) -> Saturation | None:
        """Search an image without preprocessing, or a sample of one that is in a file, sparse, or large and masked.

        Returns
        -------
        Saturation or None
            None if the largest values do not pile up, or must do so.
        """
        rows = CubeRows(image.layout, image.cube, image.layout.first)
        masked = image.layout.pixel_mask is not None or image.layout.channel_mask is not None
        read = rows.in_memory and sparse_pixels_of(image.cube) is None
        whole = read and not (masked and image.cube.size > _COPIED)
        blocks = _blocks(rows) if whole else [sample.values]
        blocks = [one for one in blocks if one.size]
        if not blocks or blocks[0].dtype.kind not in "iuf":
            return None
        top = max(float(np.fmax.reduce(one, axis=None)) for one in blocks)
        equal = sum(int(np.count_nonzero(one == top)) for one in blocks)
        if not 0 < top < np.inf or equal < _FEWEST or _is_chance(blocks, top, equal) or _is_natural(blocks, top, equal):
            return None
        pixels = sum(int((one == top).any(axis=1).sum()) for one in blocks)
        return cls(top, pixels, sum(len(one) for one in blocks), tuple(image.layout.channel_shape))

    @property
    def sentence(self) -> str:
        """What was found, and how to leave it out."""
        names = [str(name) for name in self.channels]
        axes = repr(names[0] if len(names) == 1 else names)
        share = self.pixels / self.read
        text = f"{self.pixels} of {self.read} pixels ({share:.2g} of them) are saturated: their largest value is "
        limit = f"{self.limit:.10g}"
        if share > _MOST:
            return f"{text}{limit}, the end of the range; leave out these values with cube.where(cube < {limit})"
        return f"{text}{limit}, the end of the range; leave them out with mask=cube.max({axes}) < {limit}"


def _blocks(rows: CubeRows) -> list[Array]:
    """Return blocks of the used pixels of an image in memory, which are views unless pixels or channels are masked."""
    pixels, channels = rows.shape
    length = max(1, _ENTRIES // max(1, channels))
    return [rows[start : min(start + length, pixels)] for start in range(0, pixels, length)]


def _is_chance(blocks: list[Array], top: float, equal: int) -> bool:
    """Whether as many values are equal by chance: the density of those below, times the step of the values.

    Values above a threshold are about as many as those at the top, so that the density is that of the upper end. It
    falls towards the top unless values pile up there.
    """
    some = np.concatenate([one.ravel()[:: max(1, one.size // 2**16)] for one in blocks])
    some = some[np.isfinite(some)]
    step = max(step_of(some), top * float(np.finfo(some.dtype).eps) if some.dtype.kind == "f" else 1.0)
    if top < _LEAST * step or len(np.unique(some)) < _LEAST:
        return True
    wanted, width, below = max(equal, _BELOW), max(step, 1e-3 * top), 0
    while below < wanted and width < top:
        below = sum(int(np.count_nonzero((one >= top - width) & (one < top))) for one in blocks)
        if below < wanted:
            width = min(2 * width, top)
    # Of a Poisson variable: the probability of ``equal - 1`` or more values beside the first.
    return float(gammainc(equal - 1, max(below, 1) * step / width)) > _CHANCE


def _is_natural(blocks: list[Array], top: float, equal: int) -> bool:
    """Whether equal largest values need no saturation: fractions, or data divided by the largest value of a pixel."""
    sums: Float64Array = np.concatenate([np.nansum(one, axis=1, dtype=np.float64) for one in blocks])
    lowest = min(float(np.fmin.reduce(one, axis=None)) for one in blocks)
    if lowest >= 0 and sums.max() <= top * (1 + 1e-6):
        return True  # fractions of a whole, which is the largest value
    at_top = np.concatenate([np.count_nonzero(one == top, axis=1) for one in blocks])
    filled = sums != 0
    if (at_top[filled] == 1).mean() >= _NEARLY_ALL:
        return True  # divided by the largest value of each pixel
    # Images between two bounds: values pile up at the lower one as well, and few lie between.
    lower = sum(int(np.count_nonzero(one == lowest)) for one in blocks)
    between = sum(prod(one.shape) for one in blocks) - lower - equal
    return lower >= max(_FEWEST, _BOTH * equal) and (between < equal or (top == 1 and blocks[0].dtype.kind == "f"))
