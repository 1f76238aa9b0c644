"""Result of a scan of the number of components: criteria and factorizations for each k."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd
import xarray as xr

from mffnb.selection.component_tree import Lineage
from mffnb.selection.criteria import elbow
from mffnb.selection.recommendation import Recommendation, recommend
from mffnb.selection.scan_summary import summary
from mffnb.unmixing.joint import JointUnmixing
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.stacked_task import StackedTask

CRITERIA = {
    "relative_error": "relative error |X - A E| / |X|, for counts the root of the divergence relative to the mean",
    "explained_variance": "explained variance",
    "aic": "AIC",
    "bic": "BIC",
    "dispersion": "dispersion of the consensus matrix",
    "cophenetic": "cophenetic correlation",
    "silhouette": "smallest silhouette of a component over restarts",
    "similarity": "largest cosine of two components",
    "held_out": "error of held-out entries",
    "split_half": "largest angle between split halves (rad)",
}
"""Variables of :attr:`RankScan.evidence` and their descriptions."""


@dataclass(frozen=True, eq=False)
class RankScan:
    """Result of a rank scan: criteria and factorizations for several numbers of components k.

    Attributes
    ----------
    evidence
        One variable for each criterion of :data:`CRITERIA` over ``k``; NaN if it was switched off or is undefined.
        ``angles`` and ``within`` ("k", "split"): largest angle between matched endmembers of two halves, and smallest
        angle between two endmembers of one half, in rad. ``images`` ("image"): spatial autocorrelation relative to the
        noise, see :func:`mffnb.selection.independent_images`. ``shared`` ("direction"): cosine of the largest angle
        between the subspaces of the leading singular vectors of two halves, for 1, 2, ... singular vectors.
        ``variances`` ("vector"): variance of one half along the singular vectors of the other, relative to noise.
        ``tilt``, ``plain`` ("tilted"), ``shift`` ("shifted"), ``curve``, ``straight`` ("coordinate"): whether
        directions of the signal are variations of others, see :class:`mffnb.component_count.variation.Variations`.
    results
        The best unmixing result for each k. For a list of images its maps have the pixels of all, see :meth:`joint`.
    parameters
        All parameters that are needed to repeat the scan.
    settings
        Keywords of :func:`mffnb.unmix` common to all fits: ``mf.unmix(cube, k, **scan.settings)``.
    interrupted
        Whether Ctrl-C ended the scan; it then holds the k that were complete.
    images
        The images of the scan as one task; None for one image that is not in a list.
    elbow
        Elbow of the relative error; None if there is no elbow, or with fewer than three k.

    Examples
    --------
    >>> import mffnb as mf
    >>> sample = mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60))
    >>> scan = mf.selection.scan_rank(sample.cube, range(2, 5), n_init=2, splits=0, random_state=0)
    >>> print(scan)
    Rank scan of k = 2 to 4: k = 3 is recommended
        k         error      held-out      restarts
        2        0.0549        0.0555          0.85
    >   3        0.0272        0.0287          0.97
        4        0.0267        0.0288          0.92
    3 images stand above the noise
    details: scan.recommend().reasons, scan.table, scan.results[k], scan.plot()
    >>> scan.recommend().k
    3
    >>> scan.results[3].abundances.dims
    ('component', 'y', 'x')
    """

    evidence: xr.Dataset
    results: dict[int, Unmixing]
    parameters: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict, repr=False)
    interrupted: bool = False
    images: StackedTask | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        """Return a summary of at most twelve lines; :attr:`table` and :meth:`recommend` have the details.

        Its columns are the relative error, the error of held-out entries, the angle between split halves in degrees,
        and the agreement of restarts (dispersion of the consensus matrix). ">" marks the k that remain possible.
        """
        return summary(self)

    @property
    def ks(self) -> list[int]:
        """The numbers of components of the scan, in ascending order."""
        return [int(k) for k in self.evidence.k.values]

    @property
    def elbow(self) -> int | None:
        """Elbow of the relative error as a function of k; see :func:`mffnb.selection.criteria.elbow`."""
        return elbow(self.evidence.k.values, self.evidence.relative_error.values)

    def joint(self, k: int) -> JointUnmixing:
        """Return the result for k components of a scan of several images, with maps of each image.

        Raises
        ------
        ValueError
            If the scan is of one image, or has no such k.

        Examples
        --------
        >>> import mffnb as mf
        >>> images = [mf.datasets.tof_sims_2d(seed=0, shape=shape).cube for shape in [(8, 12), (9, 10)]]
        >>> scan = mf.selection.scan_rank(images, [2, 3], n_init=1, splits=0, random_state=0)
        >>> dict(scan.joint(3)[1].abundances.sizes)
        {'component': 3, 'y': 9, 'x': 10}
        """
        if self.images is None:
            raise ValueError(f"the scan is of one image: read scan.results[{k}]")
        if k not in self.results:
            raise ValueError(f"the scan has no k = {k}: use one of {', '.join(map(str, self.ks))}")
        return self.images.joint(self.results[k])

    @property
    def table(self) -> pd.DataFrame:
        """Return the criteria as a table with one row for each k."""
        return self.evidence[list(CRITERIA)].to_dataframe()

    def recommend(self) -> Recommendation:
        """Return the recommended k with reasons, or the range of k that the criteria leave undetermined."""
        found = recommend(self.evidence)
        if not self.interrupted:
            return found
        done = ", ".join(map(str, self.ks))
        return replace(found, reasons=(*found.reasons, f"the scan was interrupted, only k = {done} was tried"))

    def lineage(self) -> Lineage:
        """Return the tree of the components over k: which component splits into which."""
        return Lineage.of(self.results)

    def plot(self, **options: Any) -> Any:
        """Draw the criteria of the scan against k; see :func:`mffnb.plots.rank_scan`."""
        from mffnb import plots  # noqa: PLC0415  imports Matplotlib, which only plots need

        return plots.rank_scan(self, **options)
