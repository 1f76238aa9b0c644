"""What the evidence for k comes to.

A number is recommended where the first or the second of these names it, clearly, and no other clearly names another.

- **Images above the noise** (:func:`mffnb.selection.independent_images`): k where X is A E and noise. The count is
  clear where each value is more than twice, or less than 1.2 times, what noise makes: as many as are above 2. Where
  all that were looked at are above, the data hold more than mixtures (curved mixing, materials that vary), or noise
  that neighbours share; then the count says nothing.
- **Directions that halves share**, clear where cosines fall from above 0.9 to below 0.3 in one step. They take the
  place of images where neighbours are not alike (one image, the mean, is always there), and speak against fewer images.
- **Endmembers of halves**, their distance apart in units of the distance of the closest two of one half. More than a
  half and it is for chance to say which is which; less than a tenth and all are distinct. Clear is a step from the one
  to the other between k and k + 1.

The other criteria are for the eye: on measured data each of them often runs to an end of the scan.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from mffnb.typing import Array, Float64Array

_ABOVE, _WITHIN = 2.0, 1.2  # times what noise makes
_SAME, _OTHER = 0.9, 0.3  # cosine
_DISTINCT, _BLURRED = 0.1, 0.5  # of the distance of the closest two


@dataclass(frozen=True)
class Recommendation:
    """A number of components, or why there is none.

    Attributes
    ----------
    k
        The number; None where the data do not tell.
    between
        The smallest and the largest that are left; both k where it is one.
    reasons
        What speaks for and against, a sentence each.
    """

    k: int | None
    between: tuple[int, int]
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        """The answer and its reasons in one line."""
        low, high = self.between
        head = f"k = {self.k}" if self.k is not None else f"undetermined, between {low} and {high}"
        return f"{head}: {'; '.join(self.reasons)}"


@dataclass(frozen=True)
class _Opinion:
    """What one kind of evidence says: a number, or a range, or nothing (both None)."""

    k: int | None
    between: tuple[int, int] | None
    reason: str


def recommend(evidence: xr.Dataset) -> Recommendation:
    """Weigh the evidence of a scan.

    Parameters
    ----------
    evidence
        As in :class:`mffnb.selection.RankScan`.
    """
    ks = [int(k) for k in evidence.k.values]
    count, shared = _of_images(evidence.images.values), _of_directions(evidence.shared.values)
    halves = _of_halves(ks, evidence.angles.values, evidence.within.values)
    if not neighbours_alike(evidence.images.values):
        count = shared if shared.k is not None else count
    reasons = tuple(one.reason for one in dict.fromkeys((count, halves)) if one.reason)
    if count.between is not None and count.between[0] > ks[-1] and halves.k is None:
        between = halves.between or (ks[-1], count.between[1])
        return Recommendation(None, between, (*reasons, "more than were tried"))
    if count.k is None:
        return Recommendation(None, count.between or halves.between or (ks[0], ks[-1]), reasons)
    named = [count.k]
    if shared.k is not None and shared.k > count.k:
        named, reasons = [*named, shared.k], (*reasons, shared.reason)
    if halves.k is not None:
        named.append(halves.k)
    if min(named) < max(named):
        return Recommendation(None, (min(named), max(named)), (*reasons, "they disagree"))
    if count.k not in ks:
        return Recommendation(None, (count.k, count.k), (*reasons, f"k = {count.k} was not tried: scan it too"))
    return Recommendation(count.k, (count.k, count.k), reasons)


def neighbours_alike(images: Float64Array) -> bool:
    """Whether there is an image beside the mean, which is always there."""
    return int((images > _WITHIN).sum()) > 1


def _of_images(ratios: Float64Array) -> _Opinion:
    """How many images stand above the noise."""
    above, perhaps = int((ratios > _ABOVE).sum()), int((ratios > _WITHIN).sum())
    if len(ratios) == 0:
        return _Opinion(None, None, "")
    if perhaps == len(ratios):
        return _Opinion(None, None, f"more than {perhaps - 1} images stand above the noise: no plain mixture")
    if not neighbours_alike(ratios):
        return _Opinion(None, None, "neighbouring pixels are not alike")
    if above == perhaps:
        return _Opinion(above, (above, above), f"{above} images stand above the noise")
    return _Opinion(None, (max(above, 1), perhaps), f"{above} to {perhaps} images stand above the noise")


def _of_directions(cosines: Float64Array) -> _Opinion:
    """How many directions two halves share.

    Up to the last one that they do: where two singular values are nearly equal, fewer directions may be turned.
    """
    same, perhaps = (int(np.flatnonzero(cosines > least).max(initial=-1)) + 1 for least in (_SAME, _OTHER))
    if 0 < same == perhaps < len(cosines):
        return _Opinion(same, (same, same), f"halves share {same} directions")
    return _Opinion(None, None, "")


def _of_halves(ks: list[int], angles: Float64Array, within: Float64Array) -> _Opinion:
    """Up to which k halves find the same endmembers."""
    if angles.size == 0 or not np.isfinite(angles).any():
        return _Opinion(None, None, "")
    with np.errstate(invalid="ignore", divide="ignore"):
        blur = np.median(angles / within, axis=1)
    distinct, kept = _leading(ks, blur < _DISTINCT), _leading(ks, blur < _BLURRED)
    between = (distinct or ks[0], kept or ks[0])
    if distinct is not None and distinct == kept and distinct != ks[-1]:
        return _Opinion(distinct, between, f"halves find the same {distinct} endmembers, and no more")
    if kept is None:
        return _Opinion(None, None, "halves find no common endmembers")
    return _Opinion(None, between, f"halves find the same endmembers up to k = {between[0]}, blurred up to {kept}")


def _leading(ks: list[int], good: Array) -> int | None:
    """The last k before the first that is not good; None where already the first is not."""
    bad = np.flatnonzero(~good)
    number = int(bad[0]) if len(bad) else len(ks)
    return ks[number - 1] if number else None
