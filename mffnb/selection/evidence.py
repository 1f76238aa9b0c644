"""Everything that is looked at for each number of components."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from mffnb.estimators.factorization import MatrixFactorization
from mffnb.matrices import Scaled
from mffnb.matrices.weighting import Weighting
from mffnb.problem.degrees_of_freedom import Smoothed
from mffnb.protocols.misfit import Similarity
from mffnb.selection.coherence import independent_images, levelled
from mffnb.selection.consensus import cophenetic_correlation, dispersion
from mffnb.selection.criteria import explained_variance, information, largest_similarity, relative_error, silhouette
from mffnb.selection.held_out import HeldOut
from mffnb.selection.recommendation import neighbours_alike
from mffnb.selection.restarts import Restart
from mffnb.selection.scan import CRITERIA
from mffnb.selection.split_half import Halves
from mffnb.typing import Float64Array
from mffnb.unmixing.image import Prepared

_SPARE_IMAGES = 4
_HELD_PIXELS = 1000

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Looks:
    """Everything that is looked at, made ready.

    Attributes
    ----------
    weighting
        X, (pixels, channels), as it is fitted: with its weights in it.
    similarity, smoothed
        Of the fit.
    seed
        Of all draws.
    images, shared
        Of the data alone, see :class:`mffnb.selection.RankScan`.
    hidden, halves
        None where they are not wanted, or mean nothing.
    """

    weighting: Weighting
    similarity: Similarity
    smoothed: Smoothed
    seed: int
    images: Float64Array
    shared: Float64Array
    hidden: HeldOut | None
    halves: Halves | None

    @classmethod
    def of(
        cls,
        weighting: Weighting,
        image: Prepared,
        ks: Sequence[int],
        similarity: Similarity,
        extra: tuple[float, int, int],
        seed: int,
        smoothed: Smoothed,
    ) -> Looks:
        """Make ready what does not depend on k.

        Parameters
        ----------
        weighting, similarity, seed
            See above.
        image
            Whose neighbours are neighbours.
        ks
            All that will be tried.
        extra
            Share of entries held out, pairs of halves, most pixels in a half.
        smoothed
            How strongly neighbours are coupled; a model of some pixels then needs all of them.
        """
        share, splits, pixels = extra
        matrix = weighting.matrix
        whole = matrix.complete
        most = ks[-1] + _SPARE_IMAGES
        images = independent_images(matrix, image.layout.graph, most, seed) if whole else np.empty(0)
        halves = Halves.of(matrix, ks, splits, pixels, seed) if whole and splits > 0 else None
        hidden = (
            HeldOut.of(matrix, share, matrix.shape[0] if smoothed.weight > 0 else _HELD_PIXELS, seed)
            if share > 0
            else None
        )
        shared = np.empty(0)
        if halves is not None:
            # Differences between neighbours that are not alike say nothing of the noise.
            alike = neighbours_alike(images)
            level = levelled(matrix, image.layout.graph, seed) if alike else Scaled(matrix, columns=halves.columns)
            shared = halves.shared_directions(level, most)
        return cls(weighting, similarity, smoothed, seed, images, shared, hidden, halves)

    @property
    def splits(self) -> int:
        """How many pairs of halves there are."""
        return 0 if self.halves is None else self.halves.splits

    def row(
        self, k: int, best: Restart, restarts: Sequence[Restart], settings: dict[str, Any]
    ) -> Generator[str, None, Row]:
        """Say what is looked at next; return every criterion for one k."""
        weighting = self.weighting
        A, E = np.ascontiguousarray(best.abundances.T), best.endmembers
        A = A if weighting.rows is None else A * weighting.rows
        E = E if weighting.columns is None else E * weighting.columns
        matrix = weighting.matrix
        groups = np.stack([one.labels for one in restarts])
        aic, bic = information(matrix, self.similarity, A, E, self.smoothed.left(A, E))
        several = len(groups) > 1
        apart = np.full((self.splits, 2), np.nan)
        row: Row = {
            "k": k,
            "relative_error": relative_error(matrix, A, E) if matrix.complete else best.model.relative_error_,
            "explained_variance": explained_variance(matrix, A, E) if matrix.complete else np.nan,
            "aic": aic,
            "bic": bic,
            "dispersion": dispersion(groups) if several else np.nan,
            "cophenetic": cophenetic_correlation(groups, self.seed) if several else np.nan,
            "silhouette": silhouette([one.endmembers for one in restarts], best.endmembers),
            "similarity": largest_similarity(best.endmembers),
            "held_out": np.nan,
        }
        yield "held-out entries"
        if self.hidden is not None:
            row["held_out"] = self.hidden.error(MatrixFactorization(**settings))
        if self.halves is not None:
            for split in range(self.splits):
                yield f"halves {split + 1} of {self.splits}"
                apart[split] = self.halves.angles(k, split)
        row["split_half"] = float(np.median(apart[:, 0])) if self.splits else np.nan
        return row | {"angles": apart[:, 0], "within": apart[:, 1]}

    def dataset(self, rows: Sequence[Row]) -> xr.Dataset:
        """The evidence so far."""
        variables: dict[str, Any] = {
            name: ("k", np.array([row[name] for row in rows], dtype=np.float64), {"long_name": text})
            for name, text in CRITERIA.items()
        }
        for name in ("angles", "within"):
            variables[name] = (("k", "split"), np.stack([row[name] for row in rows]), {"units": "rad"})
        variables["images"], variables["shared"] = ("image", self.images), ("direction", self.shared)
        numbers = {"k": [row["k"] for row in rows]}
        numbers |= {"image": list(range(1, len(self.images) + 1)), "direction": list(range(1, len(self.shared) + 1))}
        return xr.Dataset(variables, coords=numbers)
