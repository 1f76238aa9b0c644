"""Read the criteria that depend on the data alone: number of directions that are signal, and of variations among them.

Each criterion gives a range: directions that are certainly signal, and directions that may be. Constants were set on
simulated scenes that were drawn for this purpose (``benchmarks/shared/rank_scenes.py``, first number of the seed 1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from mffnb.typing import Float64Array

# ratio to the noise level: above the first it is certainly an image, below the second certainly noise
ABOVE, WITHIN = 2.0, 1.2
_FEW_IMAGES = 2
_DOUBTFUL = 1.4  # an image below this ratio is noise if both halves do not have its direction
# cosine of the angle between subspaces: above the first they are shared, below the second not shared
_SAME, _OTHER = 0.9, 0.3
# ratio of the variance along a direction to that along the following ones, which are noise: a clear and a possible step
_STEP, _SMALL_STEP = 1.5, 1.2
AFTER = 3  # number of directions after a step that show the level of noise
_ROUNDING = 1e-10  # smallest variance along a direction, relative to the largest one
_LEVEL = 1.1  # largest variance along most directions of noise that nothing shares
_WEAK = 1.12  # variance along a direction that may then be signal
_HIDING = 1.6  # the same for the weakest direction, below which there may be one more that noise hides
_WHITE = 1.25  # largest variance along directions of noise that channels do not share
# singular value of [B; B C] relative to noise: below the first a tilt, above the second none
_TILT, _NO_TILT, _NO_WEAK_TILT = 1.35, 1.5, 2.7
_SHIFT = 2.0
_WEAK_SIGNAL = 3.0  # variance along the weakest direction, relative to noise, below which the third number holds
_HIGHER = 4.0  # the second, if orders above the first may be among them
_SPECIAL = 3.3  # ratio to that of other smooth multipliers, above which a small value proves a tilt or a shift
# largest variance that functions of other coordinates leave of one, relative to noise and to that before
_EXPLAINED, _LEFT = 2.0, 0.75
_NEARLY = 0.005  # share of a strong coordinate that noise in the other ones leaves


@dataclass(frozen=True)
class Count:
    """Number of directions that are certainly signal, and of those that may be, with the reason as a sentence.

    Both numbers are None if the criterion does not apply to the data. ``confirmed`` tells whether
    directions that both halves of the pixels have give this number.
    """

    sure: int | None
    perhaps: int | None
    reason: str = ""
    confirmed: bool = False

    @property
    def clear(self) -> bool:
        """Whether both numbers are the same."""
        return self.sure is not None and self.sure == self.perhaps

    @property
    def limits(self) -> tuple[int, int] | None:
        """Both numbers; None if the criterion does not apply."""
        return None if self.sure is None or self.perhaps is None else (self.sure, self.perhaps)


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
    if len(variances) <= AFTER or not variances.max() > 0:
        return NOTHING
    variances = np.maximum(variances, _ROUNDING * variances.max())  # data without noise
    steps = np.array([one / variances[i + 1 : i + 1 + AFTER].mean() for i, one in enumerate(variances[:-AFTER])])
    sure, perhaps = (int(np.flatnonzero(steps > least).max(initial=-1)) + 1 for least in (_STEP, _SMALL_STEP))
    if sure == 0:
        return NOTHING
    if np.median(variances[sure:]) < _LEVEL:
        perhaps = max(perhaps, int(np.flatnonzero(variances > _WEAK).max(initial=-1)) + 1)
    if perhaps >= len(steps):
        return Count(None, None, f"both halves have the same {perhaps} spectral directions or more")
    if sure == perhaps:
        return Count(
            sure, sure, confirmed=True, reason=f"both halves of the pixels have the same {sure} spectral directions"
        )
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
    even = variances.size > 0 and float(variances[-AFTER:].mean()) < _WHITE
    unlimited = confirmed.limits is None and bool(confirmed.reason)
    certain = unlimited and not even and images.clear and (images.sure or 0) > _FEW_IMAGES
    if (is_endless(ratios) or unlimited) and not certain:
        return Count(None, None), tuple(filter(None, (images.reason, confirmed.reason)))
    if images.limits is None or confirmed.limits is None:
        one = images if confirmed.limits is None else _with_hidden(confirmed, variances)
        return one, tuple(filter(None, (one.reason,)))
    found = _combined(images.limits, confirmed.limits, ratios, even=even)
    agreed = found.clear and images.sure == confirmed.sure == found.sure
    count = replace(found, confirmed=agreed)
    if count.limits == images.limits:
        return count, (images.reason,)
    return count, (confirmed.reason,) if agreed else (images.reason, confirmed.reason)


def _combined(images: tuple[int, int], confirmed: tuple[int, int], ratios: Float64Array, *, even: bool) -> Count:
    """Return the range that the ranges of images and of confirmed directions leave."""
    sure, perhaps = images
    if not even and sure == perhaps:
        # One image besides the mean may be a smooth gain or tilt of pixels that are not similar otherwise.
        return Count(sure, confirmed[1] if confirmed[0] > sure <= _FEW_IMAGES else sure)
    if even and confirmed == (sure, sure) and sure == int((ratios > _DOUBTFUL).sum()):
        return Count(sure, sure)
    return Count(max(sure, confirmed[0]), max(perhaps, confirmed[1]))


def _with_hidden(count: Count, variances: Float64Array) -> Count:
    """Return the count with one more possible direction if the weakest is so weak that noise may hide another one."""
    number = count.sure or 0
    if not count.clear or number < 2 or len(variances) < number or not variances[number - 1] < _HIDING:
        return count
    return replace(count, perhaps=number + 1, reason=f"{count.reason}, the last one barely above noise")


def is_endless(ratios: Float64Array) -> bool:
    """Whether all images stand above the noise, so that no linear mixture describes the data."""
    return len(ratios) > 0 and int((ratios > WITHIN).sum()) == len(ratios)


def count_variations(evidence: xr.Dataset) -> Variation:
    """Count the directions of the signal that are tilts, shifts or products of others, see :mod:`.variation`."""
    tilt, plain = values_of(evidence, "tilt"), values_of(evidence, "plain")
    found = [
        _repeated(tilt, plain, _TILT, _NO_WEAK_TILT if _is_weak(evidence, len(tilt)) else _NO_TILT, "tilted"),
        # A shifted spectrum may be another material, for example a phase with another lattice constant.
        _repeated(values_of(evidence, "shift"), plain, 0.0, _SHIFT, "shifted"),
        _curved(values_of(evidence, "curve"), values_of(evidence, "straight")),
    ]
    # Second orders of a tilt are functions of its first order, so that criteria may count the same direction twice.
    sure, perhaps = (max(getattr(one, name) for one in found) for name in ("sure", "perhaps"))
    reason = next((one.reason for one in found if (one.sure if sure else one.perhaps) == (sure or perhaps)), "")
    return Variation(sure, perhaps, reason)


def materials(count: Count, varied: Variation) -> tuple[int, int]:
    """Return the smallest and the largest number of components: directions that are signal, less variations."""
    assert count.sure is not None
    assert count.perhaps is not None
    return max(1, count.sure - varied.perhaps), max(1, count.perhaps - varied.sure)


def _repeated(values: Float64Array, plain: Float64Array, below: float, above: float, what: str) -> Variation:
    special = values * _SPECIAL < plain[: len(values)]
    sure = int(np.cumprod(special & (values < below)).sum())
    perhaps = int((values < (_HIGHER if sure else above)).sum())
    if not perhaps:
        return Variation(0, 0)
    perhaps += bool(perhaps < len(values) and values[perhaps] < _HIGHER)  # its second order
    one = "1 of them is a spectrum" if sure == 1 else f"{sure} of them are spectra"
    reason = f"{one} of the others" if sure else "1 of them may be a spectrum of the others"
    reason = f"{reason}, {what} along the channels"
    return Variation(sure, perhaps, reason)


def _is_weak(evidence: xr.Dataset, number: int) -> bool:
    """Whether the weakest of some directions is hardly stronger than noise."""
    variances = values_of(evidence, "variances")
    if number == 0 or len(variances) <= number:
        return True
    return bool(variances[number - 1] < _WEAK_SIGNAL * np.median(variances[number:]))


def _curved(left: Float64Array, before: Float64Array) -> Variation:
    explained = np.flatnonzero((left < np.maximum(_EXPLAINED, _NEARLY * before)) & (left < _LEFT * before))
    if not len(explained):
        return Variation(0, 0)
    return Variation(0, len(left) - int(explained[0]), "the map of 1 of them may be a product of the others")
