"""Geometry that finds the true spectra: pixels lie in a simplex, and its corners are the endmembers.

Fitting alone does not say where the corners are: any larger simplex fits as well. Pure pixels, averages of groups and
simplices of least volume are guesses at the corners; :func:`minimum_volume` joins them into one rule.
"""

# Written by tools/generate_names.py from the declarations in the modules: do not edit below the docstring.

from mffnb.geometry import starts
from mffnb.geometry.archetypal import Archetypal
from mffnb.geometry.clusters import KMeans
from mffnb.geometry.facets import Facets
from mffnb.geometry.groups import Groups
from mffnb.geometry.minimum_volume import Geometry, Search, minimum_volume
from mffnb.geometry.model_choice import ModelChoice, choose_model
from mffnb.geometry.pure_pixels import NFINDR, SPA, VCA
from mffnb.geometry.search import Progress
from mffnb.geometry.sisal import SISAL

__all__ = [
    "NFINDR",
    "SISAL",
    "SPA",
    "VCA",
    "Archetypal",
    "Facets",
    "Geometry",
    "Groups",
    "KMeans",
    "ModelChoice",
    "Progress",
    "Search",
    "choose_model",
    "minimum_volume",
]

NAMED = {
    **starts.NAMED,
}
"""Parts of this package that can be given by name."""
