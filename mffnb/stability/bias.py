"""Bias of penalised endmembers, from refits of simulated data and from weaker penalties; what the bands assume."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from mffnb.errors import UnsupportedCombinationError
from mffnb.stability.ambiguity import is_selected
from mffnb.stability.refit import Refit, without_data
from mffnb.stability.spread import RunStatistics, alignment, as_matrix
from mffnb.unmixing.auto_volume import ambiguity_note
from mffnb.unmixing.freedom import Freedom
from mffnb.unmixing.record import in_force
from mffnb.unmixing.result import Unmixing

# Terms whose choice of the spectra no refit shows: simulated maps are as smooth as the fitted ones already.
_UNSEEN = {"smoothness": "the smoothness penalty", "terms": "your own terms"}
_CHOOSERS = {"volume": "the smallest volume", "sparsity": "the sparsity penalty"}
# Share of the penalties in the second fit, and how often the displacement of the replicas counts for volume="auto",
# which has no weaker penalty. On 10 simulated scenes (benchmarks.accuracy.coverage, seed 21), 90 % bands held the
# truth in 91 to 97 % of channels with a tenth, and in 89 to 92 % with 0.3. For "auto", once, twice and three times gave
# 83, 89 and 93 %.
_WEAKER = 0.1
_REPEATED = 2.0
# Median freedom (rad) above which bands assume a choice that may be wrong. On 105 random scenes, 82 with a penalty or
# a volume, 20 of these answers were wrong by more than 0.1 rad. The limit 0.1 on the largest freedom, which was used
# before, doubted all 20 and 43 of the 62 right ones; this limit doubts 18 and 15.
_DOUBTFUL = 0.4


@dataclass(frozen=True, eq=False)
class Bias:
    """Bias of the endmembers that a penalty or a volume causes.

    Attributes
    ----------
    displacement
        Distance of the mean over replicas from the result, plus that of the fit with a tenth of the penalties;
        ("component", channel dims), >= 0, in the units of the data.
    freedom
        Freedom that replaces the band, because the bias of the term that chose the spectra cannot be estimated; None
        if the bias can be.
    doubt
        What the bands assume, or why the freedom replaces them; empty if there is nothing to say.
    """

    displacement: xr.DataArray
    freedom: Freedom | None = None
    doubt: str = ""

    def widen(self, lower: xr.DataArray, upper: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
        """Return a band widened by the bias, and at least as wide as the freedom that replaces it.

        A lower end that was >= 0 stays >= 0.
        """
        low, high = lower.values - self.displacement.values, upper.values + self.displacement.values
        if self.freedom is not None:
            low, high = np.fmin(low, self.freedom.lower.values), np.fmax(high, self.freedom.upper.values)
        low = np.where(lower.values >= 0, np.maximum(low, 0.0), low)
        return lower.copy(data=low), upper.copy(data=high)


def weaker_weights(weights: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tenth of the weights of sparsity and volume, without those that are 0 or "auto"."""
    numbers = {name: weights.get(name) for name in _CHOOSERS}
    return {name: _WEAKER * one for name, one in numbers.items() if isinstance(one, (int, float)) and one > 0}


def weaker_fit(answer: Unmixing, given: dict[str, Any], cube: xr.DataArray) -> Unmixing | None:
    """Repeat the fit of a result from its factors with :func:`weaker_weights`; None if there are none."""
    weights = weaker_weights(in_force(answer.parameters))
    if not weights:
        return None
    task = Refit.of(answer, given).task
    refit = Refit(replace(task, physics=replace(task.physics, **weights)))
    return without_data(refit.solve(cube, 0, without_data(answer)))


def bias_of(answer: Unmixing, runs: RunStatistics, weaker: Unmixing | None, cube: xr.DataArray) -> Bias | None:
    """Estimate the bias of a result from its replicas and from the fit with weaker penalties.

    A replica is simulated from the result, so the mean displacement of its refits from the result is the bias of the
    whole rule, as far as the result resembles the truth. It underestimates the bias of a penalty that has already
    changed the result, for example of a volume that is too small; the fit with weaker penalties shows this part. The
    rule for ``volume="auto"`` has no weaker penalty, so its displacement counts twice.

    Smoothness chooses among spectra that fit as well, and no refit shows this choice: the maps of the replicas are
    smooth already. Then the freedom replaces the band.

    Parameters
    ----------
    answer
        The result.
    runs
        Statistics of its replicas.
    weaker
        Result of :func:`weaker_fit`.
    cube
        The data.

    Returns
    -------
    Bias or None
        None if no penalty, volume or term of the user selects among equivalent results.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube
    >>> found = mf.selection.stability(cube, 3, n_init=0, n_bootstrap=9, volume=1e-3, similarity="kl", tol=1e-2)
    >>> bool((found.bias.displacement >= 0).all()), found.bias.freedom
    (True, None)
    """
    if not is_selected(answer):
        return None
    size = np.abs(runs.displacement())
    if weaker is not None:
        spectra = as_matrix(answer.endmembers)
        moved = as_matrix(weaker.endmembers)
        order, factors = alignment(spectra, moved)
        moved = moved[order] if answer.parameters.get("sum_to_one") else moved[order] * factors[:, None]
        size = size + np.abs(moved - spectra)
    elif in_force(answer.parameters).get("volume"):
        size = _REPEATED * size
    endmembers = answer.endmembers
    displacement = endmembers.copy(data=size.reshape(endmembers.shape)).rename("displacement")
    return Bias(displacement, *_freedom_and_doubt(answer, cube))


def _without_sparsity(answer: Unmixing, cube: xr.DataArray) -> Unmixing:
    """Return a result with its data, whose freedom is not narrowed by sparsity: the bands assume this choice."""
    whole = answer if answer.cube is not None else replace(answer, cube=cube)
    if not answer.parameters.get("sparsity"):
        return whole
    return replace(whole, parameters={**answer.parameters, "sparsity": 0.0}, stored_freedom=None)


def _freedom_and_doubt(answer: Unmixing, cube: xr.DataArray) -> tuple[Freedom | None, str]:
    """Return the freedom that replaces the band, if any, and what the bands assume."""
    noted = in_force(answer.parameters)
    unseen = " and ".join(text for name, text in _UNSEEN.items() if noted.get(name))
    chosen = " and ".join(text for name, text in _CHOOSERS.items() if noted.get(name))
    try:
        free = _without_sparsity(answer, cube).freedom
    except UnsupportedCombinationError:  # with a transformation
        reason = f"{unseen} chose these spectra: bands do not contain this choice, compare with a weaker one"
        return None, reason if unseen else ""
    if unseen:
        return free, (
            f"{unseen} chose these spectra, which no bootstrap can check: bands show all spectra that fit as well "
            "(result.freedom), a range and not a confidence interval"
        )
    reasons = []
    angles = free.angle.values[np.isfinite(free.angle.values)]
    if len(angles) and float(np.median(angles)) > _DOUBTFUL:
        reasons.append(f"bands assume that {chosen} chose the right spectra: without it, {free.sentence}")
    note = ambiguity_note(float(noted.get("disagreement", 0.0)))
    if note:
        reasons.append(f"{note}, outside of these bands: see result.alternative")
    return None, "; ".join(reasons)
