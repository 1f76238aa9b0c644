"""Solvers: the outer loop that alternates between half steps of A and E, and the methods for one half step."""

# Written by tools/generate_names.py from the declarations in the modules: do not edit below the docstring.

from mffnb.keywords import advise_all
from mffnb.solvers import auto, hals, likelihood, pivoting, proximal
from mffnb.solvers.auto import Auto
from mffnb.solvers.driving import drive
from mffnb.solvers.extrapolation import Extrapolated
from mffnb.solvers.hals import Hals
from mffnb.solvers.likelihood import Multiplicative, Newton
from mffnb.solvers.loop import iterate
from mffnb.solvers.pivoting import BlockPivoting
from mffnb.solvers.proximal import ProximalGradient
from mffnb.solvers.state import Outcome, Reached, State

__all__ = [
    "Auto",
    "BlockPivoting",
    "Extrapolated",
    "Hals",
    "Multiplicative",
    "Newton",
    "Outcome",
    "ProximalGradient",
    "Reached",
    "State",
    "drive",
    "iterate",
]
advise_all(globals(), __all__)

NAMED = {
    **auto.NAMED,
    **hals.NAMED,
    **likelihood.NAMED,
    **pivoting.NAMED,
    **proximal.NAMED,
}
"""Parts of this package that can be given by name."""
