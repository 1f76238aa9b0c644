"""Choose the number of components k (rank selection) and match components between results."""

from mffnb.geometry.coherence import independent_images
from mffnb.geometry.matching import match, spectral_angles
from mffnb.selection.component_tree import Lineage
from mffnb.selection.consensus import cophenetic_correlation, dispersion
from mffnb.selection.rank import scan_rank
from mffnb.selection.recommendation import Recommendation
from mffnb.selection.scan import RankScan
from mffnb.solvers.grow_shrink import grow, shrink
from mffnb.stability import Stability, stability

__all__ = [
    "Lineage",
    "RankScan",
    "Recommendation",
    "Stability",
    "cophenetic_correlation",
    "dispersion",
    "grow",
    "independent_images",
    "match",
    "scan_rank",
    "shrink",
    "spectral_angles",
    "stability",
]
