"""How the objective is brought down: one outer loop, and the half steps it can use."""

from mffnb.solvers.hals import Hals
from mffnb.solvers.loop import Outcome, State, drive, iterate

__all__ = ["Hals", "Outcome", "State", "drive", "iterate"]
