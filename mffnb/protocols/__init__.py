"""Protocols of the framework: data matrix, similarity, penalty, constraint, transform and solver.

    X ~ A E        X: pixels x channels    A: abundances, pixels x k    E: endmembers, k x channels

Kannan et al. 2018 (Adv. Struct. Chem. Imaging 4:6) write X transposed: their U is our E transposed and their V
our A transposed. Inside the package both factors are stored with the component axis first, A as (k, pixels) and E as
(k, channels). Then the same half step serves both factors, because E is to X^T what A is to X.

Solvers do not use X. They use a :class:`Half`, the subproblem of one factor while the other is fixed, to which
penalties and constraints have been added. :mod:`mffnb.protocols.traits` lists the optional capabilities of each part.
"""

from mffnb.protocols.axis_distribution import AxisDistribution
from mffnb.protocols.capabilities import caution, declares_traits, traits_of
from mffnb.protocols.distance import Distance, Measure
from mffnb.protocols.functions import FactorSet, Function, ProximalFunction, SmoothFunction
from mffnb.protocols.graph import PixelGraph
from mffnb.protocols.half import Half
from mffnb.protocols.losses import LogTerm, Loss
from mffnb.protocols.matrix import Matrix, Products
from mffnb.protocols.misfit import FactorUpdate, GainMisfit, InterceptMisfit, Misfit
from mffnb.protocols.row_update import Descent, KnownMove, Move
from mffnb.protocols.similarity import DataDependent, EntrywiseSimilarity, Similarity
from mffnb.protocols.solver import CoordinateDescent, Solver, Start
from mffnb.protocols.terms import (
    ChannelTerm,
    Constraint,
    DistributableTerm,
    GraphTerm,
    Penalty,
    Proximal,
    SmoothTerm,
    Term,
)
from mffnb.protocols.traits import Distribution, SimilarityTraits, SolverTraits, TermTraits, TransformTraits
from mffnb.protocols.transform import FittedTransform, Transform

__all__ = [
    "AxisDistribution",
    "ChannelTerm",
    "Constraint",
    "CoordinateDescent",
    "DataDependent",
    "Descent",
    "Distance",
    "DistributableTerm",
    "Distribution",
    "EntrywiseSimilarity",
    "FactorSet",
    "FactorUpdate",
    "FittedTransform",
    "Function",
    "GainMisfit",
    "GraphTerm",
    "Half",
    "InterceptMisfit",
    "KnownMove",
    "LogTerm",
    "Loss",
    "Matrix",
    "Measure",
    "Misfit",
    "Move",
    "Penalty",
    "PixelGraph",
    "Products",
    "Proximal",
    "ProximalFunction",
    "Similarity",
    "SimilarityTraits",
    "SmoothFunction",
    "SmoothTerm",
    "Solver",
    "SolverTraits",
    "Start",
    "Term",
    "TermTraits",
    "Transform",
    "TransformTraits",
    "caution",
    "declares_traits",
    "traits_of",
]
