"""Run unmixing on MPI ranks or ipyparallel engines; mpi4py and ipyparallel are imported only when they are used."""

from mffnb.parallel.attach import AttachedCluster, attach
from mffnb.parallel.cluster import Cluster, cluster
from mffnb.parallel.doctor import Check, Diagnosis, doctor
from mffnb.parallel.grid import Grid, best_shape
from mffnb.parallel.slurm_cluster import SlurmCluster, slurm

__all__ = [
    "AttachedCluster",
    "Check",
    "Cluster",
    "Diagnosis",
    "Grid",
    "SlurmCluster",
    "attach",
    "best_shape",
    "cluster",
    "doctor",
    "slurm",
]
