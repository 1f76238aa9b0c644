"""Start values from the best of three short runs on compressed data: pure pixels, pure channels, NNDSVD."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy import linalg

from mffnb.geometry.compression import gather_pixels
from mffnb.geometry.starts import NNDSVD, split_triplets
from mffnb.kernels import hals
from mffnb.kernels.tiers import numpy_steps
from mffnb.kernels.tiers.tier import choose
from mffnb.matrices import LowRank, replicate_columns
from mffnb.matrices.svd import sketched_svd
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.solver import Chosen
from mffnb.typing import Array, Float64Array

_SWEEPS = 10  # coordinate descent for the first factor that follows from the other one
_INNER = 3  # sweeps over each factor in an iteration
# A pixel or channel darker than this number of standard deviations of the noise is not scaled up to its full size, so
# that its noise does not look like a pure spectrum.
_CLEAR = 10.0
_DARK = 1e-3  # the same without noise, relative to the root mean square
# Pure channels need the better evidence, by this factor. Of 1, 2, 3, 5, 10 and 30, on 212 simulated scenes of 20
# families, 10 and 30 had the smallest errors: a few channels often span smooth spectra on a common background without
# being pure. On the same scenes the tolerance 0.1 had smaller errors than 0.005 to 0.05, since short runs have not
# converged; 0.3 had still smaller ones, but a run with more components than materials then took four times as long.
_DOUBT = 10.0
_PIXELS, _CHANNELS = 0.01, 0.03  # shares whose means are compared where single extreme ones are no evidence
_FAINT = 1e-3  # smallest entry of the result, relative to the mean of its row
_ROUNDING = 1e-10  # misfits below this share of the squared norm are equal


class _Run(NamedTuple):
    """A short run on the subset.

    Attributes
    ----------
    name
        What its start was computed from.
    abundances, endmembers
        A (k, pixels of the subset) and E (k, channels).
    before, after
        Misfit of the start, by which starts of equal fit are compared, and misfit after the last iteration; infinite if
        a component has vanished.
    """

    name: str
    abundances: Float64Array
    endmembers: Float64Array
    before: float
    after: float


@dataclass(frozen=True)
class ShortRuns:
    r"""Best of three short runs on compressed data, which start from pure pixels, from pure channels and from NNDSVD.

    Factors of equal fit may differ, and a run ends near its start. The true factors are extreme ones where some pixels
    hold one component only (pure pixels), or where some channels belong to one component only (pure channels, such as
    separate peaks). The successive projection algorithm selects such pixels, or channels, as extreme rays of the data;
    the other factor follows by non-negative least squares. All runs are made on the k leading singular vectors of X and
    on a random subset of the pixels, so that they cost little beside the two passes over X.

    Of the runs that end within ``tolerance`` of the lowest misfit, the one with the lowest misfit *before* its first
    iteration is kept. Extreme pixels span nearly all others only if they are pure, and extreme channels likewise, so
    the data show which of the two holds. Pure channels need a misfit ten times lower than pure pixels. With two
    components, means of a few extreme pixels or channels are compared.

    Parameters
    ----------
    pixels
        Largest number of pixels in the subset.
    iterations
        Number of iterations of each run.
    tolerance
        Largest excess over the lowest misfit at the end of the runs, relative to it.

    Notes
    -----
    Source of the successive projections: Araujo et al. 2001, Chemom. Intell. Lab. Syst. 57:65; of pure channels:
    separable NMF, Donoho & Stodden 2003, NIPS 16. The choice by the misfit before the first iteration: this package.

    Examples
    --------
    >>> from mffnb.matrices import in_memory
    >>> X = np.array([[2.0, 0.0, 1.0], [1.0, 1.5, 1.0], [0.0, 3.0, 1.0], [1.0, 1.5, 1.0]])
    >>> A, E = ShortRuns().start(in_memory(X), 2, seed=0)
    >>> bool(np.allclose(A.T @ E, X, atol=0.01))
    True
    """

    pixels: int = 2**11
    iterations: int = 10
    tolerance: float = 0.1

    def start(self, matrix: Matrix, components: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """Return A (k, own pixels) and E (k, own channels) in data units."""
        abundances, endmembers, _ = self.choose(matrix, components, seed)
        return abundances, endmembers

    def choose(self, matrix: Matrix, components: int, seed: int) -> Chosen:
        """Make the short runs, and return the best one with its name."""
        return self.choose_from(matrix, sketched_svd(matrix, min(components, *matrix.shape), seed), components, seed)

    def choose_from(
        self, matrix: Matrix, triplets: tuple[Float64Array, Float64Array, Float64Array], components: int, seed: int
    ) -> Chosen:
        """Make the short runs on these singular triplets, of which the first k are used; return the best run."""
        left, values, right = (part[:components] for part in triplets)
        by_svd = Chosen(*split_triplets(matrix, left, values, right, components), repr(NNDSVD()))
        if components == 1 or len(values) < components:
            return by_svd
        # Scores of rms order 1: the kernels take very small Gram matrices for zero.
        unit = float(values[0]) / np.sqrt(matrix.shape[0])
        scores, channels = (values / unit)[:, None] * left, replicate_columns(matrix, right)
        drawn = self._drawn(matrix.shape[0], seed)
        subset = LowRank(gather_pixels(matrix, scores, drawn), channels)
        rest = max(float(matrix.squared_norm) - float(values @ values), 0.0) / (unit**2 * matrix.shape[0])  # a pixel
        runs = self._pure_runs(subset, components, values / unit, np.sqrt(rest / matrix.shape[1]))
        root = np.sqrt(unit)
        A, E = gather_pixels(matrix, by_svd.abundances, drawn), replicate_columns(matrix, by_svd.endmembers)
        runs.append(_run(subset, by_svd.name, A / root, E / root, np.inf, self.iterations))
        # Ranks whose rounding errors differ choose the same run.
        best = int(matrix.minimum(np.array(float(self._best(runs, rest * len(drawn), subset.squared_norm)))))
        if not np.isfinite(runs[best].after):
            return by_svd
        abundances = _fit(LowRank(scores, channels), runs[best].endmembers) * unit
        endmembers = np.ascontiguousarray(runs[best].endmembers[:, matrix.own_columns])
        for factor, entries in ((abundances, matrix.shape[0]), (endmembers, matrix.shape[1])):
            # Multiplicative updates leave zeros at zero, so there are none.
            faint = _FAINT / entries * matrix.total(factor.sum(axis=1))
            np.maximum(factor, faint[:, None], out=factor)
        return Chosen(abundances, endmembers, runs[best].name)

    def _drawn(self, pixels: int, seed: int) -> Array:
        """Draw the pixels of the subset, which are the same on every rank; return their indices."""
        if pixels <= self.pixels:
            return np.arange(pixels)
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(6,)))
        return np.sort(generator.choice(pixels, self.pixels, replace=False))

    def _pure_runs(self, data: LowRank, components: int, values: Float64Array, noise: float) -> list[_Run]:
        """Make the runs from pure pixels and from pure channels.

        Parameters
        ----------
        data
            Compressed pixels of the subset.
        components
            Number of components k.
        values
            Singular values of all pixels.
        noise
            Standard deviation of the noise of a score of a pixel, and of a channel.
        """
        runs = []
        for name, share, doubt, pure in (
            ("pure pixels", _PIXELS, 1.0, partial(_pure_pixels, data, components, noise)),
            ("pure channels", _CHANNELS, _DOUBT, partial(_pure_channels, data, components, noise, values)),
        ):
            A, E = pure(0.0)
            # Two extreme pixels span all others, as two extreme channels do: means of some are compared then.
            before = _misfit(data, *pure(share)) if components == 2 else doubt * _misfit(data, A, E)
            runs.append(_run(data, name, A, E, before, self.iterations))
        return runs

    def _best(self, runs: Sequence[_Run], rest: float, size: float) -> int:
        """Return the index of the run whose start fits best, of those that end near the lowest misfit.

        Parameters
        ----------
        runs
            Runs in the order of preference where misfits are equal.
        rest
            Squared norm of the part of the subset that the compression has removed.
        size
            Squared norm of the compressed subset.
        """
        rounding = _ROUNDING * size
        enough = (1 + self.tolerance) * (rest + min(run.after for run in runs)) + rounding
        near = [number for number, run in enumerate(runs) if rest + run.after <= enough]
        return min(near, key=lambda number: max(runs[number].before, rounding))


def perspective(points: Float64Array, floor: float) -> Float64Array:
    """Scale points (dimensions, n) to the plane that is normal to their mean, along their rays from the origin.

    A point whose component along the mean is below ``floor`` is scaled as if it had that component.
    """
    mean = points.sum(axis=1)
    along = (mean / (np.linalg.norm(mean) or 1.0)) @ points
    least = max(floor, _DARK * float(np.sqrt(np.mean(np.square(along)))), np.finfo(float).tiny)
    return np.asarray(points / np.maximum(along, least))


def extreme_rays(points: Float64Array, components: int, share: float) -> Float64Array:
    """Select k extreme points (dimensions, n) by successive projections; return them as rows (k, dimensions).

    With ``share`` > 0 the mean of this share of the points, which reach farthest in the direction of the extreme one,
    takes its place.
    """
    count, rest = max(1, round(share * points.shape[1])), points.copy()
    rays = np.empty((components, len(points)))
    for ray in rays:
        lengths = np.einsum("ri,ri->i", rest, rest)
        reach = rest[:, int(np.argmax(lengths))] @ rest
        some = np.argpartition(-reach, count - 1)[:count] if count > 1 else [int(np.argmax(lengths))]
        ray[:] = points[:, some].mean(axis=1)
        direction = rest[:, some].mean(axis=1)
        direction /= np.linalg.norm(direction) or 1.0
        rest -= np.outer(direction, direction @ rest)
    return rays


def _pure_pixels(data: LowRank, components: int, noise: float, share: float) -> tuple[Float64Array, Float64Array]:
    """Take the spectra of extreme pixels as E, and fit A."""
    rays = extreme_rays(perspective(data.left, _CLEAR * noise), components, share)
    endmembers = np.maximum(rays @ data.right, 0.0)
    return _fit(data, endmembers), endmembers


def _pure_channels(
    data: LowRank, components: int, noise: float, values: Float64Array, share: float
) -> tuple[Float64Array, Float64Array]:
    """Take the maps of extreme channels as A, and fit E; ``values`` are the singular values of all pixels."""
    rays = extreme_rays(perspective(values[:, None] * data.right, _CLEAR * noise), components, share)
    abundances = np.maximum((rays / values) @ data.left, 0.0)
    return abundances, _fit(data.transposed, abundances)


def _fit(data: LowRank, basis: Float64Array) -> Float64Array:
    """Minimise the misfit over the non-negative factor (k, rows) for a given one (k, columns), nearly exactly."""
    gram, cross = basis @ basis.T, data.times(basis)
    factor: Float64Array = np.maximum(linalg.pinvh(gram) @ cross, 0.0)
    _sweep(factor, gram, cross, _SWEEPS)
    return factor


def _sweep(factor: Float64Array, gram: Float64Array, cross: Float64Array, sweeps: int) -> None:
    choose(hals.sweep_non_negative, numpy_steps.sweep_non_negative)(factor, gram, cross, sweeps)


def _run(
    data: LowRank, name: str, abundances: Float64Array, endmembers: Float64Array, before: float, iterations: int
) -> _Run:
    """Make so many iterations of coordinate descent, in place."""
    A, E = abundances, endmembers
    for _ in range(iterations):
        _sweep(E, A @ A.T, data.transposed_times(A), _INNER)
        _sweep(A, E @ E.T, data.times(E), _INNER)
    complete = A.any(axis=1).all() and E.any(axis=1).all()
    return _Run(name, A, E, before, _misfit(data, A, E) if complete else np.inf)


def _misfit(data: LowRank, abundances: Float64Array, endmembers: Float64Array) -> float:
    """Return the squared norm of X - A E."""
    size = np.vdot(abundances @ abundances.T, endmembers @ endmembers.T)
    return max(float(data.squared_norm - 2 * np.vdot(abundances, data.times(endmembers)) + size), 0.0)
