"""Group sparsity over the images of a joint fit: components that occur in only some images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import xarray as xr

from mffnb.constraints import Fixed
from mffnb.cubes.layout import Layout
from mffnb.cubes.stacked_images import image_numbers
from mffnb.errors import UnsupportedCombinationError
from mffnb.penalties import GroupSparsity
from mffnb.protocols.half import Half
from mffnb.protocols.traits import Distribution, TermTraits
from mffnb.typing import Float64Array
from mffnb.unmixing.result import Unmixing


@dataclass(frozen=True)
class SparseImages:
    r"""Group sparsity of each map in each image, :math:`\lambda \sum_m n_m \sum_j \epsilon \log(1 + r_{jm}/\epsilon)`.

    r_jm is the rms of map j over the n_m pixels of image m. A component that explains little of an image is set to zero
    in this image as a whole, and is not changed where it is strong, see :class:`mffnb.penalties.GroupSparsity`.

    Parameters
    ----------
    weight
        lambda.
    pixels
        Number of used pixels of each image, in order.

    Examples
    --------
    >>> maps = np.array([[0.9, 0.8, 0.01, 0.0], [0.1, 0.2, 0.7, 0.6]])
    >>> SparseImages(0.5, (2, 2)).prox(maps, 0.1)[0, 2:].tolist()   # hardly any of component 0 in image 1
    [0.0, 0.0]
    """

    traits: ClassVar[TermTraits] = TermTraits(
        pixelwise=False,
        uniform=False,
        rowwise=False,
        convex=False,
        distribution=Distribution.WHOLE,
        abundance_label=None,
        endmember_label=None,
    )
    weight: float
    pixels: tuple[int, ...]

    @classmethod
    def of(cls, weight: float, cube: xr.DataArray, channel: Any, mask: Any) -> SparseImages:
        """Return the penalty for the used pixels of stacked images."""
        layout = Layout.of(cube, channel, mask)
        mark = image_numbers(layout.coords)
        assert mark is not None, "the cube holds several images"
        used = mark.values if layout.pixel_mask is None else mark.values[layout.pixel_mask]
        return cls(weight, tuple(np.bincount(used, minlength=int(mark.values.max()) + 1).tolist()))

    def value(self, factor: Float64Array) -> float:
        """Return the value of the penalty for a factor (k, pixels)."""
        return sum(self._group.value(factor[:, block]) for block in self._blocks)

    def prox(self, factor: Float64Array, step: float) -> Float64Array:
        """Return the non-negative proximal point: that of each image."""
        return np.concatenate([self._group.prox(factor[:, block], step) for block in self._blocks], axis=1)

    def fold(self, half: Half) -> Half:
        """Return the half-step subproblem with this penalty appended to its terms with a proximal operator."""
        return replace(half, proximal=(*half.proximal, self))

    @property
    def _group(self) -> GroupSparsity:
        return GroupSparsity(self.weight)

    @property
    def _blocks(self) -> Iterator[slice]:
        ends = np.cumsum([0, *self.pixels]).tolist()
        return (slice(start, stop) for start, stop in pairwise(ends) if stop > start)


def absent_components(result: Unmixing, pixels: Sequence[int]) -> list[Fixed]:
    """Return constraints that keep each component absent from the images in which its map is zero.

    A fit with them has no penalty, which would reduce the abundances that are left.
    """
    maps = np.nan_to_num(result.abundances.values)
    ends = np.cumsum(pixels)[:-1]
    zero = np.array([[not one.any() for one in np.split(row, ends)] for row in maps])
    fractions = np.where(zero, 0.0, np.nan)
    return [
        Fixed(number, fraction=np.repeat(row, pixels)) for number, row in enumerate(fractions) if zero[number].any()
    ]


def check_sparse_images(weight: Any, settings: dict[str, Any], *, several: bool, tie: Any = None) -> None:
    """Refuse a weight that is no finite number >= 0, one for a single image, or one for fractions.

    Raises
    ------
    ValueError
        If it is no such weight, or there is one image.
    UnsupportedCombinationError
        If abundances are fractions, whose sum a penalty on their size cannot lower, or with a tie.
    """
    number = isinstance(weight, (int, float, np.number)) and not isinstance(weight, bool)
    if not number or not (np.isfinite(weight) and weight >= 0):
        raise ValueError(f"sparse_images is a weight >= 0, such as 1e-2; got {weight!r}")
    if weight and not several:
        raise ValueError("sparse_images is for a list of several images: use mf.penalties.GroupSparsity for one image")
    others = {"tie": tie} | {name: settings.get(name) for name in ("volume", "sum_to_one", "gain", "transform")}
    taken = next((name for name, value in others.items() if value not in (None, False, 0.0)), None)
    if weight and taken:
        raise UnsupportedCombinationError(
            f"sparse_images takes amounts that are free in size, and no tie: leave out {taken} or sparse_images"
        )
