"""Abundances that are known in some pixels: a component is absent, pure, or present with a known fraction."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from mffnb.errors import UnsupportedCombinationError
from mffnb.protocols.half import Half
from mffnb.protocols.traits import Distribution, TermTraits
from mffnb.typing import Array, Float64Array, Total

__all__ = ["Fixed"]


@dataclass(frozen=True, eq=False)
class Fixed:
    r"""Fix known abundances: a component is absent, pure, or present with a known fraction in some pixels.

    These are the local rank and equality constraints of MCR-ALS. With the fraction f of component j in pixel i, the
    constraint is :math:`a_{ij} = f \sum_l a_{il}`: for f = 0 the component is absent, :math:`a_{ij} = 0`; for f = 1 the
    pixel is pure, :math:`a_{il} = 0` for all other components l. Both have a meaning in every model. A fraction between
    0 and 1 depends on how scale is divided between abundances and endmembers unless abundances sum to one, so it needs
    ``sum_to_one=True`` and is otherwise refused; then :math:`a_{ij} = f` exactly.

    Components keep their numbers in a run with this constraint, so that a number names the same component in the
    constraint and in the result. Components of a computed start are numbered such that they obey the constraint best.
    Sources: Tauler, Smilde & Kowalski 1995, J. Chemometrics 9:31 (local rank); de Juan, Jaumot & Tauler 2014, Anal.
    Methods 6:4964 (equality).

    Parameters
    ----------
    component
        Number of the component, from 0; in :func:`mffnb.unmix` also its name in ``known``.
    where
        True for the pixels. In :func:`mffnb.unmix` an array over the pixel dimensions on the grid of the result, which
        is aligned by labels if it has any; for :class:`mffnb.MatrixFactorization` an array (pixels,). None for all
        pixels in which ``fraction`` is no NaN.
    fraction
        f, between 0 (absent) and 1 (pure): a number, or an array like ``where``; NaN in pixels where it is not known.

    Examples
    --------
    >>> import numpy as np
    >>> Fixed(1, [True, False]).project(np.full((2, 2), 0.5)).tolist()
    [[0.5, 0.5], [0.0, 0.5]]
    >>> import mffnb as mf
    >>> cube = mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube
    >>> left = np.arange(24) < 6
    >>> known = mf.Fixed(1, np.broadcast_to(left, (16, 24)))     # component 1 is absent in the left quarter
    >>> result = mf.unmix(cube, 3, abundance_terms=[known], random_state=0)
    >>> float(result.abundances[1, :, :6].max())
    0.0
    """

    # A block of pixels has no positions from which its known entries could be found, so pixelwise is False.
    traits: ClassVar[TermTraits] = TermTraits(
        pixelwise=False,
        uniform=False,
        rowwise=False,
        convex=True,
        distribution=Distribution.ENTRYWISE,
        abundance_label=None,
        endmember_label=None,
    )
    component: int | str = 0
    where: Any = None
    fraction: Any = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.component, str):
            whole = isinstance(self.component, (int, np.integer)) and not isinstance(self.component, bool)
            if not whole or self.component < 0:
                raise ValueError(f"component is a number >= 0 or a name, got {self.component!r}")
            object.__setattr__(self, "component", int(self.component))
        fractions = np.asarray(self.fraction)
        if fractions.dtype.kind not in "biuf":
            raise ValueError(
                f"fraction is a number between 0 and 1, or an array of such numbers, got {self.fraction!r}"
            )
        outside = fractions[(fractions < 0) | (fractions > 1)]
        if outside.size:
            raise ValueError(
                f"a fraction lies between 0 (absent) and 1 (pure), got {float(outside.flat[0]):.6g}: divide a "
                "concentration by the sum of all components first"
            )
        if self.where is not None and not np.isin(np.asarray(self.where), (0, 1)).all():
            raise ValueError("where is True for the pixels of the constraint: pass booleans, for example map > 0.5")

    def __repr__(self) -> str:
        """Return component, fraction and number of pixels; an array of all pixels would not be readable."""
        fraction = np.asarray(self.fraction)
        given = f"{float(fraction):.6g}" if fraction.ndim == 0 else f"<{np.isfinite(fraction).sum()} values>"
        pixels = "" if self.where is None else f", where=<{np.count_nonzero(np.asarray(self.where))} pixels>"
        return f"Fixed({self.component!r}{pixels}, fraction={given})"

    @property
    def between(self) -> bool:
        """Whether a fraction lies between 0 and 1, which needs abundances that sum to one."""
        fractions = np.asarray(self.fraction, dtype=np.float64)
        if self.where is not None and fractions.ndim and fractions.shape == np.shape(self.where):
            fractions = fractions[np.asarray(self.where, dtype=bool)]
        return bool(((fractions > 0) & (fractions < 1)).any())

    def on_map(self, aligned: Callable[[Any, str], Array]) -> Float64Array:
        """Return the fraction in each pixel of a map, NaN where it is not known, (pixels,).

        ``aligned(values, what)`` aligns an array over the pixel dimensions with the map.
        """
        where: Any = True if self.where is None else aligned(self.where, "where of Fixed").astype(bool)
        if np.ndim(self.fraction):
            fraction = aligned(self.fraction, "fraction of Fixed").astype(np.float64)
        else:
            fraction = np.array(self.fraction, dtype=np.float64)
        if np.ndim(where) == 0 and np.ndim(fraction) == 0:
            raise ValueError(
                "Fixed needs its pixels: give where, True for each of them, or one fraction for each pixel"
            )
        return np.where(where, fraction, np.nan)

    def on_rank(self, entries: slice, total: Total) -> Self:
        """Return this constraint for the pixels that this rank owns."""
        where = None if self.where is None else np.asarray(self.where)[entries]
        fraction = self.fraction if np.ndim(self.fraction) == 0 else np.asarray(self.fraction)[entries]
        return replace(self, where=where, fraction=fraction)

    def project(self, factor: Float64Array) -> Float64Array:
        """Return a copy of the abundances (k, pixels) with the known entries inserted."""
        fixed, values = self.entries(factor.shape)
        return np.where(fixed, values, factor)

    def fold(self, half: Half) -> Half:
        """Return the half-step subproblem with known entries marked as fixed; start values hold their values."""
        fixed, _ = self.entries(half.cross.shape)
        return replace(half, fixed=fixed if half.fixed is None else fixed | half.fixed)

    def entries(self, shape: tuple[int, ...]) -> tuple[Array, Float64Array]:
        """Return which entries of the abundances are fixed, and their values, both (k, pixels).

        In a pure pixel the other components are fixed to zero, and the abundance of the component itself is free.
        """
        k, pixels = shape
        if isinstance(self.component, str):
            raise ValueError(f"component {self.component!r} is a name: give the number of the component, from 0")
        if self.component >= k:
            raise ValueError(f"Fixed names component {self.component}, and there are {k}, from 0: correct its number")
        fraction = self._over_pixels("fraction", np.asarray(self.fraction, dtype=np.float64), pixels)
        known = ~np.isnan(fraction)
        if self.where is not None:
            known &= self._over_pixels("where", np.asarray(self.where).astype(bool), pixels)
        pure = known & (fraction == 1)
        fixed, values = np.repeat(pure[None], k, axis=0), np.zeros((k, pixels))
        fixed[self.component] = known & ~pure
        values[self.component, fixed[self.component]] = fraction[fixed[self.component]]
        return fixed, values

    @staticmethod
    def _over_pixels(name: str, values: Array, pixels: int) -> Array:
        if values.shape not in ((), (pixels,)):
            raise ValueError(
                f"{name} of Fixed has the shape {values.shape}, and there are {pixels} pixels: give one each"
            )
        return np.broadcast_to(values, (pixels,))


def known_entries(terms: Iterable[object], shape: tuple[int, ...]) -> tuple[Array, Float64Array] | None:
    """Combine all :class:`Fixed` among the terms: which entries (k, pixels) are fixed, and their values; None without.

    Raises
    ------
    UnsupportedCombinationError
        If they contradict each other; the message says in how many pixels.
    """
    found = [term for term in terms if isinstance(term, Fixed)]
    if not found:
        return None
    fixed, values = found[0].entries(shape)
    for term in found[1:]:
        also, there = term.entries(shape)
        _refuse(
            (fixed & also & (values != there)).any(axis=0), "two Fixed give an abundance different values", "drop one"
        )
        values = np.where(also, there, values)
        fixed = fixed | also
    absent = (fixed & (values == 0)).all(axis=0)
    _refuse(absent, "Fixed leaves no component", "leave these pixels out with mask, or drop one of the constraints")
    total = np.where(fixed, values, 0.0).sum(axis=0)
    _refuse(total > 1 + _ROUNDING, "fixed fractions have a sum above 1", "lower one of them")
    short = fixed.all(axis=0) & (np.abs(total - 1) > _ROUNDING)
    _refuse(short, "the fractions of all components are fixed, and their sum is not 1", "leave one of them free")
    return fixed, values


_ROUNDING = 1e-9  # of a sum of fractions


def _refuse(pixels: Array, problem: str, advice: str) -> None:
    count = int(np.count_nonzero(pixels))
    if count:
        raise UnsupportedCombinationError(f"{problem} in {count} pixels: {advice}")
