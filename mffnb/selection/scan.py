"""What a scan of the number of components gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import xarray as xr

from mffnb.selection.component_tree import Lineage
from mffnb.selection.criteria import elbow
from mffnb.selection.recommendation import Recommendation, recommend
from mffnb.unmixing.result import Unmixing

CRITERIA = {
    "relative_error": "relative error |X - A E| / |X|",
    "explained_variance": "explained variance",
    "aic": "AIC",
    "bic": "BIC",
    "dispersion": "dispersion of the consensus",
    "cophenetic": "cophenetic correlation",
    "silhouette": "smallest silhouette of components over restarts",
    "similarity": "largest cosine of two components",
    "held_out": "error of held-out entries",
    "split_half": "largest angle between split halves (rad)",
}
"""Variables of :attr:`RankScan.evidence` and what they are."""


@dataclass(frozen=True, eq=False)
class RankScan:
    """Evidence for the number of components.

    Attributes
    ----------
    evidence
        One variable for each criterion of :data:`CRITERIA` over ``k``; NaN where it was not wanted or means nothing.
        ``angles`` and ``within`` ("k", "split"): the largest angle between partners of two halves, and the smallest
        between two endmembers of one half. ``images`` ("image"): how far eigenvalues of the covariance of neighbours
        are above noise, see :func:`mffnb.selection.independent_images`. ``shared`` ("direction"): cosine of the
        largest angle between the spaces of so many leading singular vectors of two halves.
    results
        The best answer for each k.
    parameters
        Everything needed to run it again.
    settings
        Keywords of :func:`mffnb.unmix` that all fits share: ``mf.unmix(cube, k, **scan.settings)``.
    elbow
        Where the relative error bends most; None where it does not, or where there are fewer than three k.

    Examples
    --------
    >>> import mffnb as mf
    >>> sample = mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60))
    >>> scan = mf.selection.scan_rank(sample.cube, range(2, 5), n_init=2, splits=0, random_state=0)
    >>> scan.recommend().k
    3
    >>> scan.results[3].abundances.dims
    ('component', 'y', 'x')
    """

    evidence: xr.Dataset
    results: dict[int, Unmixing]
    parameters: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def ks(self) -> list[int]:
        """The numbers of components that were tried."""
        return [int(k) for k in self.evidence.k.values]

    @property
    def elbow(self) -> int | None:
        """See above."""
        return elbow(self.evidence.k.values, self.evidence.relative_error.values)

    @property
    def table(self) -> pd.DataFrame:
        """The criteria, a row for each k."""
        return self.evidence[list(CRITERIA)].to_dataframe()

    def recommend(self) -> Recommendation:
        """Choose k, with reasons, or say that the data do not tell and between which values."""
        return recommend(self.evidence)

    def lineage(self) -> Lineage:
        """Find which component splits into which as k grows."""
        return Lineage.of(self.results)

    def plot(self, **options: Any) -> Any:
        """Draw the criteria against k; see :func:`mffnb.plots.rank_scan`."""
        from mffnb import plots  # noqa: PLC0415  the floor above; matplotlib only when asked for

        return plots.rank_scan(self, **options)
