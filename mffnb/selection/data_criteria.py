"""Criteria for the number of components k that depend on the data alone, computed in steps that may be interrupted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from mffnb.component_count.counting import ABOVE, WITHIN
from mffnb.matrices.cancellation import check_cancelled
from mffnb.matrices.weighting import Weighting
from mffnb.problem.degrees_of_freedom import Smoothed
from mffnb.protocols.matrix import Matrix
from mffnb.selection.evidence import RankCriteria
from mffnb.selection.recommendation import BLURRED, DISTINCT, Recommendation, blur_of, recommend
from mffnb.similarities import Frobenius
from mffnb.threads import limit_threads
from mffnb.unmixing.image import Prepared

_SPLITS = 3  # pairs of halves for each k, and the largest number of pixels in a half: the defaults of scan_rank
_PIXELS = 2000


@dataclass(frozen=True)
class DataVerdict:
    """What the data say about one number of components k.

    Attributes
    ----------
    image
        Spatial autocorrelation of the k-th image relative to that of noise; NaN if it is not computed.
    above
        Whether this image stands above the noise: "yes", "unclear", "no", or an empty text.
    split_half
        Largest angle between the endmembers of two halves in rad; NaN if it is not computed.
    reproduced
        Whether two halves reproduce the endmembers: "yes", "roughly", "no", or an empty text.
    """

    image: float = np.nan
    above: str = ""
    split_half: float = np.nan
    reproduced: str = ""


class DataCriteria:
    """Images above the noise and split-half reproducibility of endmembers for several k, without a fit to the image.

    Both criteria of :func:`mffnb.selection.scan_rank` depend on the pixels, the preprocessing and the weights, and on
    no setting of a fit. They use one thread. Beyond the first k whose endmembers two halves do not reproduce at all, no
    halves are compared, because the recommendation does not depend on larger k.

    Parameters
    ----------
    matrix
        Data matrix X, (pixels, channels).
    image
        The image with its pixel adjacency graph and weights.
    ks
        Numbers of components >= 2, in ascending order.
    seed
        Seed of all random numbers.

    Examples
    --------
    >>> import mffnb as mf
    >>> from mffnb.matrices import in_memory
    >>> from mffnb.unmixing.image import Prepared
    >>> image = Prepared.of(mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60)).cube, None, None, (), None)
    >>> criteria = DataCriteria(image.layout.matrix(image.cube), image, range(2, 5), seed=0)
    >>> for share in criteria.steps():
    ...     pass
    >>> print(criteria.recommend())
    k = 3: 3 images stand above the noise; split halves reproduce 3 endmembers, and no more
    """

    def __init__(self, matrix: Matrix, image: Prepared, ks: Sequence[int], seed: int) -> None:
        self._matrix, self._image, self._seed = matrix, image, seed
        self.ks = [k for k in ks if k <= min(matrix.shape)]
        self._criteria: RankCriteria | None = None
        self._stored: xr.Dataset | None = None
        self._angles: dict[int, list[tuple[float, float]]] = {}

    @property
    def share(self) -> float:
        """Completed fraction of the steps that are necessary as far as known, 0 to 1."""
        if self.complete:
            return 1.0
        done = sum(len(angles) for angles in self._angles.values())
        return 0.0 if self._criteria is None else (1 + done) / (1 + self._criteria.splits * len(self.ks))

    @property
    def complete(self) -> bool:
        """Whether nothing is missing: all k are computed, or the halves differ at the last one that is."""
        found = self.evidence
        if found is None:
            return False
        blur = blur_of(found.angles.values, found.within.values)
        whole = len(found.k) == len(self.ks) or found.split.size == 0
        return whole or bool(len(blur) and not blur[-1] < BLURRED)

    def steps(self) -> Iterator[float]:
        """Compute what is missing; yield the completed fraction after each step.

        The iteration may be abandoned, or cancelled by :mod:`mffnb.matrices.cancellation`; the next one continues it.
        """
        if self.complete:
            return
        if self._criteria is None:
            with limit_threads(1):
                self._criteria = self._prepared()
            yield self.share
        halves = self._criteria.halves
        if halves is None:
            return
        for k in self.ks:
            done = self._angles.setdefault(k, [])
            while len(done) < halves.splits and not self.complete:
                check_cancelled()
                with limit_threads(1):
                    found = halves.angles(k, len(done))
                done.append(found)
                yield self.share

    def restore(self, evidence: xr.Dataset) -> None:
        """Take the complete evidence for this image that another process has computed."""
        self._stored = evidence

    def _prepared(self) -> RankCriteria:
        """Return the criteria of the data, and the pairs of halves."""
        similarity = Frobenius()
        weighting = Weighting.of(self._image.weights, self._matrix, similarity)
        unsmoothed = Smoothed(0.0, self._image.layout.map_shape, False, False)
        extra = 0.0, _SPLITS, _PIXELS
        return RankCriteria.of(weighting, self._image, self.ks, similarity, extra, self._seed, unsmoothed)

    @property
    def evidence(self) -> xr.Dataset | None:
        """The variables of :attr:`mffnb.selection.RankScan.evidence` that depend on the data alone.

        It has the k that are complete; None before the first step has ended.
        """
        criteria = self._criteria
        if self._stored is not None or criteria is None:
            return self._stored
        angles = {k: list(self._angles.get(k, [])) for k in self.ks}
        whole = [k for k in self.ks if len(angles[k]) == criteria.splits]
        pairs = np.array([angles[k] for k in whole], dtype=np.float64).reshape(len(whole), criteria.splits, 2)
        return xr.Dataset(
            {
                **criteria.directions.variables(),
                "angles": (("k", "split"), pairs[..., 0], {"units": "rad"}),
                "within": (("k", "split"), pairs[..., 1], {"units": "rad"}),
            },
            coords={"k": whole},
            attrs=criteria.gaps,
        )

    def verdicts(self, most: int) -> dict[int, DataVerdict]:
        """Return what is known about k = 1, 2, ..., ``most``."""
        found = self.evidence
        if found is None:
            return dict.fromkeys(range(1, most + 1), DataVerdict())
        images = dict(enumerate(found.images.values.tolist(), start=1))
        blur = blur_of(found.angles.values, found.within.values)
        halves = {
            int(k): (float(np.median(angles)), _reproduced(one))
            for k, angles, one in zip(found.k.values, found.angles.values, blur, strict=True)
            if np.isfinite(one)
        }
        return {
            k: DataVerdict(images.get(k, np.nan), _above(images.get(k, np.nan)), *halves.get(k, ()))
            for k in range(1, most + 1)
        }

    def recommend(self) -> Recommendation | None:
        """Return the recommended k with reasons, as for a rank scan; None before all that it needs is computed."""
        found = self.evidence
        if found is None or not self.complete or not self.ks:
            return None
        return recommend(found.reindex(k=self.ks))  # NaN for the larger k: not reproduced


def _above(ratio: float) -> str:
    """Return whether an image stands above the noise, as a word."""
    return "" if np.isnan(ratio) else "yes" if ratio > ABOVE else "unclear" if ratio > WITHIN else "no"


def _reproduced(blur: float) -> str:
    """Return whether split halves reproduce the endmembers, as a word."""
    return "yes" if blur < DISTINCT else "roughly" if blur < BLURRED else "no"
