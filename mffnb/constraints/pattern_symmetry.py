"""Point-group symmetry of endmembers that are two-dimensional patterns, such as local Fourier transforms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from mffnb.constraints.point_group import Grid, Means, PointGroup, Splines, orbits, symmetric_splines
from mffnb.protocols.half import Half
from mffnb.protocols.traits import Distribution, TermTraits
from mffnb.typing import Array, Float64Array

__all__ = ["PatternSymmetry"]

_ORDERS = (1, 2, 3, 4, 6)  # the rotations that a lattice can have
_ACCURACY = 5e-9  # of the largest entry: negative entries, and entries beside a positive multiplier
_MOST_STEPS = 600  # of the projection onto non-negative symmetric patterns


@dataclass(frozen=True, eq=False)
class PatternSymmetry:
    r"""Symmetry of patterns: every endmember is unchanged by a rotation of its two channel dimensions, or by a mirror.

    .. math:: e(g\,q) = e(q) \ge 0 \quad\text{for all } g \in G, \qquad
              (P e)(q) = \frac{1}{|G|} \sum_{g \in G} e(g\,q)

    G is the point group and q a position in the pattern. The mean over the group is the orthogonal projection, and it
    keeps non-negative patterns non-negative. It suits Fourier transforms and diffraction patterns of crystals: noise
    falls by the root of the number of equivalent entries, and stray peaks are suppressed.

    Rotations by 180 and 90 degrees, and mirrors along an axis or a diagonal, permute the entries of a grid with equal
    steps. The result is then exact: means over equivalent entries. Other operations, such as rotations by 60 degrees,
    do not permute a square grid. The set then holds the symmetric patterns that are sums of cubic B-splines with one
    spline per entry in one sector of the pattern. The projection onto it is a least-squares fit; where that has
    negative entries, it is found iteratively. Peaks as sharp as those of a Hann window, two entries wide, are changed
    by about 0.05 rad. Entries without an equivalent in the pattern, in corners or in the first row of
    an even number of frequencies, are averaged over fewer entries, or unchanged.

    The same group applies to all endmembers: use the one that all phases share. The modulus of a Fourier transform of
    an image has the rotation by 180 degrees already, so 3 acts like 6 there. Masked channels are left out of the means.
    Source: the constraint that Kannan et al. 2018, Adv. Struct. Chem. Imaging 4:6, propose for Fourier transforms;
    Serre 1977, Linear Representations of Finite Groups, section 2.6 (the mean over a group as projection); Unser 1999,
    IEEE Signal Process. Mag. 16:22 (splines).

    Parameters
    ----------
    order
        Number of rotations: 1, 2, 3, 4 or 6.
    mirror
        Angle of one mirror line in degrees, from the second channel dimension (kx) towards the first (ky); None for no
        mirror. The rotations generate the other lines.
    axes
        Positions along both channel dimensions, zero in the centre of symmetry, in a common unit: two arrays. Two whole
        numbers are lengths, with zero at n // 2, where a Fourier transform has its zero frequency. :func:`mffnb.unmix`
        uses the coordinates of the cube.
    used
        True for channels that are used, (ky, kx); None for all. Set by :func:`mffnb.unmix`.
    scale
        Factor of each used channel in the scaled data, (channels,); None for ones. Set by :func:`mffnb.unmix`.

    Examples
    --------
    >>> import numpy as np
    >>> import mffnb as mf
    >>> pattern = np.array([[0.0, 4.0, 0.0], [2.0, 9.0, 2.0], [0.0, 0.0, 0.0]])
    >>> mf.PatternSymmetry(4, axes=(3, 3)).project(pattern.reshape(1, 9)).reshape(3, 3).tolist()
    [[0.0, 2.0, 0.0], [2.0, 9.0, 2.0], [0.0, 2.0, 0.0]]

    Local Fourier transforms of an image of one square lattice:

    >>> y, x = np.mgrid[:64, :64]
    >>> image = np.cos(np.pi * x / 4) + np.cos(np.pi * y / 4) + np.random.default_rng(0).normal(size=(64, 64))
    >>> steps = [mf.preprocessing.SlidingFFT(size=16, step=8)]
    >>> result = mf.unmix(image, 1, preprocess=steps, endmember_terms=[mf.PatternSymmetry(4)], random_state=0)
    >>> pattern = result.endmembers[0].values[1:, 1:]          # the first row and column have no partner
    >>> bool(np.allclose(pattern, np.rot90(pattern)))
    True
    """

    traits: ClassVar[TermTraits] = TermTraits(
        pixelwise=False,
        uniform=False,
        rowwise=True,
        convex=True,
        distribution=Distribution.WHOLE,
        abundance_label=None,
        endmember_label=None,
    )
    order: int = 2
    mirror: float | None = None
    axes: Any = field(default=None, repr=False)
    used: Any = field(default=None, repr=False)
    scale: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.order, bool) or self.order not in _ORDERS:
            raise ValueError(f"order is the number of rotations of a lattice, 1, 2, 3, 4 or 6, got {self.order!r}")
        if self.mirror is not None and not np.isfinite(self.mirror):
            raise ValueError(f"mirror is the angle of a mirror line in degrees, got {self.mirror!r}")
        if self.order == 1 and self.mirror is None:
            raise ValueError("PatternSymmetry(1) has no operation: give order=2, 3, 4 or 6, or the angle of a mirror")
        if self.axes is not None:
            if len(self.axes) != 2:
                raise ValueError(f"PatternSymmetry needs two channel dimensions, got {len(self.axes)}")
            object.__setattr__(self, "axes", tuple(_centred(axis) for axis in self.axes))

    def on_channels(self, axes: Sequence[Any], used: Array | None) -> Self:
        """Return this constraint for channels at these positions, unless the user has given positions."""
        if self.axes is not None:
            return replace(self, used=used if self.used is None else self.used)
        if len(axes) != 2:
            raise ValueError(
                f"PatternSymmetry needs two channel dimensions, such as those of SlidingFFT, and the cube has "
                f"{len(axes)}: name both, channel=('ky', 'kx')"
            )
        return replace(self, axes=tuple(axes), used=used)

    def scaled(self, factor: float | Float64Array) -> Self:
        """Return the same set for endmembers that are multiplied by ``factor``, one number for each used channel."""
        if np.ndim(factor) == 0:  # the set is a cone
            return self
        return replace(self, scale=np.asarray(factor) if self.scale is None else np.asarray(self.scale) * factor)

    def project(self, factor: Float64Array) -> Float64Array:
        """Return the nearest non-negative symmetric patterns."""
        self._check(factor.shape[1])
        return np.array([self._nearest(np.asarray(row, dtype=np.float64)) for row in factor]).reshape(factor.shape)

    def fold(self, half: Half) -> Half:
        """Return the half-step subproblem with this set appended to its sets with a projection."""
        self._check(half.cross.shape[1])
        return replace(half, proximal=(*half.proximal, self))

    def _nearest(self, row: Float64Array) -> Float64Array:
        r"""Return the nearest non-negative symmetric row.

        Means over sets of equivalent entries stay the nearest when they are clipped at zero. With P the projection onto
        symmetric rows in general, it is :math:`P (x + z)`, where z minimises :math:`|P (x + z)|^2` over
        :math:`z \ge 0`: an accelerated projected gradient (Beck & Teboulle 2009, SIAM J. Imaging Sci. 2:183), with
        restarts (O'Donoghue & Candes 2015, Found. Comput. Math. 15:715).
        """
        project = self._subspace.project
        symmetric = project(row)
        if isinstance(self._subspace, Means) or symmetric.min(initial=0.0) >= 0:
            return np.maximum(symmetric, 0.0)
        multiplier = ahead = np.zeros(row.shape)
        momentum, allowed = 1.0, _ACCURACY * float(np.abs(symmetric).max())
        for _ in range(_MOST_STEPS):
            symmetric = project(row + ahead)
            if symmetric.min() >= -allowed and float(np.abs(np.minimum(symmetric, ahead)).max()) <= allowed:
                break
            moved = np.maximum(ahead - symmetric, 0.0)
            if np.vdot(ahead - moved, moved - multiplier) > 0:
                momentum = 1.0
            later = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
            ahead = moved + (momentum - 1) / later * (moved - multiplier)
            multiplier, momentum = moved, later
        return np.maximum(symmetric, 0.0)

    def _check(self, channels: int) -> None:
        if self.axes is None:
            raise ValueError(
                "PatternSymmetry needs the positions of the channels: give axes=(ky, kx), or the lengths of both axes"
            )
        expected = len(self.axes[0]) * len(self.axes[1]) if self.used is None else np.count_nonzero(self.used)
        if channels != expected:
            raise ValueError(
                f"the pattern of PatternSymmetry has {expected} channels and the data have {channels}: give the "
                "positions along both channel dimensions, axes=(ky, kx)"
            )

    @cached_property
    def _subspace(self) -> Means | Splines:
        """Projection onto symmetric patterns of any sign, for the used channels in scaled units."""
        group, grid = PointGroup(self.order, self.mirror), Grid(*self.axes)
        shape = grid.shape
        used = np.ones(shape, bool).ravel() if self.used is None else np.asarray(self.used, dtype=bool).ravel()
        scale = np.ones(np.count_nonzero(used)) if self.scale is None else np.asarray(self.scale, dtype=np.float64)
        owner = orbits(group, grid)
        if owner is not None:
            return Means(owner[used], scale)
        return Splines(symmetric_splines(group, grid)[used].multiply(scale[:, None]).tocsr())


def _centred(axis: Any) -> Float64Array:
    """Return the positions along one dimension; raise ValueError unless evenly spaced with zero among them."""
    position = np.asarray(axis, dtype=np.float64)
    if position.ndim == 0:
        return np.arange(float(axis)) - int(axis) // 2
    step = (position[-1] - position[0]) / max(len(position) - 1, 1)
    if np.abs(position - position[0] - step * np.arange(len(position))).max() > 0.1 * abs(step):
        raise ValueError("the positions of the channels are not evenly spaced: interpolate the patterns first")
    low, high = sorted((position[0], position[-1]))
    if not low <= 0 <= high or (len(position) > 2 and 0 in (low, high)):
        raise ValueError(
            f"the positions of the channels run from {low:.6g} to {high:.6g}: subtract the centre of symmetry, so that "
            "it lies at zero"
        )
    return position
