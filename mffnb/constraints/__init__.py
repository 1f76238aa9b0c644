"""Hard constraints: sets to which a factor is restricted, each with its projection."""

# Written by tools/generate_names.py from the declarations in the modules: do not edit below the docstring.

from mffnb.constraints.ball import NonNegative, UnitBall
from mffnb.constraints.bounds import Bounds
from mffnb.constraints.fixed import Fixed
from mffnb.constraints.orthogonal import Orthogonal
from mffnb.constraints.pattern_symmetry import PatternSymmetry
from mffnb.constraints.pinned import Pinned
from mffnb.constraints.simplex import Simplex
from mffnb.constraints.unimodal import Unimodal
from mffnb.keywords import advise_all

__all__ = [
    "Bounds",
    "Fixed",
    "NonNegative",
    "Orthogonal",
    "PatternSymmetry",
    "Pinned",
    "Simplex",
    "Unimodal",
    "UnitBall",
]
advise_all(globals(), __all__)
