"""Known endmembers that stay fixed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

import numpy as np

from mffnb.protocols.half import Half
from mffnb.protocols.traits import Distribution, TermTraits
from mffnb.typing import Array, Float64Array, Total, local_total

__all__ = ["Pinned"]


@dataclass(frozen=True, eq=False)
class Pinned:
    r"""Fix the first endmembers to known spectra, in all channels or in those where the user gives values.

    .. math:: e_{im} = v_{im} \quad (v_{im}\ \mathrm{known})

    Parameters
    ----------
    values
        Known spectra, (known, channels), in the units of the data; NaN where a channel is unknown. There must not be
        more known spectra than components; the remaining components are free.
    total
        Function that sums an array over all ranks that share the channels; set by :meth:`on_rank`.

    Examples
    --------
    >>> import numpy as np
    >>> pinned = Pinned(np.array([[1.0, np.nan, 0.5]]))
    >>> pinned.project(np.ones((2, 3))).tolist()
    [[1.0, 1.0, 0.5], [1.0, 1.0, 1.0]]
    """

    traits: ClassVar[TermTraits] = TermTraits(
        pixelwise=False,
        uniform=False,
        rowwise=False,
        convex=True,
        distribution=Distribution.SUMMED,
        abundance_label=None,
        endmember_label=None,
    )
    values: Array
    total: Total = field(default=local_total, repr=False)

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=np.float64)
        if values.ndim != 2:
            raise ValueError(f"known endmembers have shape (known, channels), got {values.shape}")
        if np.isinf(values).any() or np.nanmin(values, initial=0.0) < 0:
            raise ValueError("known endmembers must be finite and not negative; NaN marks a channel to be found")
        if not self.total(np.nansum(values, axis=1)).all():
            raise ValueError("a known endmember holds nothing above zero: leave it out")

    @property
    def known(self) -> Array:
        """Boolean array, True where the value of a known endmember is given, (known, channels)."""
        return ~np.isnan(self.values)

    @property
    def whole(self) -> bool:
        """Whether the values of all channels of the known endmembers are given."""
        return bool(self.known.all())

    def project(self, factor: Float64Array) -> Float64Array:
        """Return a copy of the endmembers with the known values inserted."""
        self._check_shape(factor.shape)
        held = factor.copy()
        held[: len(self.values)][self.known] = np.asarray(self.values)[self.known]
        return held

    def fold(self, half: Half) -> Half:
        """Return the half-step subproblem with known entries marked as fixed; start values hold their values."""
        self._check_shape(half.cross.shape)
        fixed = np.zeros(half.cross.shape, dtype=bool)
        fixed[: len(self.known)] = self.known
        return replace(half, fixed=fixed if half.fixed is None else fixed | half.fixed)

    def on_rank(self, entries: slice, total: Total) -> Self:
        """Return this constraint for the channels that this rank owns."""
        return replace(self, values=self.values[:, entries], total=total)

    def _check_shape(self, shape: tuple[int, ...]) -> None:
        if shape[1] != self.known.shape[1] or shape[0] < len(self.known):
            raise ValueError(
                f"known endmembers of shape {self.known.shape} do not fit {shape[0]} components and {shape[1]} channels"
            )
