"""A slowly varying background below narrow peaks, such as fluorescence: whether it varies on its own across the map."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.polynomial import legendre

from mffnb.matrices.svd import randomized_svd
from mffnb.preprocessing import AsymmetricBaseline
from mffnb.typing import Float64Array
from mffnb.unmixing.suggestion.bracket import Bracket, bracket
from mffnb.unmixing.suggestion.sample import Sample
from mffnb.unmixing.suggestion.suggestion import Reason

_CHANNELS = 100  # fewest channels in which a background and peaks differ in width
_SLOW, _BROAD = 7, 20  # degrees of polynomials that hold a background, and broad bands as well
# On 56 random scenes of peaks on 0 to 3 backgrounds 0.42 to 0.85 of the signal was narrower than the broad
# polynomials, on scenes of broad bands 0.11 at most.
_NARROW = 0.3
# The smoothness of the baseline is (channels / this)^4. Of 4, 6, 8, 12 and 16, 8 gave the smallest mean angle on 12
# such scenes (0.080 rad; the others 0.09 to 0.11).
_BEND = 8.0
# With less noise than this part of the signal, spectra above a baseline were better than those of the whole data in 6
# of 8 such scenes; with more in none of 7, since an asymmetric baseline follows the noise.
_CLEAR = 0.3


@dataclass(frozen=True, eq=False)
class Background:
    """Number of components with and without slowly varying parts of the spectra.

    Attributes
    ----------
    whole, peaks
        The count in the data, and in data from which polynomials of low degree were removed, spectrum by spectrum.
    narrow
        Share of the energy of the latter that polynomials of higher degree do not hold: near 1 for narrow peaks.
    channels
        Number of channels.
    noise
        Root mean square of the noise relative to that of the data.
    subtracted
        Whether the user preprocesses the data already; no step is added then.
    """

    whole: Bracket
    peaks: Bracket
    narrow: float
    channels: int
    noise: float
    subtracted: bool = False

    @classmethod
    def of(
        cls, sample: Sample, whole: Bracket, noise: float, *, subtracted: bool = False, seed: int = 0
    ) -> Background | None:
        """Compare the counts of a sample; None if there are too few channels for a background."""
        channels = sample.values.shape[1]
        if channels < _CHANNELS or len(sample.values) < 2 or whole.k < 3:
            return None
        slow, broad = (_polynomials(channels, degree) for degree in (_SLOW, _BROAD))
        values = sample.values.astype(np.float64)
        peaks = replace(sample, values=values - (values @ slow) @ slow.T)
        counted = bracket(peaks, ordered=True, seed=seed)
        rank = min(counted.k, *values.shape)
        _, sizes, spectra = randomized_svd(peaks.matrix, rank, seed)
        signal = sizes[:, None] * spectra
        energy = float(np.sum(signal**2))
        held = float(np.sum((signal @ broad) ** 2)) / energy if energy > 0 else 1.0
        return cls(whole, counted, 1 - held, channels, noise, subtracted)

    @property
    def found(self) -> bool:
        """Whether narrow peaks are left, of fewer components than the data have."""
        return 2 <= self.peaks.k < self.whole.k and self.narrow > _NARROW

    @cached_property
    def steps(self) -> list[AsymmetricBaseline]:
        """Baseline that follows the background and not the peaks; empty if it would follow the noise."""
        if self.subtracted or self.noise >= _CLEAR:
            return []
        return [AsymmetricBaseline(float(f"{(self.channels / _BEND) ** 4:.1e}"))]

    @property
    def reason(self) -> Reason:
        """The counts as a sentence, with the step that removes the background."""
        text = (
            f"{self.whole.k} images stand above the noise, but only {self.peaks.k} without slowly varying parts of the "
            "spectra: a background varies across the map on its own, so no volume is suggested"
        )
        if self.steps:
            text += "; what a baseline leaves of it may count as further components"
        elif not self.subtracted:
            text += f"; the noise is too high for a baseline ({self.noise:.2g} of the signal)"
        return Reason(
            "background", text, float(self.whole.k - self.peaks.k), {"preprocess": self.steps} if self.steps else {}
        )


def _polynomials(channels: int, degree: int) -> Float64Array:
    """Return orthonormal polynomials up to a degree, (channels, degree + 1)."""
    return np.asarray(np.linalg.qr(legendre.legvander(np.linspace(-1, 1, channels), degree))[0])
