"""Split-half reproducibility: compare the endmembers and singular vectors of two disjoint halves of the pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mffnb.geometry import choose_model
from mffnb.geometry.compression import compress
from mffnb.geometry.matching import spectral_angles
from mffnb.geometry.simplex_search import Progress, SumToOne, WithGain, largest_angle
from mffnb.matrices import Dense, Scaled
from mffnb.matrices.cancellation import checked
from mffnb.protocols.matrix import Matrix
from mffnb.solvers.subsampled_start import rows_of
from mffnb.threads import limit_threads
from mffnb.typing import Array, Float64Array

_FEWEST = 3  # smallest number of pixels per endmember in a half


@dataclass(frozen=True, eq=False)
class SplitHalves:
    """Pairs of disjoint random halves of the pixels, and the mixing model that is fitted to each half.

    Attributes
    ----------
    matrix
        Data matrix X, (pixels, channels), complete.
    splits
        Number of pairs.
    pixels
        Largest number of pixels in a half.
    seed
        Seed of all random numbers.
    gain
        Whether the abundances of a pixel sum to one only up to a gain per pixel.
    columns
        Factor of each channel that whitens the noise, (channels,).
    """

    matrix: Matrix
    splits: int
    pixels: int
    seed: int
    gain: bool
    columns: Float64Array

    @classmethod
    def of(cls, matrix: Matrix, ks: Sequence[int], splits: int, pixels: int, seed: int) -> SplitHalves:
        """Select one mixing model for all k by majority; see :func:`mffnb.geometry.choose_model`."""
        some = Dense(rows_of(matrix, _sample_pixels(matrix.shape[0], 2 * pixels, seed, 0)))
        possible = [k for k in ks if k <= min(some.shape)] or [1]
        choices = [choose_model(some, k, seed) for k in possible]
        gain = 2 * sum(choice.gain for choice in choices) > len(choices)
        return cls(matrix, splits, pixels, seed, gain, choices[-1].columns)

    def angles(self, k: int, split: int) -> tuple[float, float]:
        """Return the largest angle between the endmembers of two halves, and the smallest angle within a half (rad).

        Minimum-volume endmembers are fitted to each half and matched.

        Parameters
        ----------
        k
            Number of endmembers.
        split
            Index of the pair of halves.

        Returns
        -------
        between, within
            Largest angle between matched endmembers, and smallest angle between two endmembers of one half. Both are
            NaN if a half has too few pixels or is zero; ``within`` is NaN for k = 1.
        """
        halves = self._halves(split)
        if len(halves[0]) < _FEWEST * k or k > self.matrix.shape[1]:
            return np.nan, np.nan
        if not all(rows_of(self.matrix, half).any() for half in halves):
            return np.nan, np.nan
        ends = [self._endmembers(half, k) for half in halves]
        within = [spectral_angles(one, one)[~np.eye(k, dtype=bool)].min(initial=np.inf) for one in ends]
        return largest_angle(*ends), float(min(within)) if k > 1 else np.nan

    def shared_directions(self, whitened: Matrix, most: int, split: int = 0) -> Float64Array:
        """Return cosines of the largest angle between the spans of the j leading right singular vectors of two halves.

        Element j - 1 of the ``most`` values is near 1 if both halves contain the same j spectral directions, and near 0
        from the first j whose singular vector is noise. There are fewer than ``most`` values if there are too few
        channels or pixels: two large subspaces always intersect.

        Parameters
        ----------
        whitened
            Data matrix X, (pixels, channels), with the same noise variance in all channels.
        most
            Largest number j of singular vectors.
        split
            Index of the pair of halves.
        """
        halves = self._halves(split)
        rank = min(most, whitened.shape[1] // 3, len(halves[0]) // 3)
        rights = [compress(Dense(rows_of(whitened, half)), rank, self.seed).right for half in halves]
        mixed = rights[0] @ rights[1].T
        return np.array([np.linalg.svd(mixed[:j, :j])[1][-1] for j in range(1, min(mixed.shape) + 1)])

    def _halves(self, split: int) -> tuple[Array, Array]:
        """Return the pixel indices of both halves of a pair, each in ascending order."""
        drawn = _sample_pixels(self.matrix.shape[0], 2 * self.pixels, self.seed, split)
        order = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(35, split))).permutation(len(drawn))
        middle = len(drawn) // 2
        return drawn[np.sort(order[:middle])], drawn[np.sort(order[middle:])]

    def _rows(self, rows: Array) -> Scaled:
        """Return rows of X for some pixels, with whitened noise."""
        return Scaled(Dense(rows_of(self.matrix, rows)), columns=self.columns)

    def _endmembers(self, rows: Array, k: int) -> Float64Array:
        """Return minimum-volume endmembers (k, channels) of some pixels: the best start, without the final refinement.

        The later stages of the search move the endmembers little and would take most of the time.
        """
        half = self._rows(rows)
        model = (WithGain if self.gain else SumToOne)(half, k, self.seed)
        best: Progress | None = None
        with limit_threads(1):  # one BLAS thread: the matrices are small
            for step in checked(model.search()):
                if step.stage != "search":
                    break
                if step.settled and (best is None or step.objective < best.objective):
                    best = step
        if best is None:
            raise RuntimeError("the minimum-volume search returned no endmembers")
        return best.endmembers


def _sample_pixels(pixels: int, most: int, seed: int, number: int) -> Array:
    """Return the indices of at most ``most`` randomly drawn pixels, in ascending order."""
    if pixels <= most:
        return np.arange(pixels)
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(34, number)))
    return np.sort(generator.choice(pixels, most, replace=False))
