"""Graphs of neighbouring or similar pixels, for smoothness penalties, and the order of sweeps over them."""

from mffnb.graphs.disjoint import disjoint
from mffnb.graphs.graph import Graph
from mffnb.graphs.grid import bands, grid
from mffnb.graphs.similar import alike, combined, similar

__all__ = ["Graph", "alike", "bands", "combined", "disjoint", "grid", "similar"]
