"""Recommend a number of components k from the criteria of a rank scan.

A number is recommended if one of the first two criteria determines it clearly and no other criterion clearly
contradicts it.

- **Images above the noise** (:func:`mffnb.selection.independent_images`): k for data of the form X = A E + noise. The
  count is clear if each ratio to the noise is either above 2 or below 1.2; k is then the number of ratios above 2. If
  all computed ratios exceed 1.2, the data are no linear mixture (nonlinear mixing, variable spectra), or the noise is
  spatially correlated. The criterion then gives no number.
- **Singular vectors shared by split halves**: clear if the cosine drops from above 0.9 to below 0.3 in one step. This
  replaces the images if neighbouring pixels are not correlated (a single image, the mean, is always present). It can
  also show that the number of images is too small.
- **Endmembers of split halves**: the angle between partners in two halves, divided by the smallest angle between two
  endmembers of the same half. Below 0.1 all endmembers are reproduced. Above 0.5 the matching is random. The criterion
  is clear if the ratio jumps from below 0.1 to above 0.5 between k and k + 1.

The other criteria are for visual inspection only. On measured data they often have their optimum at an end of the scan.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from mffnb.typing import Array, Float64Array

# ratio to the noise level: above the first it is certainly an image, below the second certainly noise
ABOVE, WITHIN = 2.0, 1.2
# cosine of the angle between subspaces: above the first they are shared, below the second not shared
_SAME, _OTHER = 0.9, 0.3
# angle between halves over smallest angle within a half: below the first reproduced, above the second random
DISTINCT, BLURRED = 0.1, 0.5

_UNCOMPUTED = (
    "no criterion that determines k could be computed, because the data are constant, empty or too few: use more "
    "pixels or channels, or compare the other criteria in the plot of this scan"
)


@dataclass(frozen=True)
class Recommendation:
    """Recommended number of components k with reasons, or the range of k that the criteria leave undetermined.

    Attributes
    ----------
    k
        Recommended number of components; None if the data do not determine it.
    between
        Smallest and largest number that remain possible; (k, k) if k is determined.
    reasons
        Arguments for and against, one sentence each.
    """

    k: int | None
    between: tuple[int, int]
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        """Return k, or the range of k, and the reasons as one line of text."""
        low, high = self.between
        head = f"k = {self.k}" if self.k is not None else f"undetermined, between {low} and {high}"
        return f"{head}: {'; '.join(self.reasons)}"


@dataclass(frozen=True)
class _Estimate:
    """Estimate of k from one criterion: a number, a range, or nothing (both None), with the reason as text."""

    k: int | None
    between: tuple[int, int] | None
    reason: str


def recommend(evidence: xr.Dataset) -> Recommendation:
    """Combine the criteria of a rank scan into a recommendation.

    Parameters
    ----------
    evidence
        Dataset :attr:`mffnb.selection.RankScan.evidence`.
    """
    ks = [int(k) for k in evidence.k.values]
    count, shared = _estimate_from_images(evidence.images.values), _estimate_from_directions(evidence.shared.values)
    halves = _estimate_from_halves(ks, evidence.angles.values, evidence.within.values)
    if not is_spatially_correlated(evidence.images.values):
        count = shared if shared.k is not None else count
    halves = _for_the_recommended(halves, count.k)
    reasons = tuple(one.reason for one in dict.fromkeys((count, halves)) if one.reason)
    # Without any argument, the user must still learn why the scan does not determine k.
    reasons = (*reasons, *_gaps(evidence)) or (_UNCOMPUTED,)
    if count.between is not None and count.between[0] > ks[-1] and halves.k is None:
        between = halves.between or (ks[-1], count.between[1])
        return Recommendation(None, between, (*reasons, "larger than all k of this scan"))
    if count.k is None:
        return Recommendation(None, count.between or halves.between or (ks[0], ks[-1]), reasons)
    named = [count.k]
    if shared.k is not None and shared.k > count.k:
        named, reasons = [*named, shared.k], (*reasons, shared.reason)
    if halves.k is not None:
        named.append(halves.k)
    if min(named) < max(named):
        return Recommendation(None, (min(named), max(named)), (*reasons, "the criteria disagree"))
    if count.k not in ks:
        return Recommendation(None, (count.k, count.k), (*reasons, f"k = {count.k} is not in this scan: add it"))
    return Recommendation(count.k, (count.k, count.k), reasons)


def _gaps(evidence: xr.Dataset) -> tuple[str, ...]:
    """Return the reason that incomplete data give: images and split halves are computed from complete spectra only."""
    missing, pixels = (int(evidence.attrs.get(name, 0)) for name in ("missing_entries", "pixels_with_gaps"))
    if missing:
        return (
            f"{missing} entries in {pixels} pixels are missing, so images above the noise and split halves were not "
            "computed: mask these pixels, fill the gaps, or compare the held-out error in the plot of this scan",
        )
    if evidence.attrs.get("weighted_entries", False):
        return (
            "single entries have weights, so images above the noise and split halves were not computed: compare the "
            "held-out error in the plot of this scan, or weight pixels and channels only",
        )
    return ()


def is_spatially_correlated(images: Float64Array) -> bool:
    """Whether neighbouring pixels are correlated: at least one image besides the mean exceeds the noise level."""
    return int((images > WITHIN).sum()) > 1


def _estimate_from_images(ratios: Float64Array) -> _Estimate:
    """Estimate k as the number of images above the noise level."""
    above, perhaps = int((ratios > ABOVE).sum()), int((ratios > WITHIN).sum())
    if len(ratios) == 0:
        return _Estimate(None, None, "")
    if perhaps == len(ratios):
        return _Estimate(None, None, f"more than {perhaps - 1} images stand above the noise: no linear mixture")
    if not is_spatially_correlated(ratios):
        return _Estimate(None, None, "neighbouring pixels are not correlated")
    if above == perhaps:
        return _Estimate(above, (above, above), f"{above} images stand above the noise")
    return _Estimate(None, (max(above, 1), perhaps), f"{above} to {perhaps} images stand above the noise")


def _estimate_from_directions(cosines: Float64Array) -> _Estimate:
    """Estimate k as the number of singular vectors that two halves share.

    The last cosine above the threshold counts, because two nearly equal singular values can rotate an earlier subspace.
    """
    same, perhaps = (int(np.flatnonzero(cosines > least).max(initial=-1)) + 1 for least in (_SAME, _OTHER))
    if 0 < same == perhaps < len(cosines):
        return _Estimate(same, (same, same), f"split halves share {same} singular vectors")
    return _Estimate(None, None, "")


def _estimate_from_halves(ks: list[int], angles: Float64Array, within: Float64Array) -> _Estimate:
    """Estimate k as the largest number of endmembers that both halves reproduce."""
    if angles.size == 0 or not np.isfinite(angles).any():
        return _Estimate(None, None, "")
    blur = blur_of(angles, within)
    distinct, kept = _last_before_failure(ks, blur < DISTINCT), _last_before_failure(ks, blur < BLURRED)
    between = (distinct or ks[0], kept or ks[0])
    if distinct is not None and distinct == kept and distinct != ks[-1]:
        return _Estimate(distinct, between, f"split halves reproduce {distinct} endmembers, and no more")
    if kept is None:
        return _Estimate(None, None, "split halves reproduce no endmembers")
    clear, rough = between[0], kept
    return _Estimate(None, between, f"split halves reproduce the endmembers up to k = {clear}, roughly up to {rough}")


def blur_of(angles: Float64Array, within: Float64Array) -> Float64Array:
    """Return, for each k, the angle between split halves relative to the smallest angle within a half, (k,).

    NaN where there is none.

    Parameters
    ----------
    angles, within
        Variables of :attr:`mffnb.selection.RankScan.evidence`, (k, splits).
    """
    if angles.shape[1] == 0:
        return np.full(len(angles), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.median(angles / within, axis=1))


def _for_the_recommended(halves: _Estimate, k: int | None) -> _Estimate:
    """Say what unclear split halves mean for the k of the other criterion: no conflict, but a doubt about spectra."""
    if k is None or halves.k is not None or halves.between is None:
        return halves
    clear, rough = halves.between
    if k <= clear:
        reason = f"split halves reproduce the {k} endmembers"
    elif k <= rough:
        reason = (
            f"split halves reproduce the {k} endmembers roughly, and closely only up to k = {clear}: look at the bands "
            "of the spectra before you rely on their details"
        )
    else:
        reason = (
            f"split halves do not reproduce the {k} endmembers, only up to k = {rough}: there are {k} images, but "
            "noise decides their spectra, so add what you know (fractions, volume, known spectra)"
        )
    return replace(halves, reason=reason)


def _last_before_failure(ks: list[int], good: Array) -> int | None:
    """Return the last k before the first k that fails the test; None if the first k fails."""
    bad = np.flatnonzero(~good)
    number = int(bad[0]) if len(bad) else len(ks)
    return ks[number - 1] if number else None
