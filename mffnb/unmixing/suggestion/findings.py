"""What a sample of a spectral image says about settings: reasons, doubts and the settings that follow from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from mffnb.typing import Array
from mffnb.unmixing.image import Prepared
from mffnb.unmixing.suggestion.bracket import Bracket, bracket
from mffnb.unmixing.suggestion.constraints import EMPTY, FREE, Constraints
from mffnb.unmixing.suggestion.neighbours import Neighbours
from mffnb.unmixing.suggestion.noise import Noise
from mffnb.unmixing.suggestion.sample import Sample
from mffnb.unmixing.suggestion.saturation import Saturation
from mffnb.unmixing.suggestion.suggestion import Reason
from mffnb.unmixing.suggestion.values import Values

_NEGATIVE = 0.01  # share of negative energy that is more than the noise of signals near zero
_SHARED = 0.3  # correlation of the noise of neighbours that is reported
_NOISY = 25.0  # variance of a channel, relative to what its mean explains, that is reported


@dataclass(frozen=True, eq=False)
class Findings:
    """Properties of a sample, and what follows from them.

    Attributes
    ----------
    image, sample
        The preprocessed image, and the part of it that was read.
    values, noise, counted
        Its values, its noise and its number of components.
    given
        Number of components that the user knows; None if it is counted.
    volume
        Whether ``volume="auto"`` may be suggested.
    saturation
        Saturated pixels of the image before preprocessing; None if there are none.
    """

    image: Prepared
    sample: Sample
    values: Values
    noise: Noise
    counted: Bracket
    given: int | None
    volume: bool
    saturation: Saturation | None = None

    @classmethod
    def of(
        cls,
        image: Prepared,
        sample: Sample,
        k: int | None,
        *,
        volume: bool = True,
        saturation: Saturation | None = None,
    ) -> Findings:
        """Examine a sample of an image."""
        counted = bracket(sample, ordered=len(image.layout.channel_shape) == 1, overlapping=image.has_windows)
        return cls(image, sample, Values.of(sample), Noise.of(sample), counted, k, volume, saturation)

    @property
    def k(self) -> int:
        """Suggested number of components."""
        return self.counted.k if self.given is None else self.given

    @property
    def between(self) -> tuple[int, int]:
        """Smallest and largest number of components that remain possible."""
        return self.counted.between if self.given is None else (self.given, self.given)

    @cached_property
    def constraints(self) -> Constraints | None:
        """Evidence for constraints; None where a single component or missing entries leave nothing to decide."""
        if self.k < 2 or self.values.constant or self.sample.gaps > 0 or self.k > min(self.sample.matrix.shape):
            return None
        return Constraints.of(self.sample, self.k, "poisson" if self.counts else None)

    @property
    def counts(self) -> bool:
        """Whether variance is in proportion to the mean, no value is negative, and all steps are linear."""
        chain = self.image.chain
        linear = chain is None or not (chain.bends or self.image.has_windows)
        return linear and self.noise.like_counts and self.values.negative == 0

    @cached_property
    def reasons(self) -> tuple[Reason, ...]:
        """One reason for each property that was examined."""
        return tuple(self._reasons())

    @property
    def settings(self) -> dict[str, Any]:
        """Keywords that follow from the reasons, without k."""
        found: dict[str, Any] = {}
        for one in self.reasons:
            if not one.optional:
                found |= {name: value for name, value in one.settings.items() if name != "k"}
        return found

    def _reasons(self) -> Iterator[Reason]:
        yield self._components()
        yield self._noise_after_steps(self._noise_model())
        yield from self._model()
        yield from self._smoothness()
        yield from self._of_values()
        names = [str(name) for name in self.image.layout.channel_shape]
        if len(names) > 1:
            text = f"each pixel has a pattern over {' x '.join(names)}, which is unmixed like a spectrum"
            yield Reason("channels", text, float(len(names)))

    def _components(self) -> Reason:
        if self.given is not None:
            return Reason("components", f"k = {self.given} is given", float(self.given), {"k": self.given})
        low, high = self.between
        text = self.counted.reason if low == high else f"{self.counted.reason}, so k lies between {low} and {high}"
        return Reason("components", text, float(self.counted.k), {"k": self.counted.k})

    def _noise_model(self) -> Reason:
        noise, power = self.noise, self.noise.power
        if noise.relative == 0:
            return Reason("noise", "there is no noise beyond rounding", 0.0)
        level = f"noise is {noise.relative:.2g} of the signal"
        if self.counts:
            unit = ", and all values are whole: counts" if self.values.step == 1 and noise.is_poisson else ""
            text = f"its variance grows like the mean (power {power:.2f}), {noise.per_count:.3g} times as large{unit}"
            return Reason("noise", f"{level}, {text}", power, {} if self.compact else {"weights": "poisson"})
        if noise.grows_like_counts:
            text = f"its variance grows about like the mean (power {power:.2f}), but {self._why_no_counts}: no counts"
            return Reason("noise", f"{level}, {text}", power)
        if power > noise.PROPORTIONAL:
            return Reason(
                "noise", f"{level}, and grows in proportion to the signal (variance ~ mean^{power:.2f})", power
            )
        return Reason("noise", f"{level}, of about the same size everywhere (variance ~ mean^{power:.2f})", power)

    def _noise_after_steps(self, found: Reason) -> Reason:
        """Say for which values the weights of counts are: those after the steps, of which some change the noise."""
        chain = self.image.chain
        if "weights" in found.settings:
            said = "these weights fit the examined values, not those after a background is subtracted"
        elif not self.counts and chain is not None and chain.signed:
            said = "the steps subtract a mean and leave its noise, so Poisson weights do not fit, even of counts"
        else:
            return found
        return replace(found, text=f"{found.text}; {said}")

    @property
    def _why_no_counts(self) -> str:
        """Reason against counts of data whose variance grows about like the mean."""
        if self.values.negative > 0:
            return "some values are negative"
        if self.noise.like_counts:
            return "a step of the preprocessing is not linear"
        if self.noise.is_shared:
            return f"neighbouring channels share it (correlation {self.noise.along_channels:.2f})"
        return f"not in proportion to it (off by {self.noise.bend:.0%})"

    @property
    def compact(self) -> bool:
        """Whether a simplex of least volume is the better answer: plain spectra could turn far, and noise is low."""
        found = self.constraints
        return self.volume and found is not None and found.needs_volume

    def _model(self) -> Iterator[Reason]:
        found = self.constraints
        if found is None:
            return
        choice = found.choice
        evidence = f"rho {choice.rho:.4g}, threshold {choice.threshold:.4g}"
        turn = f"spectra of a plain fit could turn by up to {int(np.ceil(np.rad2deg(found.freedom)))} degrees"
        zeros = f"{found.empty:.0%} of their entries are about zero"
        if self.compact:
            text = f"{turn}, and {zeros}, so the smallest volume has to choose them"
            yield Reason("volume", text, found.freedom, {"volume": "auto"})
        elif found.empty >= EMPTY:
            yield Reason("volume", f"{turn}, but {zeros}, which makes them nearly unique without a volume", found.empty)
        elif found.freedom <= FREE:
            yield Reason("volume", f"{turn}, so they are nearly unique without a volume", found.freedom)
        else:
            yield Reason("volume", f"{turn}: add what you know of them", found.freedom)
        if choice.gain:
            text = f"abundances sum to one only up to a gain of each pixel ({evidence})"
            yield Reason("fractions", text, choice.rho)
        else:
            settings = {} if self.compact else {"sum_to_one": True}
            yield Reason("fractions", f"abundances may sum to one ({evidence})", choice.rho, settings, optional=True)

    def _smoothness(self) -> Iterator[Reason]:
        found = None if self.values.constant else Neighbours.of(self.sample, self.noise, self.k)
        if found is None:
            return
        if found.worth:
            text = (
                f"the mean of its neighbours predicts a pixel so well that noise of maps could fall to {found.left:.0%}"
            )
            settings = {} if self.compact else {"smoothness": found.weight}
            yield Reason("smoothness", text, found.left, settings, optional=True)
        else:
            text = f"smooth maps would leave {found.left:.0%} of their noise: smoothness is not worth its blur"
            yield Reason("smoothness", text, found.left)

    def _of_values(self) -> Iterator[Reason]:
        values = self.values
        yield Reason("zeros", f"{values.zeros:.1%} of the values are exactly zero", values.zeros)
        if values.step not in (0.0, 1.0):
            yield Reason("steps", f"all values are multiples of {values.step:.4g}: counts with a factor", values.step)
        if values.negative > 0:
            yield Reason("negative", f"{values.negative:.2g} of the energy is negative", values.negative)
        if values.dead.any():
            text = (
                f"{int(values.dead.sum())} of {values.dead.size} channels have one value in all pixels that were read"
            )
            yield Reason("dead channels", text, float(values.dead.sum()))
        if self._noisy.size:
            text = f"{self._noisy.size} channels have more than {_NOISY:g} times the noise of the others"
            yield Reason("noisy channels", text, float(self._noisy.size))

    @cached_property
    def _noisy(self) -> Array:
        """Numbers of channels with far more noise than their mean explains."""
        return np.flatnonzero(self.noise.excess > _NOISY)

    @cached_property
    def doubts(self) -> tuple[str, ...]:
        """One sentence for each thing that should be looked at first."""
        return tuple(self._doubts())

    def _doubts(self) -> Iterator[str]:
        values, noise = self.values, self.noise
        if values.constant:
            yield "all pixels that were read are the same: there is nothing to unmix, look at the data"
            return
        if values.negative > _NEGATIVE:
            yield (
                f"{values.negative:.0%} of the energy is negative, which non-negative factors cannot explain: subtract "
                "the offset, or take the absolute value or the power of lock-in channels"
            )
        if self.saturation is not None:
            yield self.saturation.sentence
        if self._noisy.size:
            listed = ", ".join(map(str, self._noisy[:5])) + (", ..." if self._noisy.size > 5 else "")
            yield f"channels {listed} are far noisier than the others: look at them, and leave them out with mask"
        if self.sample.gaps:
            yield f"{self.sample.gaps:.1%} of the values are missing: they were left out or filled to count components"
        if noise.along_pixels > _SHARED:
            yield (
                f"the noise of neighbouring pixels is correlated ({noise.along_pixels:.2f}), so images of noise may "
                "have been counted: compare with mf.selection.scan_rank"
            )
        if noise.along_channels > _SHARED:
            yield (
                f"the residual of neighbouring channels is correlated ({noise.along_channels:.2f}): spectra vary or "
                "shift, or the detector spreads its noise"
            )
        if self.given is None and not self.counted.sure:
            low, high = self.between
            yield (
                f"k is not certain: {low} to {high} are possible, mf.selection.scan_rank compares them, and may leave "
                "another range open because it uses all pixels, weights and split halves"
            )

    @property
    def evidence(self) -> xr.Dataset:
        """Figures behind the reasons, for a plot."""
        return xr.Dataset(
            {
                "images": ("image", self.counted.ratios),
                "mean": ("channel", self.noise.means),
                "variance": ("channel", self.noise.variances),
            },
            coords={"image": np.arange(1, len(self.counted.ratios) + 1)},
        )
