"""Protocols of the framework: what a matrix, a similarity, a penalty, a constraint and a solver must provide.

    X ~ A E        X: pixels x channels    A: abundances, pixels x k    E: endmembers, k x channels

Kannan et al. 2018 (Adv. Struct. Chem. Imaging 4:6) write X transposed: their U is our E transposed and their V
our A transposed. Inside the package both factors are stored "component first", A as (k, pixels) and E as
(k, channels), so that one half step serves both: E is to X^T what A is to X.

A solver never sees X. It sees a :class:`Half`, the subproblem of one factor while the other one is held, and parts
(penalties, constraints) that have been added to it.
"""

from mffnb.protocols.half import (
    Constraint,
    Half,
    LogTerm,
    Loss,
    Penalty,
    Proximal,
    SmoothTerm,
    Term,
)
from mffnb.protocols.matrix import AxisDistribution, Descent, KnownMove, Matrix, Move, Products
from mffnb.protocols.misfit import Misfit, Similarity, Step
from mffnb.protocols.solver import Solver, Start

__all__ = [
    "AxisDistribution",
    "Constraint",
    "Descent",
    "Half",
    "KnownMove",
    "LogTerm",
    "Loss",
    "Matrix",
    "Misfit",
    "Move",
    "Penalty",
    "Products",
    "Proximal",
    "Similarity",
    "SmoothTerm",
    "Solver",
    "Start",
    "Step",
    "Term",
]
