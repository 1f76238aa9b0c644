"""What an answer must obey: sets that a factor lies in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mffnb.protocols import Half
from mffnb.typing import Array, Float64Array


@dataclass(frozen=True)
class NonNegative:
    r"""Nothing negative: :math:`f_{ij} \ge 0`. Every factor obeys it; naming it changes nothing."""

    def project(self, factor: Float64Array) -> Float64Array:
        """Return the nearest non-negative factor."""
        return np.maximum(factor, 0.0)

    def fold(self, half: Half) -> Half:
        """Leave the half problem as it is: its factor is non-negative already."""
        return half


@dataclass(frozen=True)
class UnitBall:
    r"""Bounded rows: :math:`f_j \ge 0,\ \lVert f_j \rVert \le r`.

    This fixes the scale between the two factors: without it a penalty on A can be made arbitrarily small by
    moving scale into E. It is added by itself to E where A is penalised (and there the norms end at r), to A,
    with r the root of the number of pixels, where only E is.
    """

    radius: float = 1.0

    def __post_init__(self) -> None:
        if not self.radius > 0:
            raise ValueError(f"the radius of a ball must be positive, got {self.radius!r}")

    def project(self, factor: Float64Array) -> Float64Array:
        """Clip, then scale: the exact projection on the intersection of cone and ball."""
        clipped = np.maximum(factor, 0.0)
        norm = np.linalg.norm(clipped, axis=1, keepdims=True)
        return clipped * np.where(norm > self.radius, self.radius / np.maximum(norm, 1e-300), 1.0)

    def fold(self, half: Half) -> Half:
        """Bound the rows of the half problem."""
        return replace(half, radius=min(half.radius, self.radius))


@dataclass(frozen=True)
class Simplex:
    r"""Fractions: :math:`f_{ij} \ge 0,\ \sum_j f_{ji} = 1` for every pixel i, exactly.

    Source: Heinz & Chang 2001, IEEE TGRS 39:529 (fully constrained least squares).

    Parameters
    ----------
    gain
        Whether the sum holds only up to a factor for each pixel (illumination, thickness, total ion current): data are
        then a_i E times a gain that is found for each pixel.

    Examples
    --------
    >>> import numpy as np
    >>> Simplex().project(np.array([[2.0], [1.0], [-1.0]])).ravel().tolist()
    [1.0, 0.0, 0.0]
    """

    pixelwise: ClassVar[bool] = True
    gain: bool = False

    def project(self, factor: Float64Array) -> Float64Array:
        """Return the nearest factor (k, entries) whose columns sum to one (Held, Wolfe & Crowder 1974)."""
        falling = -np.sort(-factor, axis=0)
        excess = (np.cumsum(falling, axis=0) - 1) / np.arange(1, len(factor) + 1)[:, None]
        kept = np.maximum(1, np.sum(falling > excess, axis=0))
        return np.maximum(factor - np.take_along_axis(excess, kept[None] - 1, axis=0), 0.0)

    def fold(self, half: Half) -> Half:
        """Bind the entries of each column."""
        return replace(half, sum_to_one=True)


@dataclass(frozen=True, eq=False)
class Pinned:
    """Endmembers, or channels of them, that are known: the first rows of the factor stay at these values.

    Parameters
    ----------
    values
        Known spectra, (known, channels), in the units of the data; NaN where a channel is to be found. Not more
        of them than components; those that follow are found as if none were known.

    Examples
    --------
    >>> import numpy as np
    >>> pinned = Pinned(np.array([[1.0, np.nan, 0.5]]))
    >>> pinned.project(np.ones((2, 3))).tolist()
    [[1.0, 1.0, 0.5], [1.0, 1.0, 1.0]]
    """

    values: Array

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=np.float64)
        if values.ndim != 2:
            raise ValueError(f"known endmembers have shape (known, channels), got {values.shape}")
        if np.isinf(values).any() or np.nanmin(values, initial=0.0) < 0:
            raise ValueError("known endmembers must be finite and not negative; NaN marks a channel to be found")
        if not np.nansum(values, axis=1).all():
            raise ValueError("a known endmember holds nothing above zero: leave it out")

    @property
    def known(self) -> Array:
        """True where a value is known, (known, channels)."""
        return ~np.isnan(self.values)

    @property
    def whole(self) -> bool:
        """Whether no channel of the known endmembers is left to be found."""
        return bool(self.known.all())

    def project(self, factor: Float64Array) -> Float64Array:
        """Return a copy with the known values in place."""
        self._check_shape(factor.shape)
        held = factor.copy()
        held[: len(self.values)][self.known] = np.asarray(self.values)[self.known]
        return held

    def fold(self, half: Half) -> Half:
        """Mark what may not move; the values themselves are put in place with the start."""
        self._check_shape(half.cross.shape)
        fixed = np.zeros(half.cross.shape, dtype=bool)
        fixed[: len(self.known)] = self.known
        return replace(half, fixed=fixed if half.fixed is None else fixed | half.fixed)

    def _check_shape(self, shape: tuple[int, ...]) -> None:
        if shape[1] != self.known.shape[1] or shape[0] < len(self.known):
            raise ValueError(
                f"known endmembers of shape {self.known.shape} do not fit {shape[0]} components and {shape[1]} channels"
            )
