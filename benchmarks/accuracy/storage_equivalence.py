"""Difference between the results for the same X as array, CSR, HDF5 file, and on MPI ranks.

    python -m benchmarks accuracy.storage_equivalence [--side 96] [--channels 200]

Array, CSR and HDF5 left on disk run in this process; then 1 and 2 MPI ranks (the `mpi` extra, or `mpiexec` on the path). All
take the same number of iterations from the same seed. Differences are relative to the largest entry of the array's result.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
from scipy import sparse

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.processes import environment, on_ranks
from mffnb.graphs import grid

K = 4
PENALTIES = {"sparsity": 1e-3, "smoothness": 1e-2}
RUN = {"max_iter": 60, "tol": 0.0, "random_state": 0}
Answer = tuple[float, np.ndarray, np.ndarray]


def of_matrix(X: np.ndarray | sparse.csr_array, side: int) -> Answer:
    """Objective, A (pixels, k) and E (k, channels) of a matrix that is not a cube."""
    terms = [mf.Sparsity(PENALTIES["sparsity"]), mf.Smoothness(PENALTIES["smoothness"], grid((side, side)))]
    model = mf.MatrixFactorization(K, abundance_terms=terms, **RUN)
    A = model.fit_transform(X)
    E = model.components_
    order = np.argsort(-A.sum(axis=0) * np.linalg.norm(E, axis=1), kind="stable")  # the order of `unmix`
    return model.objective_, A[:, order], E[order]


def of_result(result: mf.Unmixing) -> Answer:
    return float(result.trace.objective[-1]), result.abundances.values.reshape(K, -1).T, result.endmembers.values


def of_ranks(folder: Path, count: int) -> Answer:
    """Run the command line on MPI ranks, each of which reads its rows of the file."""
    options = [f"--{name.replace('_', '-')}={value}" for name, value in (PENALTIES | RUN).items()]
    command = [sys.executable, "-m", "mpi4py", "-m", "mffnb", "unmix", "map.h5", "-k", str(K), "-q", "-o", "out.nc"]
    launched = on_ranks(count, [*command, *options])
    subprocess.run(launched, cwd=folder, check=True, capture_output=True, env=environment())
    return of_result(mf.load(folder / "out.nc"))


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--side", type=int, default=96)
    options.add_argument("--channels", type=int, default=200)
    chosen = options.parse_args(arguments)
    side, channels = (12, 40) if chosen.quick else (chosen.side, chosen.channels)
    rng = np.random.default_rng(0)
    mean = rng.dirichlet(np.full(K, 0.5), side**2) @ rng.gamma(0.3, 1.0, (K, channels))
    X = rng.poisson(mean).astype(float)
    cube = X.reshape(side, side, -1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with h5py.File(folder / "map.h5", "w") as file:
            file["data"] = cube
        lazy = mf.read(folder / "map.h5", lazy=True)
        answers = {
            "dense": of_result(mf.unmix(cube, K, **PENALTIES, **RUN)),
            "CSR": of_matrix(sparse.csr_array(X), side),
            "HDF5, read in bands": of_result(mf.unmix(lazy, K, **PENALTIES, **RUN)),
        }
        for count, label in ((1, "1 rank"), (2, "2 ranks")) if not chosen.quick else ():
            answers[label] = of_ranks(folder, count)
    _, A, E = answers["dense"]
    print_header(f"{side} x {side} x {channels}, k = {K}", "final objective", "A differs by", "E by")
    for storage, (objective, a, e) in answers.items():
        differences = (f"{np.abs(x - y).max() / np.abs(y).max():.1e}" for x, y in ((a, A), (e, E)))
        print_row(storage, f"{objective:.15f}", *differences)
