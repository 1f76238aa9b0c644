"""Which pixels are neighbours, and in which order a solver may visit them."""

from mffnb.graphs.graph import Graph
from mffnb.graphs.grid import bands, grid
from mffnb.graphs.similar import alike, combined, similar

__all__ = ["Graph", "alike", "bands", "combined", "grid", "similar"]
