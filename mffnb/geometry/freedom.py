r"""Rotational freedom: how far each endmember can turn while another pair of non-negative factors fits as well.

For any invertible T, :math:`A E = (A T^{-1}) (T E)`: data determine the factors only up to such a T. Of these pairs
those are possible whose entries are not negative beyond the noise, and that satisfy the constraints and the sparsity
of the run. The angle between an endmember and the farthest one found in them is its freedom: an inner approximation of
the feasible region, by single pairs and by a random walk.

Sources: Lawton & Sylvestre 1971, Technometrics 13:617; Borgen & Kowalski 1985, Anal. Chim. Acta 174:1; Donoho & Stodden
2003, Proc. NIPS 16 (when factors are unique); Tauler 2001, J. Chemometrics 15:627 (bands of feasible profiles).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg

from mffnb.kernels.freedom import FAR, limit_growth, limit_step, walk
from mffnb.matrices import in_memory
from mffnb.matrices.svd import randomized_svd
from mffnb.typing import Array, Float64Array

_SURE = 3.0  # standard deviations below zero that noise explains
_CLEAR = 5.0  # signal-to-noise ratio that an endmember must keep
_FLOOR = 1e-3  # smallest variance, relative to the mean one
_PIXELS = 16384  # largest number of pixels that limit the moves; more are sampled
_FEW, _DIRECTIONS = 256, 192  # points that are all kept, and random directions in which others are sought
_COMPARED = 200  # residuals of pixels that are compared for the correlation of channels
_STATES, _ROUNDS = 64, 2  # states of an endmember that the band shows; how often the walk begins again
_FEWEST, _MOST = 1000, 64000
_STEP = 1000  # moves of one endmember between two checks whether the search goes on: a few milliseconds


def most_moves(components: int) -> int:
    """Return the number of moves after which the angle of k endmembers hardly grows.

    On 40 simulated scenes (15 to 40 dB or 20 to 2000 counts), four times as many moves put no further true endmember
    within reach at k <= 5; more than 64000 moves were not tried.
    """
    return int(np.clip(_FEWEST * 4.0 ** (components - 3), _FEWEST, _MOST))


@dataclass(frozen=True, eq=False)
class EntryNoise:
    """Variance of the noise of each entry of X, as the product of a number of its pixel and a number of its channel.

    Attributes
    ----------
    pixels
        Relative variance of each pixel, (pixels,), 1 on average: a constant plus a part in proportion to its signal.
    channels
        Variance of each channel, (channels,), in squared units of the data. Where noise is correlated between channels,
        it is larger by the ratio of all channels to independent ones.
    """

    pixels: Float64Array
    channels: Float64Array

    @classmethod
    def of(cls, residuals: Array, sampled: Array, signal: Array) -> EntryNoise:
        """Estimate the noise from residuals of some pixels.

        Parameters
        ----------
        residuals
            X - A E in some pixels, (some, channels), NaN where data are missing.
        sampled
            Numbers of these pixels.
        signal
            Relative signal of all pixels, (pixels,), 1 on average.
        """
        squares = np.where(np.isnan(residuals), 0.0, residuals) ** 2
        seen = ~np.isnan(residuals)
        rows = squares.sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
        columns = squares.sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
        mean = max(float(rows.mean()), np.finfo(float).tiny)
        constant, slope = _non_negative_line(signal[sampled], rows / mean)
        columns = np.maximum(columns, _FLOOR * mean)
        every = max(1, len(rows) // _COMPARED)
        some = np.where(seen, residuals, 0.0)[::every] / np.sqrt(columns)
        some = some / np.maximum(np.linalg.norm(some, axis=1, keepdims=True), np.finfo(float).tiny)
        apart = ~np.eye(len(some), dtype=bool)
        # The mean squared cosine between two random directions is 1 over the number of independent channels.
        alike = float(np.mean((some @ some.T)[apart] ** 2)) if len(some) > 1 else 0.0
        return cls(np.maximum(constant + slope * signal, _FLOOR), columns * max(1.0, alike * len(columns)))

    def pattern(self, residuals: Array, sampled: Array) -> float:
        r"""Return the largest singular value of residuals over the largest one of independent noise of this variance.

        For n pixels and c channels of independent noise the latter is :math:`\sqrt n + \sqrt c` (Marchenko & Pastur
        1967).
        """
        scaled = np.where(np.isnan(residuals), 0.0, residuals) / np.sqrt(self.pixels[sampled])[:, None]
        scaled = scaled / np.sqrt(np.maximum(np.mean(scaled**2, axis=0), np.finfo(float).tiny))
        rows, columns = scaled.shape
        gram = scaled @ scaled.T if rows < columns else scaled.T @ scaled
        largest = np.sqrt(max(float(linalg.eigvalsh(gram, subset_by_index=[len(gram) - 1] * 2)[0]), 0.0))
        return float(largest / (np.sqrt(rows) + np.sqrt(columns)))


def pattern_of_subspace(data: Float64Array, sampled: Array, signal: Array, rank: int, seed: int = 0) -> float:
    """Return :meth:`EntryNoise.pattern` for the residuals of the best subspace, which obeys no sign and no constraint.

    Parameters
    ----------
    data
        Some pixels of X, (some, channels), without missing entries.
    sampled, signal
        Numbers of these pixels, and relative signal of all pixels, as for :meth:`EntryNoise.of`.
    rank
        Number of dimensions.
    """
    noise = EntryNoise(np.ones(len(signal)), np.ones(data.shape[1]))
    for _ in range(2):  # the second subspace is that of data whose noise is about the same in all entries
        of_pixels, of_channels = np.sqrt(noise.pixels[sampled])[:, None], np.sqrt(noise.channels)
        levelled = data / of_pixels / of_channels
        _, _, spectra = randomized_svd(in_memory(levelled), min(rank, *data.shape), seed)
        residuals = (levelled - (levelled @ spectra.T) @ spectra) * of_pixels * of_channels
        noise = EntryNoise.of(residuals, sampled, signal)
    return noise.pattern(residuals, sampled)


@dataclass(frozen=True, eq=False)
class Rotations:
    """How far endmembers can turn without a worse fit.

    Attributes
    ----------
    pairs
        Largest angle (rad) of each endmember if one other endmember is mixed with it, (k,).
    angles
        Largest angle (rad) found if all of them move together, (k,).
    partners
        Number of the endmember with which it can be mixed farthest, (k,); -1 if there is none.
    lower, upper
        Smallest and largest value of each endmember in the pairs of factors that were met, (k, channels).
    moves
        Number of moves of the walk of each endmember.
    """

    pairs: Float64Array
    angles: Float64Array
    partners: Array
    lower: Float64Array
    upper: Float64Array
    moves: int


def rotations(
    A: Float64Array,
    E: Float64Array,
    noise: EntryNoise,
    *,
    fixed: Sequence[int] = (),
    signed: bool = False,
    fractions: bool = False,
    growth: float = np.inf,
    moves: int | None = None,
    seed: int = 0,
) -> Rotations:
    """Find how far each endmember can turn while another pair of non-negative factors fits as well.

    Parameters
    ----------
    A, E
        Factors, (k, pixels) and (k, channels); no endmember and no map is zero everywhere.
    noise
        Variances of the entries of X.
    fixed
        Numbers of endmembers that are known and do not move.
    signed
        Whether endmembers may be negative: then only the maps limit them.
    fractions
        Whether abundances sum to one, without a gain. A mixture is divided by the sum of its coefficients, so this sum
        must be positive; any other mixture keeps the sum of the abundances.
    growth
        Largest growth of the L1 norm of the maps, for endmembers of norm 1, relative to that of A; infinite if no
        sparsity is requested.
    moves
        Number of moves of the walk; None for as many as k asks for, see :func:`most_moves`.
    seed
        Seed of the walk.

    Examples
    --------
    A third of the pixels are pure in either component, and each has a channel without the other: nothing can turn.

    >>> A = np.array([[1.0, 0, 0.5] * 20, [0.0, 1, 0.5] * 20])
    >>> E = np.array([[1.0, 0, 2, 1], [0.0, 1, 1, 3]])
    >>> noise = EntryNoise(np.ones(60), np.full(4, 1e-12))
    >>> rotations(A, E, noise).angles.round(3).tolist()
    [0.0, 0.0]

    Without pure pixels, both can.

    >>> mixed = np.array([[0.7, 0.3], [0.3, 0.7]]) @ A
    >>> bool((rotations(mixed, E + 1, noise).angles > 0.1).all())
    True
    """
    search = RotationSearch(
        A, E, noise, fixed=fixed, signed=signed, fractions=fractions, growth=growth, moves=moves, seed=seed
    )
    for _ in search.steps():
        pass
    return search.found


class RotationSearch:
    """The search of :func:`rotations` in small steps, between which it may be left; parameters are those of it.

    Examples
    --------
    >>> A, E = np.array([[0.7, 0.3] * 20, [0.3, 0.7] * 20]), np.array([[1.0, 2, 3, 2], [2.0, 1, 2, 4]])
    >>> search = RotationSearch(A, E, EntryNoise(np.ones(40), np.full(4, 1e-12)))
    >>> angles = [search.found.angles for _ in search.steps()]
    >>> bool((np.diff(angles, axis=0) >= 0).all())
    True
    """

    def __init__(
        self,
        A: Float64Array,
        E: Float64Array,
        noise: EntryNoise,
        *,
        fixed: Sequence[int] = (),
        signed: bool = False,
        fractions: bool = False,
        growth: float = np.inf,
        moves: int | None = None,
        seed: int = 0,
    ) -> None:
        k = len(E)
        self._fractions, self._growth, self._totals = fractions, growth, A.sum(axis=1)
        self._E, self._size, self._signed, self._seed = E, np.linalg.norm(E, axis=1), signed, seed
        self._moves = most_moves(k) if moves is None else moves
        of_pixels = noise.pixels
        if A.shape[1] > _PIXELS:
            some = np.random.default_rng(seed).choice(A.shape[1], _PIXELS, replace=False)
            A, of_pixels = A[:, some], of_pixels[some]
        movable = [i for i in range(k) if i not in set(fixed)]
        self._movable = np.array(movable if k > 1 else [], dtype=np.int64)
        self._factors = A, of_pixels, noise.channels
        self._pairs, self._angles, self._partners = np.zeros(k), np.zeros(k), np.full(k, -1)
        self._mixtures: dict[int, Float64Array] = {}
        self._walks: dict[int, _Walk] = {}

    def steps(self) -> Iterator[bool]:
        """Search on; a step takes some milliseconds. Yield whether all endmembers have been turned in pairs."""
        if not len(self._movable):
            return
        A, of_pixels, of_channels = self._factors
        size = self._size
        bounds = _Bounds.of(A * size[:, None], self._E / size[:, None], of_pixels, of_channels, signed=self._signed)
        bounds = bounds.with_growth(self._totals * size, self._growth)
        yield False
        hull = bounds.hull(self._seed)
        if self._fractions:
            bounds, hull = bounds.with_sum(1 / size), hull.with_sum(1 / size)
        yield False
        for i in map(int, self._movable):
            self._pairs[i], self._partners[i], self._mixtures[i] = bounds.pairs(i)
            self._angles[i] = self._pairs[i]
            yield False
        for i in map(int, self._movable):
            rng = np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=(17, i)))
            self._walks[i] = _Walk(hull, i, self._movable, rng.random((self._moves, 3)))
        for first in range(0, self._moves, _STEP):  # all of them in turn, so that all bands grow
            for i, walked in self._walks.items():
                self._angles[i] = max(walked.go_on(first, min(first + _STEP, self._moves)), self._pairs[i])
                yield True

    @property
    def found(self) -> Rotations:
        """What has been found so far."""
        lower, upper, units = self._E.copy(), self._E.copy(), self._E / self._size[:, None]
        for i, mixtures in self._mixtures.items():
            states = self._walks[i].found if i in self._walks else np.empty((0, len(self._E)))
            turned = np.vstack([mixtures, states]) @ units * self._size[i]  # as long as the given endmember
            seen = np.vstack([turned, self._E[i]])
            lower[i], upper[i] = seen.min(axis=0), seen.max(axis=0)
        return Rotations(
            self._pairs.copy(),
            self._angles.copy(),
            self._partners.copy(),
            lower if self._signed else np.maximum(lower, 0.0),
            upper,
            self._moves if len(self._movable) else 0,
        )


@dataclass(frozen=True, eq=False)
class _Bounds:
    """Factors with endmembers of norm 1, and how far below zero their entries may fall.

    Attributes
    ----------
    A, E, gram
        Factors, (k, pixels) and (k, channels), and ``E E^T``.
    of_maps, of_spectra
        Covariance matrices (k, k) of the abundances of a pixel and the entries of a channel whose variance is 1.
    pixels, channels
        Largest multiple of their standard deviations by which entries may be negative, (pixels,) and (channels,).
    noise
        Smallest ratio of the squared norm of an endmember to its variance in ``of_spectra``.
    totals, most
        Sum of each map over all pixels, (k,), and the largest sum of all of them.
    """

    A: Float64Array
    E: Float64Array
    gram: Float64Array
    of_maps: Float64Array
    of_spectra: Float64Array
    pixels: Float64Array
    channels: Float64Array
    noise: float
    totals: Float64Array
    most: float = np.inf

    @classmethod
    def of(cls, A: Float64Array, E: Float64Array, of_pixels: Array, of_channels: Array, *, signed: bool) -> _Bounds:
        gram = E @ E.T
        back = np.linalg.pinv(gram, hermitian=True) @ E
        return cls(
            A=A,
            E=E,
            gram=gram,
            of_maps=(back * of_channels) @ back.T,
            of_spectra=np.asarray(np.linalg.pinv((A / of_pixels) @ A.T, hermitian=True), dtype=np.float64),
            pixels=_SURE * np.sqrt(of_pixels),
            channels=np.full(len(of_channels), np.inf) if signed else _SURE * np.sqrt(of_channels),
            noise=_CLEAR**2 * float(of_channels.sum()),
            totals=A.sum(axis=1),
        )

    def hull(self, seed: int) -> _Bounds:
        """Return the same bounds with those pixels and channels only that limit the mixtures."""
        p = _extreme(self.A, self.pixels * np.sqrt(np.diag(self.of_maps))[:, None], seed)
        c = _extreme(self.E, self.channels * np.sqrt(np.diag(self.of_spectra))[:, None], seed)
        return replace(
            self,
            A=np.ascontiguousarray(self.A[:, p]),
            E=np.ascontiguousarray(self.E[:, c]),
            pixels=self.pixels[p],
            channels=self.channels[c],
        )

    def with_sum(self, shares: Float64Array) -> _Bounds:
        """Return the bounds with one more channel, that of the sums of coefficients, which must not fall below zero."""
        return replace(
            self,
            E=np.ascontiguousarray(np.hstack([self.E, shares[:, None]])),
            channels=np.append(self.channels, 0.0),
        )

    def with_growth(self, totals: Float64Array, growth: float) -> _Bounds:
        """Return the bounds with these sums of the maps, which may grow by this part."""
        return replace(self, totals=totals, most=(1 + growth) * float(totals.sum()))

    def pairs(self, who: int) -> tuple[float, int, Float64Array]:
        """Mix one endmember with each other one as far as both signs allow.

        Returns
        -------
        angle, partner, mixtures
            The largest angle (rad), the endmember that it is reached with, and the coefficients of all mixtures with
            norm 1, (2 (k - 1), k).
        """
        best, partner, found = 0.0, -1, []
        for j in range(len(self.E)):
            if j == who:
                continue
            for t in self._steps(who, j):
                row = np.zeros(len(self.E))
                row[who], row[j] = 1.0, t
                length, along = row @ self.gram @ row, row @ self.gram[who]
                if along <= 0 or length <= self.noise * (row @ self.of_spectra @ row):
                    continue
                found.append(row / np.sqrt(length))
                angle = float(np.arccos(min(1.0, along / np.sqrt(length))))
                best, partner = (angle, j) if angle > best else (best, partner)
        return best, partner, np.array(found).reshape(-1, len(self.E))

    def _steps(self, i: int, j: int) -> tuple[float, float]:
        """Return the smallest and the largest t for which ``e_i + t e_j`` and ``a_j - t a_i`` are possible."""
        of_map, of_spectrum = (np.sqrt(max(one, 0.0)) for one in (self.of_maps[j, j], self.of_spectra[i, i]))
        low, high = limit_step(self.A[i], self.A[j], self.pixels, of_map, 1.0, -FAR, FAR)
        low, high = limit_step(self.E[j], self.E[i], self.channels, of_spectrum, -1.0, low, high)
        if np.isfinite(self.most):
            low = limit_growth(self.totals[i], self.gram[i, j], self.most - self.totals.sum(), low)
        return low, high


class _Walk:
    """A walk over all endmembers that seeks the largest angle of one of them."""

    def __init__(self, bounds: _Bounds, who: int, movable: Array, draws: Float64Array) -> None:
        self._start = bounds.A, bounds.E, bounds.of_maps, bounds.of_spectra, bounds.totals[:, None].copy()
        self._state = tuple(map(np.empty_like, self._start))
        k = len(bounds.E)
        self._mixing, self._nearest = np.empty((k, k)), np.ones(1)
        self._bounds, self._who, self._movable, self._draws = bounds, who, movable, draws
        self.found = np.zeros((_STATES + 1, k))
        """Coefficients of the endmember in some of its states; the last ones are those of the largest angle."""
        self.found[:, who] = 1.0

    def go_on(self, first: int, last: int) -> float:
        """Make some moves; return the largest angle (rad) so far."""
        bounds = self._bounds
        angle = walk(
            self._start, self._state, self._mixing, self._nearest, bounds.pixels, bounds.channels, bounds.gram,
            bounds.noise, bounds.most, self._who, self._movable, self._draws, max(1, len(self._draws) // _ROUNDS),
            first, last, self.found,
        )  # fmt: skip
        return float(angle)


def _non_negative_line(x: Array, y: Array) -> tuple[float, float]:
    """Fit ``y ~ constant + slope x`` by least squares with both numbers >= 0, for x >= 0 and y >= 0."""
    size = float(x @ x)
    alone = max(float(x @ y) / size, 0.0) if size > 0 else 0.0
    spread = x - x.mean()
    varied = float(spread @ spread)
    slope = float(spread @ y) / varied if varied > 1e-12 * size else 0.0
    constant = float(y.mean()) - max(slope, 0.0) * float(x.mean())
    return (constant, max(slope, 0.0)) if constant >= 0 else (0.0, alone)


def _extreme(rows: Float64Array, slack: Float64Array, seed: int) -> Array:
    """Return the numbers of the points, given as the columns of (k, n), that bound the possible mixtures.

    They are sought along all pairs of axes and in random directions, by their lowest possible values.
    """
    k, n = rows.shape
    if n <= _FEW or not np.isfinite(slack).all():
        return np.arange(n)
    total = rows.sum(axis=0) + slack.sum(axis=0) + np.finfo(float).tiny
    shares, loose = rows / total, slack / total
    normals = np.eye(k)[np.arange(_DIRECTIONS) % k]
    normals -= np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(18,))).dirichlet(
        np.full(k, 0.5), _DIRECTIONS
    )
    found = {int(np.argmin(normal @ shares + np.abs(normal) @ loose)) for normal in normals}
    for i in range(k):
        there = np.flatnonzero(rows[i] > 0)
        with np.errstate(over="ignore"):  # a denormal abundance gives infinity, which is no minimum
            ratios = (rows[:, there] + slack[:, there]) / rows[i, there]
        found.update(there[ratios.argmin(axis=1)].tolist())
    return np.array(sorted(found))
