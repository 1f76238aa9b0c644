"""Many processes, one answer. Nothing of MPI or ipyparallel is imported unless more than one process is asked for."""

from mffnb.parallel.cluster import Cluster, cluster

__all__ = ["Cluster", "cluster"]
