"""Agreement of restarts: how many reach the solution of the result, fit as well with other spectra, or fit better."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from mffnb.geometry.matching import spectral_angles
from mffnb.problem.degrees_of_freedom import freedom
from mffnb.stability.ambiguity import is_selected
from mffnb.stability.replicas import LEAST_FREE
from mffnb.stability.spread import RunSpread, as_matrix, objective_of
from mffnb.typing import Float64Array
from mffnb.unmixing.result import Unmixing

# Angle to the spectrum of the result, relative to the smallest angle between two endmembers, up to which a spectrum
# counts as reproduced: as for split halves in mffnb.selection.recommendation.
_REPRODUCED = 0.1


@dataclass(frozen=True)
class Agreement:
    """Comparison of restarts with a result.

    Attributes
    ----------
    restarts
        Number of restarts.
    better
        Number of those with other spectra that fit better than the result by more than noise.
    other
        Number of those with other spectra that fit as well within noise.
    worse
        Number of those with other spectra that fit worse by more than noise.
    angle
        Largest angle (rad) between spectra of ``other`` restarts and those of the result.
    noise
        Largest angle (rad) by which noise alone turns a spectrum; NaN if there are no replicas.

    Examples
    --------
    >>> Agreement(10, 0, 0, 2, 0.0, 0.01).sentence
    '8 of 10 restarts reach this solution, 2 end in a worse local minimum'
    >>> print(Agreement(10, 0, 7, 0, 0.5, 0.02).doubt[:88])
    7 of 10 restarts fit as well within noise, with spectra up to 29 degrees away (noise: 1)
    """

    restarts: int
    better: int
    other: int
    worse: int
    angle: float
    noise: float

    @property
    def sentence(self) -> str:
        """One sentence on the restarts."""
        if self.doubt:
            return self.doubt
        same = f"{self.restarts - self.worse} of {self.restarts} restarts reach this solution"
        return f"{same}, {self.worse} end in a worse local minimum" if self.worse else same

    @property
    def doubt(self) -> str:
        """What the restarts say against the result; empty if they say nothing."""
        parts = []
        if self.better:
            parts.append(
                f"{self.better} of {self.restarts} restarts fit better than the result by more than noise: unmix with "
                f"n_init={max(10, self.restarts)}, and assess that result"
            )
        if self.other:
            by_noise = "" if np.isnan(self.noise) else f" (noise: {np.degrees(self.noise):.1g})"
            parts.append(
                f"{self.other} of {self.restarts} restarts fit as well within noise, with spectra up to "
                f"{np.degrees(self.angle):.0f} degrees away{by_noise}: the start decides between them, so add what you "
                "know (a known spectrum, fractions, volume, sparsity)"
            )
        return "; ".join(parts)


def agreement_of(
    answer: Unmixing, restarts: RunSpread, replicas: RunSpread | None, level: float = 0.9
) -> Agreement | None:
    r"""Compare restarts with a result.

    *Fits as well.* Two solutions with p free parameters each lower the misfit of the noise by a :math:`\chi^2_p`
    variable. If the solutions are equally good, the difference of both has mean 0 and a variance of at most 4 p. A
    difference of objectives is thus noise up to :math:`2 z \sqrt{p}` times the misfit per degree of freedom of the
    residual, with the normal quantile z of ``level``.

    *Other spectra.* A spectrum differs if its angle is larger than the quantile ``level`` over replicas of the noise,
    and larger than a tenth of the angle to the nearest endmember.

    Parameters
    ----------
    answer
        The result.
    restarts, replicas
        Spread over restarts, and over replicas of the noise if there are any.
    level
        Confidence level.

    Returns
    -------
    Agreement or None
        None if a run has no objective, because it ended before the first iteration.
    """
    excess = restarts.objective - objective_of(answer, answer)
    limit = _noise_of_objective(answer, level)
    if not (np.isfinite(excess).all() and np.isfinite(limit)):
        return None
    angles = restarts.angles.values
    noise = np.zeros(angles.shape[1])
    if replicas is not None:
        noise = np.quantile(replicas.angles.values, level, axis=0, method="weibull")
    differs = (angles > np.maximum(noise, _REPRODUCED * _nearest(answer))).any(axis=1)
    other = (np.abs(excess) <= limit) & differs
    return Agreement(
        len(excess),
        int((differs & (excess < -limit)).sum()),
        int(other.sum()),
        int((differs & (excess > limit)).sum()),
        float(angles[other].max(initial=0.0)),
        float(noise.max()) if replicas is not None else np.nan,
    )


def _noise_of_objective(answer: Unmixing, level: float) -> float:
    """Return the difference of objectives up to which two solutions fit as well."""
    made = answer if answer.processed is None else answer.processed
    A, E = (one[:, np.isfinite(one).all(axis=0)] for one in map(as_matrix, (made.abundances, made.endmembers)))
    free, entries = freedom(A, E), A.shape[1] * E.shape[1]
    left = entries * max(1 - free / entries, LEAST_FREE)
    return float(2 * ndtri(level) * np.sqrt(free) * _misfit(answer) / left)


def _misfit(answer: Unmixing) -> float:
    """Return the misfit in the objective of a result, without its penalties.

    For least squares it is half of the squared relative error, because the data are scaled so that the mean squared
    norm of a pixel is 1. For others, penalties are part of it, which are small.
    """
    noted, objective = answer.parameters, objective_of(answer, answer)
    penalised = noted.get("volume") != "auto" and is_selected(answer)
    if penalised and noted.get("similarity") == "frobenius":
        return float(answer.trace["relative_error"][-1]) ** 2 / 2
    return abs(objective)


def _nearest(answer: Unmixing) -> Float64Array:
    """Return the angle (rad) of each endmember to the most similar other one, (k,)."""
    spectra = as_matrix(answer.endmembers)
    spectra = spectra[:, np.isfinite(spectra).all(axis=0)]
    between = spectral_angles(spectra, spectra)
    np.fill_diagonal(between, np.pi / 2)
    return np.asarray(between.min(axis=1))
