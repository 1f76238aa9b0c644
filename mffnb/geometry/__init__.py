"""Geometric endmember extraction: pixels lie in a simplex whose vertices are the endmembers.

A fit of the data alone does not determine the vertices: any larger simplex fits equally well. Pure pixels, cluster
means and simplices of minimum volume estimate them; :func:`minimum_volume` combines these methods into one rule.
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
from mffnb.geometry.simplex_search import Progress
from mffnb.geometry.sisal import SISAL
from mffnb.keywords import advise_all

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
advise_all(globals(), __all__)

NAMED = {
    **starts.NAMED,
}
"""Parts of this package that can be given by name."""
