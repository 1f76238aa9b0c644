"""Many processes, one answer. Nothing of MPI or ipyparallel is imported unless more than one process is asked for."""

from mffnb.parallel.cluster import Cluster, cluster
from mffnb.parallel.grid import Grid, best_shape

__all__ = ["Cluster", "Grid", "best_shape", "cluster"]
