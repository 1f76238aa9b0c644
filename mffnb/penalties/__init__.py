"""Penalties: terms that are added to the objective.

A penalty on the abundances is divided by the number of pixels, but a penalty on the endmembers is not. A weight
therefore has the same meaning for images of any size.
"""

# Written by tools/generate_names.py from the declarations in the modules: do not edit below the docstring.

from mffnb.keywords import advise_all
from mffnb.penalties.groups import GroupSparsity
from mffnb.penalties.ridge import Ridge
from mffnb.penalties.smoothness import Smoothness, SpectralSmoothness
from mffnb.penalties.sparsity import Sparsity
from mffnb.penalties.variation import TotalVariation
from mffnb.penalties.volume import MinimumVolume

__all__ = [
    "GroupSparsity",
    "MinimumVolume",
    "Ridge",
    "Smoothness",
    "Sparsity",
    "SpectralSmoothness",
    "TotalVariation",
]
advise_all(globals(), __all__)
