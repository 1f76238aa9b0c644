"""Compute all criteria for the number of components k; each k gives one row of the evidence."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from mffnb.component_count.data_directions import DataDirections
from mffnb.estimators.factorization import MatrixFactorization
from mffnb.matrices.partial import iter_rows_and_weights
from mffnb.matrices.weighting import Weighting
from mffnb.problem.degrees_of_freedom import Smoothed
from mffnb.protocols.similarity import Similarity
from mffnb.selection.consensus import cophenetic_correlation, dispersion
from mffnb.selection.criteria import (
    explained_variance,
    information_criteria,
    largest_similarity,
    silhouette,
)
from mffnb.selection.held_out import HeldOutEntries
from mffnb.selection.restarts import Restart
from mffnb.selection.scan import CRITERIA
from mffnb.selection.split_half import SplitHalves
from mffnb.unmixing.image import Prepared

# images computed beyond the largest k, to see where the spatial autocorrelation reaches the noise level
_SPARE_IMAGES = 4
_HELD_PIXELS = 1000  # largest number of pixels that have held-out entries

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class RankCriteria:
    """Criteria of a rank scan: the parts that do not depend on k, and the methods that evaluate one k.

    Attributes
    ----------
    weighting
        Data matrix X, (pixels, channels), multiplied by its weights as in the fit.
    similarity, smoothed
        Similarity and smoothness penalty of the fits.
    seed
        Seed of all random numbers.
    directions
        Criteria of the data alone.
    hidden, halves
        Held-out entries and split halves; None if switched off, or undefined for these data.
    gaps
        Missing and weighted entries, which leave some criteria undefined: attributes of the evidence.
    """

    weighting: Weighting
    similarity: Similarity
    smoothed: Smoothed
    seed: int
    directions: DataDirections
    hidden: HeldOutEntries | None
    halves: SplitHalves | None
    gaps: dict[str, Any] = field(default_factory=dict)

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
    ) -> RankCriteria:
        """Create the criteria of a scan: compute everything that does not depend on k.

        Parameters
        ----------
        weighting, similarity, seed
            The attributes with these names.
        image
            Image with the pixel adjacency graph.
        ks
            Numbers of components of the scan, in ascending order.
        extra
            Three numbers: fraction of held-out entries, number of split-half pairs, largest number of pixels in a half.
        smoothed
            Smoothness penalty. It couples neighbouring pixels, so that held-out entries then need all pixels.
        """
        share, splits, pixels = extra
        matrix = weighting.matrix
        whole = matrix.complete
        most = ks[-1] + _SPARE_IMAGES
        halves = SplitHalves.of(matrix, ks, splits, pixels, seed) if whole and splits > 0 else None
        hidden = (
            HeldOutEntries.of(matrix, share, matrix.shape[0] if smoothed.weight > 0 else _HELD_PIXELS, seed)
            if share > 0
            else None
        )
        ordered = len(image.layout.channel_shape) == 1
        directions = DataDirections()
        if whole:
            graph, windows = image.layout.graph, image.has_windows
            directions = DataDirections.of(matrix, graph, halves, most, seed, ordered=ordered, overlapping=windows)
        gaps = {} if whole else _gaps_of(weighting)
        return cls(weighting, similarity, smoothed, seed, directions, hidden, halves, gaps)

    @property
    def splits(self) -> int:
        """The number of pairs of split halves; 0 if split-half criteria are not computed."""
        return 0 if self.halves is None else self.halves.splits

    def row(
        self, k: int, best: Restart, restarts: Sequence[Restart], settings: dict[str, Any]
    ) -> Generator[str, None, Row]:
        """Compute all criteria for one k; yield the name of each step before it runs, and return the row."""
        weighting = self.weighting
        A, E = np.ascontiguousarray(best.abundances.T), best.endmembers
        A = A if weighting.rows is None else A * weighting.rows
        E = E if weighting.columns is None else E * weighting.columns
        matrix = weighting.matrix
        groups = np.stack([one.labels for one in restarts])
        aic, bic = information_criteria(matrix, self.similarity, A, E, self.smoothed.fraction_left(A, E))
        several = len(groups) > 1
        angles = np.full((self.splits, 2), np.nan)
        row: Row = {
            "k": k,
            "relative_error": best.model.relative_error_,
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
                yield f"split half {split + 1} of {self.splits}"
                angles[split] = self.halves.angles(k, split)
        row["split_half"] = float(np.median(angles[:, 0])) if self.splits else np.nan
        return row | {"angles": angles[:, 0], "within": angles[:, 1]}

    def dataset(self, rows: Sequence[Row]) -> xr.Dataset:
        """Return the rows so far as the Dataset :attr:`mffnb.selection.RankScan.evidence`."""
        variables: dict[str, Any] = {
            name: ("k", np.array([row[name] for row in rows], dtype=np.float64), {"long_name": text})
            for name, text in CRITERIA.items()
        }
        for name in ("angles", "within"):
            variables[name] = (("k", "split"), np.stack([row[name] for row in rows]), {"units": "rad"})
        variables |= self.directions.variables()
        numbers = {"k": [row["k"] for row in rows]} | self.directions.coordinates()
        return xr.Dataset(variables, coords=numbers, attrs=self.gaps)


def _gaps_of(weighting: Weighting) -> dict[str, Any]:
    """Count the missing entries and the pixels that have some, and say whether entries have weights."""
    missing = [np.isnan(band).sum(axis=1) for band, _ in iter_rows_and_weights(weighting.matrix)]
    in_pixel = np.concatenate(missing)
    return {
        "missing_entries": int(in_pixel.sum()),
        "pixels_with_gaps": int(np.count_nonzero(in_pixel)),
        "weighted_entries": True,
    }
