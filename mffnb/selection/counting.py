"""Read the criteria that depend on the data alone: number of directions that are signal, and of variations among them.

Each criterion gives a range: directions that are certainly signal, and directions that may be. Constants were set on
simulated scenes that were drawn for this purpose (``benchmarks/shared/rank_scenes.py``, first number of the seed 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from mffnb.typing import Float64Array

# ratio to the noise level: above the first it is certainly an image, below the second certainly noise
ABOVE, WITHIN = 2.0, 1.2
# cosine of the angle between subspaces: above the first they are shared, below the second not shared
_SAME, _OTHER = 0.9, 0.3
# ratio of the variance along a direction to that along the following ones, which are noise: a clear and a possible step
_STEP, _SMALL_STEP = 1.5, 1.2
_AFTER = 3  # number of directions after a step that show the level of noise
_ROUNDING = 1e-10  # smallest variance along a direction, relative to the largest one
_WHITE = 1.25  # largest variance along directions of noise that channels do not share
# singular value of [B; B C] relative to noise: below the first a tilt, above the second none
_TILT, _NO_TILT = 1.5, 3.0
_SHIFT, _NO_SHIFT = 2.5, 5.0
# variance that quadratic functions leave, relative to noise, if they explain a coordinate, and before
_EXPLAINED, _UNEXPLAINED = 1.5, 3.0


@dataclass(frozen=True)
class Count:
    """Number of directions that are certainly signal, and of those that may be, with the reason as a sentence.

    Both numbers are None if the criterion does not apply to the data.
    """

    sure: int | None
    perhaps: int | None
    reason: str = ""

    @property
    def clear(self) -> bool:
        """Whether both numbers are the same."""
        return self.sure is not None and self.sure == self.perhaps


NOTHING = Count(None, None)


@dataclass(frozen=True)
class Variation:
    """Number of directions that are variations of others: certainly, and perhaps; with the reason as a sentence."""

    sure: int
    perhaps: int
    reason: str = ""


def values_of(evidence: xr.Dataset, name: str) -> Float64Array:
    """Return a variable of the evidence; an empty array if an older version has not stored it."""
    return np.asarray(evidence[name].values, dtype=np.float64) if name in evidence else np.empty(0)


def is_spatially_correlated(images: Float64Array) -> bool:
    """Whether neighbouring pixels are correlated: at least one image besides the mean exceeds the noise level."""
    return int((images > WITHIN).sum()) > 1


def count_images(ratios: Float64Array) -> Count:
    """Count the images above the noise level."""
    above, perhaps = int((ratios > ABOVE).sum()), int((ratios > WITHIN).sum())
    if len(ratios) == 0:
        return NOTHING
    if perhaps == len(ratios):
        return Count(None, None, f"more than {perhaps - 1} images stand above the noise: no linear mixture")
    if not is_spatially_correlated(ratios):
        return Count(None, None, "neighbouring pixels are not correlated")
    if above == perhaps:
        return Count(above, above, f"{above} images stand above the noise")
    return Count(max(above, 1), perhaps, f"{above} to {perhaps} images stand above the noise")


def count_shared(cosines: Float64Array) -> Count:
    """Count the singular vectors that two halves share.

    The last cosine above the threshold counts, because two nearly equal singular values can rotate an earlier subspace.
    """
    same, perhaps = (int(np.flatnonzero(cosines > least).max(initial=-1)) + 1 for least in (_SAME, _OTHER))
    if 0 < same == perhaps < len(cosines):
        return Count(same, same, f"split halves share {same} singular vectors")
    return NOTHING


def count_confirmed(variances: Float64Array) -> Count:
    """Count the directions of one half of the pixels along which the other half varies more than along those of noise.

    The last direction before a step counts.
    """
    if len(variances) <= _AFTER or not variances.max() > 0:
        return NOTHING
    variances = np.maximum(variances, _ROUNDING * variances.max())  # data without noise
    steps = np.array([one / variances[i + 1 : i + 1 + _AFTER].mean() for i, one in enumerate(variances[:-_AFTER])])
    sure, perhaps = (int(np.flatnonzero(steps > least).max(initial=-1)) + 1 for least in (_STEP, _SMALL_STEP))
    if sure == 0 or perhaps == len(steps):
        return NOTHING
    if sure == perhaps:
        return Count(sure, sure, f"both halves of the pixels have the same {sure} spectral directions")
    return Count(sure, perhaps, f"both halves of the pixels have the same {sure} to {perhaps} spectral directions")


def count_signal(evidence: xr.Dataset) -> tuple[Count, tuple[str, ...]]:
    """Combine images and confirmed directions: each may miss a component that the other one sees.

    Where channels share noise, which is then larger in some directions than in others, clear images decide alone.

    Returns
    -------
    count, reasons
        Range of the number of directions that are signal, and one sentence for each criterion that says something.
    """
    ratios, variances = values_of(evidence, "images"), values_of(evidence, "variances")
    images = count_images(ratios)
    confirmed = count_confirmed(variances) if variances.size else count_shared(values_of(evidence, "shared"))
    if images.sure is None or confirmed.sure is None:
        one = confirmed if images.sure is None and not is_endless(ratios) else images
        return one, tuple(filter(None, (one.reason,)))
    assert images.perhaps is not None
    assert confirmed.perhaps is not None
    even = not variances.size or float(variances[-_AFTER:].mean()) < _WHITE
    low = max(images.sure, confirmed.sure)
    high = max(images.perhaps, confirmed.perhaps if even or not images.clear else 0, low)
    if not even and images.clear and confirmed.sure > images.sure:
        return Count(images.sure, confirmed.perhaps), (images.reason, confirmed.reason)
    if confirmed.sure <= images.sure and high == images.perhaps:
        return Count(low, high, images.reason), (images.reason,)
    return Count(low, high), (images.reason, confirmed.reason)


def is_endless(ratios: Float64Array) -> bool:
    """Whether all images stand above the noise, so that no linear mixture describes the data."""
    return len(ratios) > 0 and int((ratios > WITHIN).sum()) == len(ratios)


def count_variations(evidence: xr.Dataset) -> Variation:
    """Count the directions of the signal that are tilts, shifts or products of others, see :mod:`.variation`."""
    found = [
        _repeated(values_of(evidence, "tilt"), _TILT, _NO_TILT, "tilted along the channels"),
        _repeated(values_of(evidence, "shift"), _SHIFT, _NO_SHIFT, "shifted along the channels"),
        _curved(values_of(evidence, "curve"), values_of(evidence, "weakest")),
    ]
    some = [one for one in found if one.perhaps]
    if not some:
        return Variation(0, 0)
    sure = max(one.sure for one in some)
    named = next((one for one in some if one.sure == sure and sure), some[0])
    # Second orders of a tilt are functions of its first order, so that two criteria may count the same direction.
    most = sum(one.perhaps for one in some) if sum(one.sure > 0 for one in some) > 1 else max(o.perhaps for o in some)
    return Variation(sure, most, named.reason)


def _repeated(values: Float64Array, below: float, above: float, what: str) -> Variation:
    sure, perhaps = int((values < below).sum()), int((values < above).sum())
    if not perhaps:
        return Variation(0, 0)
    one = "1 of them is a spectrum" if sure == 1 else f"{sure} of them are spectra"
    reason = f"{one} of the others {what}" if sure else f"1 of them may be a spectrum of the others {what}"
    return Variation(sure, perhaps, reason)


def _curved(left: Float64Array, before: Float64Array) -> Variation:
    number = len(left) + 2
    explained = np.flatnonzero((left < _EXPLAINED) & (before > _UNEXPLAINED))
    perhaps = np.flatnonzero((left < _UNEXPLAINED) & (before > _EXPLAINED * left))
    most = number - 2 - int(perhaps[0]) if len(perhaps) else 0
    if not len(explained):
        return Variation(0, most, "the map of 1 of them may be a product of the others" if most else "")
    extra = number - 2 - int(explained[0])
    one = "the map of 1 of them is a product" if extra == 1 else f"the maps of {extra} of them are products"
    return Variation(extra, max(extra, most), f"{one} of the others: light passes several materials")
