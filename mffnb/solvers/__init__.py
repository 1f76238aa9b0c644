"""Solvers: the outer loop of alternating half steps, and the methods for one half step."""

from mffnb.solvers.auto import Auto
from mffnb.solvers.driving import drive
from mffnb.solvers.extrapolation import Extrapolated
from mffnb.solvers.hals import Hals
from mffnb.solvers.interrupts import Interrupts, deferred_interrupts, interruptible
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
