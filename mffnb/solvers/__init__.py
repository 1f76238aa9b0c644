"""How the objective is brought down: one outer loop, and the half steps it can use."""

# Written by tools/generate_names.py from the declarations in the modules: do not edit below the docstring.

from mffnb.solvers import auto, hals, likelihood, pivoting, proximal
from mffnb.solvers.auto import Auto
from mffnb.solvers.extrapolation import Extrapolated
from mffnb.solvers.hals import Hals
from mffnb.solvers.interrupts import Interrupts, deferred_interrupts, interruptible
from mffnb.solvers.likelihood import Multiplicative, Newton
from mffnb.solvers.loop import Outcome, Reached, State, drive, iterate
from mffnb.solvers.pivoting import BlockPivoting
from mffnb.solvers.proximal import ProximalGradient

__all__ = [
    "Auto",
    "BlockPivoting",
    "Extrapolated",
    "Hals",
    "Interrupts",
    "Multiplicative",
    "Newton",
    "Outcome",
    "ProximalGradient",
    "Reached",
    "State",
    "deferred_interrupts",
    "drive",
    "interruptible",
    "iterate",
]

NAMED = {
    **auto.NAMED,
    **hals.NAMED,
    **likelihood.NAMED,
    **pivoting.NAMED,
    **proximal.NAMED,
}
"""Parts of this package that can be given by name."""
