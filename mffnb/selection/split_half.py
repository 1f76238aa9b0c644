"""Whether two halves of the pixels tell of the same endmembers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mffnb.geometry import choose_model
from mffnb.geometry.compression import compress
from mffnb.geometry.matching import spectral_angles
from mffnb.geometry.search import Progress, SumToOne, WithGain, largest_angle
from mffnb.matrices import Dense, Scaled
from mffnb.protocols.matrix import Matrix
from mffnb.solvers.subsampled_start import rows_of
from mffnb.threads import at_most
from mffnb.typing import Array, Float64Array

_FEWEST = 3  # pixels for each endmember, in each half


@dataclass(frozen=True, eq=False)
class Halves:
    """Pairs of disjoint halves of the pixels, and the model that all are seen with.

    Attributes
    ----------
    matrix
        X, (pixels, channels), complete.
    splits
        How many pairs.
    pixels
        Most in a half.
    seed
        Of everything drawn.
    gain
        Whether fractions sum to one only up to a gain per pixel.
    columns
        Factors that level the noise of channels.
    """

    matrix: Matrix
    splits: int
    pixels: int
    seed: int
    gain: bool
    columns: Float64Array

    @classmethod
    def of(cls, matrix: Matrix, ks: Sequence[int], splits: int, pixels: int, seed: int) -> Halves:
        """Let the data choose one model for all k: that of most of them, see :func:`mffnb.geometry.choose_model`."""
        some = Dense(rows_of(matrix, _drawn(matrix.shape[0], 2 * pixels, seed, 0)))
        possible = [k for k in ks if k <= min(some.shape)] or [1]
        choices = [choose_model(some, k, seed) for k in possible]
        gain = 2 * sum(choice.gain for choice in choices) > len(choices)
        return cls(matrix, splits, pixels, seed, gain, choices[-1].columns)

    def angles(self, k: int, split: int) -> tuple[float, float]:
        """How far the endmembers of two halves are apart, and how far those within a half (rad).

        Endmembers of least volume are found in each half, and matched.

        Parameters
        ----------
        k
            Number of endmembers.
        split
            Which pair of halves.

        Returns
        -------
        between, within
            The largest angle between partners, and the smallest between two endmembers of one half; NaN where a half
            has too few pixels, the latter for k = 1.
        """
        halves = self._halves(split)
        if len(halves[0]) < _FEWEST * k or k > self.matrix.shape[1]:
            return np.nan, np.nan
        ends = [self._endmembers(half, k) for half in halves]
        within = [spectral_angles(one, one)[~np.eye(k, dtype=bool)].min(initial=np.inf) for one in ends]
        return largest_angle(*ends), float(min(within)) if k > 1 else np.nan

    def shared_directions(self, level: Matrix, most: int, split: int = 0) -> Float64Array:
        """Cosine of the largest angle between the spaces of the j leading singular vectors of two halves, (most,).

        Near 1 while both hold the same spectra, near 0 from where the last one is noise of its own half. Fewer than
        ``most`` where two spaces would have to meet for want of channels or pixels.

        Parameters
        ----------
        level
            X with the noise of all channels levelled.
        most
            Largest j.
        split
            Which pair of halves.
        """
        halves = self._halves(split)
        rank = min(most, level.shape[1] // 3, len(halves[0]) // 3)
        rights = [compress(Dense(rows_of(level, half)), rank, self.seed).right for half in halves]
        mixed = rights[0] @ rights[1].T
        return np.array([np.linalg.svd(mixed[:j, :j])[1][-1] for j in range(1, min(mixed.shape) + 1)])

    def _halves(self, split: int) -> tuple[Array, Array]:
        """Numbers of pixels, which rise."""
        drawn = _drawn(self.matrix.shape[0], 2 * self.pixels, self.seed, split)
        order = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(35, split))).permutation(len(drawn))
        middle = len(drawn) // 2
        return drawn[np.sort(order[:middle])], drawn[np.sort(order[middle:])]

    def _rows(self, rows: Array) -> Scaled:
        return Scaled(Dense(rows_of(self.matrix, rows)), columns=self.columns)

    def _endmembers(self, rows: Array, k: int) -> Float64Array:
        """From all starts, as far as starts are compared; what a search does later moves endmembers little."""
        half = self._rows(rows)
        model = (WithGain if self.gain else SumToOne)(half, k, self.seed)
        best: Progress | None = None
        with at_most(1):  # matrices are small
            for step in model.search():
                if step.stage != "search":
                    break
                if step.settled and (best is None or step.objective < best.objective):
                    best = step
        if best is None:
            raise RuntimeError("the search has taken no step")
        return best.endmembers


def _drawn(pixels: int, most: int, seed: int, number: int) -> Array:
    """Numbers of pixels that rise."""
    if pixels <= most:
        return np.arange(pixels)
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(34, number)))
    return np.sort(generator.choice(pixels, most, replace=False))
