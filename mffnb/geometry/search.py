r"""How each of the two models looks for its corners: starts, short runs, the best of them to the end.

Where abundances sum to one: the smallest simplex (:mod:`mffnb.geometry.facets`), best of some starts. Where they do so
up to a gain per pixel, pixels are first brought to nearly one length (:mod:`mffnb.matrices.pixel_gain`), so that the
cone of mixtures is a simplex again, seen in perspective, and pixels weigh by their noise. Then
:func:`mffnb.geometry.refine.refine` with :math:`\mu = c\, e_{k+1}`, the largest eigenvalue of the pixels that k
endmembers leave, from many starts at c = 1. The best goes on to c = 2; starts are not compared there, where the lowest
objective can be a wrong minimum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mffnb.geometry.archetypal import Archetypal
from mffnb.geometry.clusters import group_means
from mffnb.geometry.compression import compress
from mffnb.geometry.facets import noisy_simplex
from mffnb.geometry.inverted import other_way_round
from mffnb.geometry.matching import match, spectral_angles
from mffnb.geometry.pure_pixels import NFINDR, farthest_pixels, lifted
from mffnb.geometry.refine import Point, refine
from mffnb.geometry.sisal import smallest_simplex
from mffnb.kernels.hals import sweep_free
from mffnb.kernels.simplex import sweep_simplex
from mffnb.matrices import LowRank, Scaled
from mffnb.matrices.pixel_gain import perspective
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array

_RANK = 30
_FLOOR = 1e-6  # of the squared length of the pixels: the volume of noise-free data still has a price
_HARDNESS = (5.0, 20.0, 80.0)  # of the simplex, for starts with a gain
_CONTINUATION = (1.5, 2.0)
_SEARCH_PIXELS, _FINISH_PIXELS, _COMPARE_PIXELS = 4000, 10000, 1500
_SHORT, _LONG = 100, 500
_SAME = 0.01  # rad: closer answers are one
_KEPT = 3
_TRIES = 3
_RESTARTS = 8


@dataclass(frozen=True, eq=False)
class Progress:
    """Where the search stands.

    Attributes
    ----------
    stage
        ``"search"``, ``"finish"`` or ``"continue"``.
    start
        Which start this is about, ``"k-means"`` say.
    objective
        Of the current point; comparable within a stage only.
    endmembers
        The current ones (k, channels), each up to a factor.
    weight
        Price of volume.
    settled
        Whether this start has come to its end in this stage.
    seconds
        Since the beginning.
    """

    stage: str
    start: str
    objective: float
    endmembers: Float64Array
    weight: float
    settled: bool = True
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class SumToOne:
    """Fractions that sum to one.

    Parameters
    ----------
    matrix
        X, (pixels, channels).
    components
        k.
    seed
        Of all that is random.
    """

    matrix: Matrix
    components: int
    seed: int

    @cached_property
    def data(self) -> LowRank:
        """Pixels in as many dimensions as matter."""
        return compress(self.matrix, max(_RANK, self.components + 5), self.seed)

    def search(self) -> Iterator[Progress]:
        """The smallest simplex from some starts."""
        for number in _seeds(self.seed, _TRIES):
            endmembers, objective = noisy_simplex(self.data, self.components, number)
            yield Progress("search", "sisal", objective, endmembers, 1.0)

    def others(self) -> list[Float64Array]:
        """Answers of another kind: the widest simplex of pixels."""
        return [NFINDR().start(self.matrix, self.components, self.seed)[1]]

    def other_way_round(self, endmembers: Float64Array) -> Float64Array | None:
        """The simplex upside down, where it is hardly larger."""
        return other_way_round(self.data, endmembers, self.seed)

    def misfit(self, endmembers: Float64Array) -> float:
        """Squared residual of the compressed pixels."""
        left, right = self.data.left, self.data.right
        A = _on_simplex(endmembers, self.data, 1.0)
        return float(np.sum((left - (right @ endmembers.T) @ A) ** 2))


@dataclass(frozen=True, eq=False)
class WithGain:
    """Fractions that sum to one up to a gain per pixel.

    Parameters
    ----------
    matrix
        X, (pixels, channels).
    components
        k.
    seed
        Of all that is random.
    """

    matrix: Matrix
    components: int
    seed: int

    @cached_property
    def data(self) -> LowRank:
        """Weighted pixels of nearly one length, those that are zero left out."""
        return self._levelled[0]

    @cached_property
    def gains(self) -> Float64Array:
        """Gain g of the pixels that are not zero."""
        return self._levelled[1]

    @cached_property
    def _levelled(self) -> tuple[LowRank, Float64Array]:
        sizes, gains = perspective(self.matrix)
        data = compress(Scaled(self.matrix, sizes), max(_RANK, self.components + 5), self.seed)
        pixels = np.flatnonzero(self.matrix.row_squares > 0)
        return data.subset(pixels), gains[pixels]

    @cached_property
    def weight(self) -> float:
        """Price of volume for all pixels, at c = 1."""
        left = self.data.left
        length = float(np.einsum("ri,ri->", left, left))
        beyond = left[self.components] if len(left) > self.components else np.zeros(1)
        return max(float(beyond @ beyond), _FLOOR * length)

    def search(self) -> Iterator[Progress]:
        """Short runs from all starts, the best of them to the end, the best of these on to more volume."""
        few = self._some(_SEARCH_PIXELS)
        ends: list[Progress] = []
        for name, endmembers in self.starts():
            yield from _kept(self._run(few, "search", name, endmembers, 1.0, _SHORT), ends)
        ends.sort(key=lambda end: end.objective)
        distinct: list[Progress] = []
        for end in ends:
            if all(largest_angle(end.endmembers, other.endmembers) > _SAME for other in distinct):
                distinct.append(end)
        many = self._some(_FINISH_PIXELS)
        finished: list[Progress] = []
        for end in distinct[:_KEPT]:
            yield from _kept(self._run(many, "finish", end.start, end.endmembers, 1.0, _LONG), finished)
        best = [min(finished, key=lambda end: end.objective)]
        for price in _CONTINUATION:
            everyone = self._some(len(self.gains))
            yield from _kept(self._run(everyone, "continue", best[-1].start, best[-1].endmembers, price, _LONG), best)

    def starts(self) -> Iterator[tuple[str, Float64Array]]:
        """Names and endmembers (k, channels): smallest simplices, k-means, extreme pixels."""
        k = self.components
        directions = self.data.right[:k]
        points = self.data.left[:k] / self.gains  # in the plane of the perspective
        numbers = _seeds(self.seed, len(_HARDNESS))
        for hardness, number in zip(_HARDNESS, numbers, strict=True):
            yield f"sisal {hardness:g}", smallest_simplex(points, k, hardness, number)[0] @ directions
        yield "k-means", group_means(points, k, self.seed).T @ directions
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(17,)))
        flat = lifted(points, k)
        for _ in range(2):
            yield "vca", points[:, farthest_pixels(flat, k, rng)].T @ directions

    def others(self) -> list[Float64Array]:
        """Answers of another kind: archetypes."""
        archetypal = Archetypal(restarts=_RESTARTS, pixels=_COMPARE_PIXELS)
        return [np.maximum(archetypal.directions(self.data, self.components, self.seed), 0.0)]

    def other_way_round(self, endmembers: Float64Array) -> Float64Array | None:
        """The simplex seen in perspective upside down, where it is hardly larger."""
        plane = LowRank(self.data.left / self.gains, self.data.right)
        slant = endmembers.sum(axis=1, keepdims=True) / np.sqrt(endmembers.shape[1])
        return other_way_round(plane, endmembers / slant, self.seed) if slant.min() > 0 else None

    def misfit(self, endmembers: Float64Array) -> float:
        """Squared residual of the compressed pixels outside the cone."""
        data = self._some(_SEARCH_PIXELS)[0]
        inside = endmembers @ data.right.T
        gram, cross = endmembers @ endmembers.T, np.ascontiguousarray(inside @ data.left)
        A = np.maximum(np.linalg.pinv(gram, hermitian=True) @ cross, 0.0)
        sweep_free(A, gram, cross, 500)
        return float(np.sum((data.left - inside.T @ A) ** 2))

    def _some(self, most: int) -> tuple[LowRank, Float64Array, float]:
        """At most so many pixels, their gains, and the price of their volume."""
        pixels = len(self.gains)
        if pixels <= most:
            return self.data, self.gains, self.weight
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(18,)))
        some = np.sort(rng.permutation(pixels)[:most])
        return self.data.subset(some), self.gains[some], self.weight * most / pixels

    def _run(
        self,
        pixels: tuple[LowRank, Float64Array, float],
        stage: str,
        name: str,
        endmembers: Float64Array,
        price: float,
        iterations: int,
    ) -> Iterator[Progress]:
        data, gains, weight = pixels
        E = np.maximum(endmembers, 1e-9)  # a zero is hard to leave
        A = _on_simplex(E, data, gains)
        last: Point | None = None
        for last in refine(data, gains, A, E, price * weight, iterations=iterations):
            yield Progress(stage, name, last.objective, last.endmembers, price * weight, settled=False)
        if last is not None:
            yield Progress(stage, name, last.objective, last.endmembers, price * weight)


def largest_angle(a: Float64Array, b: Float64Array) -> float:
    """Largest angle (rad) between partners of two sets of endmembers."""
    return float(spectral_angles(a, b)[np.arange(len(a)), match(a, b)].max())


def mean_angle(a: Float64Array, b: Float64Array) -> float:
    """Mean angle (rad) between partners of two sets of endmembers."""
    return float(spectral_angles(a, b)[np.arange(len(a)), match(a, b)].mean())


def _on_simplex(endmembers: Float64Array, data: LowRank, gains: Float64Array | float) -> Float64Array:
    """Fully constrained least squares of the compressed pixels, (k, pixels)."""
    A = np.full((len(endmembers), data.left.shape[1]), 1.0 / len(endmembers))
    sweep_simplex(A, endmembers @ endmembers.T, (endmembers @ data.right.T) @ (data.left / gains), np.ones(1))
    return A


def _kept(steps: Iterator[Progress], ends: list[Progress]) -> Iterator[Progress]:
    """Pass steps on; keep the one that settles."""
    for step in steps:
        if step.settled:
            ends.append(step)
        yield step


def _seeds(seed: int, number: int) -> list[int]:
    return [int(state) for state in np.random.SeedSequence(seed, spawn_key=(14,)).generate_state(number)]
