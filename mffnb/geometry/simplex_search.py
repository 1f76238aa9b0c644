r"""Multi-start search for endmembers with and without pixel gains: starts, short runs, and long runs of the best.

If abundances sum to one: the minimum-volume simplex (:mod:`mffnb.geometry.facets`), best of several starts. If there is
a gain per pixel, pixels are first scaled to nearly equal norms (:mod:`mffnb.matrices.pixel_gain`), so that the cone of
mixtures becomes a simplex by perspective projection, and pixels are weighted by their noise. Then
:func:`mffnb.geometry.refine.refine` runs from many starts with :math:`\mu = c\, e_{k+1}` and c = 1, where e is the
eigenvalue of the pixels that k endmembers leave unexplained. The best run continues to c = 2. Starts are not compared
at c = 2, where the lowest objective can be a wrong minimum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from mffnb.geometry.archetypal import Archetypal
from mffnb.geometry.clusters import group_means
from mffnb.geometry.compression import compress
from mffnb.geometry.facets import fit_noisy_simplex
from mffnb.geometry.inverted_simplex import fit_inverted_simplex
from mffnb.geometry.matching import match, spectral_angles
from mffnb.geometry.pure_pixels import NFINDR, affine_scores, vertex_components
from mffnb.geometry.refine import RefinedFactors, refine
from mffnb.geometry.sisal import smallest_simplex
from mffnb.kernels.hals import sweep_non_negative
from mffnb.kernels.simplex import sweep_simplex
from mffnb.kernels.tiers import numpy_simplex, numpy_steps
from mffnb.kernels.tiers.tier import choose
from mffnb.matrices import LowRank, Scaled
from mffnb.matrices.entry_blocks import update_in_blocks
from mffnb.matrices.pixel_gain import perspective_factors
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array

__all__ = ["Progress"]

_RANK = 30
_RELATIVE_PRICE_FLOOR = 1e-6  # smallest weight of the volume, relative to the squared norm of the pixels
_HARDNESS = (5.0, 20.0, 80.0)  # penalties of SISAL, for starts of the model with a gain
_CONTINUATION = (1.5, 2.0)
_SEARCH_PIXELS, _FINISH_PIXELS, _COMPARE_PIXELS = 4000, 10000, 1500
_SHORT, _LONG = 100, 500
_SAME_ANGLE = 0.01  # in rad: results with a smaller spectral angle count as identical
_KEPT = 3
_TRIES = 3
_PIXEL_STARTS = 2
_RESTARTS = 8


@dataclass(frozen=True, eq=False)
class Progress:
    """One step of the search for endmembers, as the callback receives it.

    Attributes
    ----------
    stage
        ``"search"``, ``"finish"`` or ``"continue"``.
    start
        Name of the start, ``"k-means"`` for example.
    objective
        Objective of this step; comparable within a stage only.
    endmembers
        Current endmembers (k, channels); the scale of each is arbitrary.
    weight
        Weight mu of the volume in the objective.
    settled
        Whether this is the last step of its start in this stage.
    seconds
        Time since the beginning of the search (s).

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.geometry import Search
    >>> from mffnb.matrices import in_memory
    >>> rng = np.random.default_rng(0)
    >>> step = next(Search(in_memory(rng.dirichlet([1, 1], 300) @ rng.random((2, 20))), 2).steps())
    >>> step.stage, step.endmembers.shape
    ('search', (2, 20))
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
    """Search for the model whose fractions sum to one.

    Parameters
    ----------
    matrix
        X, (pixels, channels).
    components
        Number of endmembers k.
    seed
        Seed of all random numbers.
    """

    matrix: Matrix
    components: int
    seed: int

    @cached_property
    def data(self) -> LowRank:
        """Compressed data: scores of the pixels on the leading singular vectors."""
        return compress(self.matrix, max(_RANK, self.components + 5), self.seed)

    runs: ClassVar[int] = _TRIES
    """Number of runs of the search."""

    def search(self) -> Iterator[Progress]:
        """Yield the minimum-volume simplex of each start."""
        for number in _seeds(self.seed, _TRIES):
            endmembers, objective = fit_noisy_simplex(self.data, self.components, number)
            yield Progress("search", "sisal", objective, endmembers, 1.0)

    def others(self) -> list[Float64Array]:
        """Return results of a different method, for comparison: the largest simplex of pixels (N-FINDR)."""
        return [NFINDR().start(self.matrix, self.components, self.seed)[1]]

    def fit_inverted_simplex(self, endmembers: Float64Array) -> Float64Array | None:
        """Fit the inverted simplex (see :mod:`mffnb.geometry.inverted_simplex`); None if it is clearly larger."""
        return fit_inverted_simplex(self.data, endmembers, self.seed)

    def misfit(self, endmembers: Float64Array) -> float:
        """Compute the squared residual of the compressed pixels for given endmembers."""
        left, right = self.data.left, self.data.right
        A = _on_simplex(endmembers, self.data, 1.0)
        return float(np.sum((left - (right @ endmembers.T) @ A) ** 2))


@dataclass(frozen=True, eq=False)
class WithGain:
    """Search for the model whose fractions sum to one up to a gain per pixel.

    Parameters
    ----------
    matrix
        X, (pixels, channels).
    components
        Number of endmembers k.
    seed
        Seed of all random numbers.
    """

    matrix: Matrix
    components: int
    seed: int

    @cached_property
    def data(self) -> LowRank:
        """Compressed, weighted pixels of nearly equal norm, without pixels that are zero."""
        return self._levelled[0]

    @cached_property
    def gains(self) -> Float64Array:
        """Gain g of the pixels that are not zero."""
        return self._levelled[1]

    @cached_property
    def _levelled(self) -> tuple[LowRank, Float64Array]:
        """Compressed pixels after perspective scaling, and their gains."""
        sizes, gains = perspective_factors(self.matrix)
        data = compress(Scaled(self.matrix, sizes), max(_RANK, self.components + 5), self.seed)
        pixels = np.flatnonzero(self.matrix.row_squares > 0)
        return data.subset(pixels), gains[pixels]

    @cached_property
    def weight(self) -> float:
        """Weight mu of the volume for all pixels, at c = 1 (see the module)."""
        left = self.data.left
        length = float(np.einsum("ri,ri->", left, left))
        beyond = left[self.components] if len(left) > self.components else np.zeros(1)
        return max(float(beyond @ beyond), _RELATIVE_PRICE_FLOOR * length)

    runs: ClassVar[int] = len(_HARDNESS) + 1 + _PIXEL_STARTS + _KEPT + len(_CONTINUATION)
    """Largest number of runs of the search."""

    def search(self) -> Iterator[Progress]:
        """Yield short runs from all starts, long runs of the best ones, and the best of these with c = 2."""
        few = self._subsample(_SEARCH_PIXELS)
        ends: list[Progress] = []
        for name, endmembers in self.starts():
            yield from _collect_ends(self._run(few, "search", name, endmembers, 1.0, _SHORT), ends)
        ends.sort(key=lambda end: end.objective)
        distinct: list[Progress] = []
        for end in ends:
            if all(largest_angle(end.endmembers, other.endmembers) > _SAME_ANGLE for other in distinct):
                distinct.append(end)
        many = self._subsample(_FINISH_PIXELS)
        finished: list[Progress] = []
        for end in distinct[:_KEPT]:
            yield from _collect_ends(self._run(many, "finish", end.start, end.endmembers, 1.0, _LONG), finished)
        best = [min(finished, key=lambda end: end.objective)]
        for price in _CONTINUATION:
            all_pixels = self._subsample(len(self.gains))
            yield from _collect_ends(
                self._run(all_pixels, "continue", best[-1].start, best[-1].endmembers, price, _LONG), best
            )

    def starts(self) -> Iterator[tuple[str, Float64Array]]:
        """Yield names and endmembers (k, channels) of the starts: SISAL simplices, k-means, and VCA pixels."""
        k = self.components
        directions = self.data.right[:k]
        points = self.data.left[:k] / self.gains  # in the plane of the perspective projection
        numbers = _seeds(self.seed, len(_HARDNESS))
        for hardness, number in zip(_HARDNESS, numbers, strict=True):
            yield f"sisal {hardness:g}", smallest_simplex(points, k, hardness, number)[0] @ directions
        yield "k-means", group_means(points, k, self.seed).T @ directions
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(17,)))
        flat = affine_scores(points, k)
        for _ in range(_PIXEL_STARTS):
            yield "vca", points[:, vertex_components(flat, k, rng)].T @ directions

    def others(self) -> list[Float64Array]:
        """Return results of a different method, for comparison: archetypal analysis."""
        archetypal = Archetypal(restarts=_RESTARTS, pixels=_COMPARE_PIXELS)
        return [np.maximum(archetypal.directions(self.data, self.components, self.seed), 0.0)]

    def fit_inverted_simplex(self, endmembers: Float64Array) -> Float64Array | None:
        """Fit the inverted simplex in the plane of the perspective projection; None if it is clearly larger."""
        plane = LowRank(self.data.left / self.gains, self.data.right)
        slant = endmembers.sum(axis=1, keepdims=True) / np.sqrt(endmembers.shape[1])
        return fit_inverted_simplex(plane, endmembers / slant, self.seed) if slant.min() > 0 else None

    def misfit(self, endmembers: Float64Array) -> float:
        """Compute the squared residual of the compressed pixels outside the cone of the endmembers."""
        data = self._subsample(_SEARCH_PIXELS)[0]
        inside = endmembers @ data.right.T
        gram, cross = endmembers @ endmembers.T, np.ascontiguousarray(inside @ data.left)
        A = np.maximum(np.linalg.pinv(gram, hermitian=True) @ cross, 0.0)
        choose(sweep_non_negative, numpy_steps.sweep_non_negative)(A, gram, cross, 500)
        return float(np.sum((data.left - inside.T @ A) ** 2))

    def _subsample(self, most: int) -> tuple[LowRank, Float64Array, float]:
        """Return at most ``most`` random pixels, their gains, and the weight of the volume for that number."""
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
        """Run the refinement from given endmembers; yield its steps, the last one marked as settled."""
        data, gains, weight = pixels
        E = np.maximum(endmembers, 1e-9)  # entries that start at zero tend to stay there
        A = _on_simplex(E, data, gains)
        last: RefinedFactors | None = None
        for last in refine(data, gains, A, E, price * weight, iterations=iterations):
            yield Progress(stage, name, last.objective, last.endmembers, price * weight, settled=False)
        if last is not None:
            yield Progress(stage, name, last.objective, last.endmembers, price * weight)


def largest_angle(a: Float64Array, b: Float64Array) -> float:
    """Return the largest spectral angle (rad) between matched endmembers of two sets."""
    return float(spectral_angles(a, b)[np.arange(len(a)), match(a, b)].max())


def mean_angle(a: Float64Array, b: Float64Array) -> float:
    """Return the mean spectral angle (rad) between matched endmembers of two sets."""
    return float(spectral_angles(a, b)[np.arange(len(a)), match(a, b)].mean())


def _on_simplex(endmembers: Float64Array, data: LowRank, gains: Float64Array | float) -> Float64Array:
    """Compute abundances (k, pixels) of the compressed pixels by fully constrained least squares."""
    A = np.full((len(endmembers), data.left.shape[1]), 1.0 / len(endmembers))
    sweep = choose(sweep_simplex, numpy_simplex.sweep_simplex)
    gram, cross = endmembers @ endmembers.T, (endmembers @ data.right.T) @ (data.left / gains)
    update_in_blocks(lambda A, pull: sweep(A, gram, pull, np.ones(1)), A, cross)
    return A


def _collect_ends(steps: Iterator[Progress], ends: list[Progress]) -> Iterator[Progress]:
    """Yield all steps of one start, and append the last (settled) one to ``ends``."""
    for step in steps:
        if step.settled:
            ends.append(step)
        yield step


def _seeds(seed: int, number: int) -> list[int]:
    """Derive ``number`` independent seeds from one seed."""
    return [int(state) for state in np.random.SeedSequence(seed, spawn_key=(14,)).generate_state(number)]
