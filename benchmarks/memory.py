"""Peak memory while unmixing, beyond X and beyond what a tiny problem takes.

    python benchmarks/memory.py [--rows 16384] [--channels 1535]

Every kind of X is run in a process of its own, which first solves a tiny problem of the same kind (imports, kernels, the
buffers of BLAS), then loads X, then factors it. The limit for X in memory is 0.1 X and 4 k (pixels + channels) numbers; X
that stays in its file may take two bands of 8 MB instead of the 0.1 X. Needs Linux: the peak is the kernel's VmHWM.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import h5py
import numpy as np
from scipy import sparse

import mffnb as mf

K = 4
MB = 1e6
BAND = 8 * 2**20


def write(folder: Path, rows: int, channels: int) -> None:
    """Counts of a seeded mixture, as each kind of file, large and tiny."""
    rng = np.random.default_rng(0)
    for name, count in (("tiny", 64), ("large", rows)):
        mean = rng.dirichlet(np.full(K, 0.5), count) @ rng.gamma(0.3, 1.0, (K, channels))
        counts = rng.poisson(mean)
        np.save(folder / f"{name}-float64.npy", counts.astype(np.float64))
        np.save(folder / f"{name}-float32.npy", counts.astype(np.float32))
        sparse.save_npz(folder / f"{name}-CSR.npz", sparse.csr_array(counts.astype(np.float64)), compressed=False)
        with h5py.File(folder / f"{name}-HDF5.h5", "w") as file:
            # As instruments write: a map of spectra, in counts.
            file["data"] = counts.astype(np.uint16).reshape(-1, 64, channels)


def load(folder: Path, name: str, kind: str):
    """X, and the bytes of it that are in memory."""
    if kind == "CSR":
        X = sparse.load_npz(folder / f"{name}-CSR.npz")
        return X, X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    if kind == "HDF5":
        return mf.read(folder / f"{name}-HDF5.h5", lazy=True), 0
    X = np.load(folder / f"{name}-{kind}.npy")
    return X, X.nbytes


def solve(X, how: str) -> None:
    if how == "unmix":
        cube = X if X.ndim == 3 else X.reshape(-1, 64, X.shape[1])
        mf.unmix(cube, K, sparsity=1e-3, smoothness=1e-3, max_iter=5, random_state=0)
    else:
        mf.MatrixFactorization(K, max_iter=5, random_state=0).fit_transform(X)


def status(field: str) -> int:
    """Bytes: VmRSS, what the process holds now, or VmHWM, the most it ever held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(field))


def measure(folder: Path, kind: str, how: str) -> None:
    """In a fresh process: print the bytes of X and the peak beyond it."""
    warnings.simplefilter("ignore")
    X, _ = load(folder, "tiny", kind)
    solve(X, how)
    before = max(status("VmHWM"), status("VmRSS"))
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew from here
    now = status("VmRSS")
    X, size = load(folder, "large", kind)
    solve(X, how)
    peak = status("VmHWM")
    print(json.dumps({"size": size, "beyond": peak - now - size, "baseline": now, "before": before}))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=16384)
    parser.add_argument("--channels", type=int, default=1535)
    parser.add_argument("--measure", nargs=3, metavar=("FOLDER", "KIND", "HOW"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        folder, kind, how = options.measure
        measure(Path(folder), kind, how)
        return
    factors = 8 * 4 * K * (options.rows + options.channels)
    print(f"| {options.rows} x {options.channels}, k = {K}, MB | X in memory | peak beyond X | limit | |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), options.rows, options.channels)
        for how in ("MatrixFactorization", "unmix"):
            for kind in ("float64", "float32", "CSR", "HDF5"):
                if (how, kind) in (("unmix", "CSR"), ("MatrixFactorization", "HDF5")):
                    continue  # a cube is not sparse, a lazy file is a cube
                command = [sys.executable, __file__, "--measure", folder, kind, how]
                got = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                limit = factors + (2 * BAND if kind == "HDF5" else 0.1 * got["size"])
                verdict = "within" if got["beyond"] <= limit else "**beyond**"
                numbers = " | ".join(f"{value / MB:.1f}" for value in (got["size"], got["beyond"], limit))
                print(f"| {how}, {kind} | {numbers} | {verdict} |", flush=True)


if __name__ == "__main__":
    main()
