"""The same problem with X in different places: what comes out, and how far apart.

    python benchmarks/places.py [--side 96] [--channels 200]

Dense, CSR and HDF5 left on disk in this process; then 1 and 2 MPI ranks (the `mpi` extra, or `mpiexec` on the path). All take
the same number of iterations from the same seed. Differences are relative to the largest entry of the dense answer.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import h5py
import numpy as np
from scipy import sparse

import mffnb as mf
from mffnb.graphs import grid

K = 4
PENALTIES = {"sparsity": 1e-3, "smoothness": 1e-2}
RUN = {"max_iter": 60, "tol": 0.0, "random_state": 0}


def on_matrix(X, side: int):
    """Without a map around it: objective, A (pixels, k) and E (k, channels)."""
    terms = [mf.Sparsity(PENALTIES["sparsity"]), mf.Smoothness(PENALTIES["smoothness"], grid((side, side)))]
    model = mf.MatrixFactorization(K, abundance_terms=terms, **RUN)
    A = model.fit_transform(X)
    E = model.components_
    order = np.argsort(-A.sum(axis=0) * np.linalg.norm(E, axis=1), kind="stable")  # as `unmix` sorts
    return model.objective_, A[:, order], E[order]


def factors(result):
    return float(result.trace.objective[-1]), result.abundances.values.reshape(K, -1).T, result.endmembers.values


def on_ranks(folder: Path, count: int):
    """The command line on ranks; each reads its own rows of the file."""
    beside = Path(sys.prefix) / "bin" / "mpiexec"
    launcher = [str(beside) if beside.exists() else shutil.which("mpiexec") or "mpiexec", "-n", str(count)]
    options = [f"--{name.replace('_', '-')}={value}" for name, value in (PENALTIES | RUN).items()]
    command = [sys.executable, "-m", "mpi4py", "-m", "mffnb", "unmix", "map.h5", "-k", str(K), "-q", "-o", "out.nc"]
    subprocess.run([*launcher, *command, *options], cwd=folder, check=True, capture_output=True)
    return factors(mf.load(folder / "out.nc"))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", type=int, default=96)
    parser.add_argument("--channels", type=int, default=200)
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # the number of iterations is fixed on purpose
    rng = np.random.default_rng(0)
    mean = rng.dirichlet(np.full(K, 0.5), options.side**2) @ rng.gamma(0.3, 1.0, (K, options.channels))
    X = rng.poisson(mean).astype(float)
    cube = X.reshape(options.side, options.side, -1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with h5py.File(folder / "map.h5", "w") as file:
            file["data"] = cube
        answers = {
            "dense": factors(mf.unmix(cube, K, **PENALTIES, **RUN)),
            "CSR": on_matrix(sparse.csr_array(X), options.side),
            "HDF5, read in bands": factors(mf.unmix(mf.read(folder / "map.h5", lazy=True), K, **PENALTIES, **RUN)),
            "1 rank": on_ranks(folder, 1),
            "2 ranks": on_ranks(folder, 2),
        }
    _, A, E = answers["dense"]
    print(f"| {options.side} x {options.side} x {options.channels}, k = {K} | final objective | A differs by | E by |")
    print("|---|---|---|---|")
    for place, (objective, a, e) in answers.items():
        apart = " | ".join(f"{np.abs(x - y).max() / np.abs(y).max():.1e}" for x, y in ((a, A), (e, E)))
        print(f"| {place} | {objective:.15f} | {apart} |")


if __name__ == "__main__":
    main()
