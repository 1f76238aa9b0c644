"""Recommend a number of components k from the criteria of a rank scan.

k is the number of directions that are signal, less those that are variations of others.

- **Signal** (:mod:`mffnb.component_count.counting`): images above the noise
  (:func:`mffnb.selection.independent_images`), and spectral directions along which both halves of the pixels vary more
  than along noise (:mod:`mffnb.component_count.directions`). Each sees components that the other one misses: images
  need neighbours that are similar, directions need noise that channels do not share.
- **Variations** (:mod:`mffnb.component_count.variation`): directions that are tilts or shifts of the spectrum of
  another, or products of two, belong to the same materials.
- **Endmembers of split halves**: the angle between partners in two halves, divided by the smallest angle between two
  endmembers of the same half. Below 0.1 all endmembers are reproduced. Above 0.5 the matching is random. The criterion
  is clear if the ratio jumps from below 0.1 to above 0.5 between k and k + 1. It decides nothing alone. If it is clear
  and contradicts a number that only images give, k is undetermined.

The other criteria are for visual inspection only. On measured data they often have their optimum at an end of the scan.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from mffnb.component_count.counting import Count, Variation, count_signal, count_variations, materials
from mffnb.typing import Array, Float64Array

# angle between halves over smallest angle within a half: below the first reproduced, above the second random
DISTINCT, BLURRED = 0.1, 0.5

_UNCOMPUTED = (
    "no criterion that determines k could be computed, because the data are constant, empty or too few: use more "
    "pixels or channels, or compare the other criteria in the plot of this scan"
)

_OF_SUGGEST = (
    "mf.suggest may name another k, because it picks one of this range from a part of the pixels, without weights and "
    "split halves"
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

    Examples
    --------
    >>> from mffnb.selection import Recommendation
    >>> print(Recommendation(None, (3, 4), ("one image is hardly above the noise",)))
    undetermined, between 3 and 4: one image is hardly above the noise
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
    count, reasons = count_signal(evidence)
    halves = _estimate_from_halves(ks, evidence.angles.values, evidence.within.values)
    if count.sure is None or count.perhaps is None:
        reasons = (*reasons, *filter(None, (halves.reason,)), *_gaps(evidence)) or (_UNCOMPUTED,)
        return Recommendation(None, halves.between or (ks[0], ks[-1]), reasons)
    varied = count_variations(evidence)
    low, high = materials(count, varied)
    reasons = (*reasons, *filter(None, (varied.reason,)))
    if halves.k is not None and count.clear and not count.confirmed and not varied.perhaps:
        low, high = min(low, halves.k), max(high, halves.k)
    halves = _for_the_recommended(halves, low if low == high else None)
    reasons = (*reasons, *filter(None, (halves.reason,)), *_gaps(evidence))
    if low > ks[-1]:
        between = halves.between if halves.between is not None and halves.k is None else (ks[-1], high)
        return Recommendation(None, between, (*reasons, f"larger than all k of this scan: scan up to {high + 1}"))
    if low < high:
        what = _what_decides(low, high, count, varied)
        return Recommendation(None, (low, high), (*reasons, what, _OF_SUGGEST))
    if low not in ks:
        return Recommendation(None, (low, low), (*reasons, f"k = {low} is not in this scan: add it"))
    return Recommendation(low, (low, low), reasons)


def _what_decides(low: int, high: int, count: Count, varied: Variation) -> str:
    """Return the sentence that says what would settle an open k."""
    if varied.perhaps > varied.sure:
        return (
            f"compare the spectra for k = {low} and {high}: where two of them differ by a tilt, a shift or a product "
            f"only, k = {low} is right"
        )
    if not count.clear:
        return f"less noise decides: measure longer, or bin pixels, and scan k = {low} to {high} again"
    return f"the criteria disagree: k = {high} is right if its maps show structure that those for k = {low} do not"


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
