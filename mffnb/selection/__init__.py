"""Which components, how many, and which one is which."""

from mffnb.selection.matching import match, spectral_angles
from mffnb.selection.resizing import grow, shrink

__all__ = ["grow", "match", "shrink", "spectral_angles"]
