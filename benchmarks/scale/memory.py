"""Peak memory of unmixing beyond X, for X in memory, sparse and in a file, next to its limit (Linux).

    python -m benchmarks scale.memory [--rows 16384] [--channels 1535]
    python -m benchmarks scale.memory --rows 163840 --ways auto scan stability mask UnitSum    # 1 GB of float32

Each kind of X runs in a process of its own, which solves a tiny problem of the same kind first (imports, kernels, buffers of BLAS),
then loads X, then factors it. The limit for X in memory is 0.1 X plus 4 k (pixels + channels) numbers; X in a file may take
two bands of 8 MB instead of the 0.1 X. `volume="auto"`, a scan of k, the uncertainty of a result, a mask of single pixels and a scaling of pixels
(`UnitSum`, of more than 256 MB) may take 0.3 X. The peak is VmHWM of the Linux kernel.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import xarray as xr
from scipy import sparse

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.processes import benchmark_command, memory_status, output, start

K = 4
MB = 1e6
BAND = 8 * 2**20
SHARES = {"auto": 0.3, "scan": 0.3, "stability": 0.3, "mask": 0.3, "UnitSum": 0.3}  # of X, beyond X; the default is 0.1
WAYS = ("MatrixFactorization", "unmix", *SHARES)


def write(folder: Path, rows: int, channels: int) -> None:
    """Write counts of a seeded mixture, large and tiny, as a file of each kind."""
    rng = np.random.default_rng(0)
    for name, count in (("tiny", 64), ("large", rows)):
        mean = rng.dirichlet(np.full(K, 0.5), count) @ rng.gamma(0.3, 1.0, (K, channels))
        counts = rng.poisson(mean)
        np.save(folder / f"{name}-float64.npy", counts.astype(np.float64))
        np.save(folder / f"{name}-float32.npy", counts.astype(np.float32))
        sparse.save_npz(folder / f"{name}-CSR.npz", sparse.csr_array(counts.astype(np.float64)), compressed=False)
        with h5py.File(folder / f"{name}-HDF5.h5", "w") as file:
            # A map of spectra in counts, as instruments write it.
            file["data"] = counts.astype(np.uint16).reshape(-1, 64, channels)


def load(folder: Path, name: str, kind: str) -> tuple[np.ndarray | sparse.csr_array | xr.DataArray, int]:
    """X, and how many of its bytes are in memory."""
    if kind == "CSR":
        X = sparse.load_npz(folder / f"{name}-CSR.npz")
        return X, X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    if kind == "HDF5":
        return mf.read(folder / f"{name}-HDF5.h5", lazy=True), 0
    X = np.load(folder / f"{name}-{kind}.npy")
    return X, X.nbytes


def solve(X: np.ndarray | sparse.csr_array | xr.DataArray, how: str) -> None:
    if how == "MatrixFactorization":
        mf.MatrixFactorization(K, max_iter=5, random_state=0).fit_transform(X)
        return
    cube = X if X.ndim == 3 else X.reshape(-1, 64, X.shape[1])
    if how == "unmix":
        mf.unmix(cube, K, sparsity=1e-3, smoothness=1e-3, max_iter=5, random_state=0)
    elif how == "auto":
        mf.unmix(cube, K, volume="auto", random_state=0)
    elif how == "mask":
        used = np.ones(cube.shape[:2], bool)
        used[:, ::8] = False
        mf.unmix(cube, K, mask=used, max_iter=5, random_state=0)
    elif how == "UnitSum":
        mf.unmix(cube, K, preprocess=[mf.preprocessing.UnitSum()], max_iter=5, random_state=0)
    elif how == "scan":
        mf.selection.scan_rank(cube, [K - 1, K], n_init=2, max_iter=5, splits=1, random_state=0)
    else:
        answer = mf.unmix(cube, K, max_iter=5, random_state=0)
        mf.selection.stability(cube, answer, 2, 2, level=0.5, random_state=0)


def measure(folder: Path, kind: str, how: str) -> None:
    """Run in a fresh process: print the bytes of X and the peak beyond it."""
    X, _ = load(folder, "tiny", kind)
    solve(X, how)
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    now = memory_status("VmRSS")
    X, size = load(folder, "large", kind)
    solve(X, how)
    peak = memory_status("VmHWM")
    print(json.dumps({"size": size, "beyond": peak - now - size}))


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--rows", type=int, default=16384)
    options.add_argument("--channels", type=int, default=1535)
    options.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS, help="what runs")
    options.add_argument("--measure", nargs=3, metavar=("FOLDER", "KIND", "HOW"), help="used by the benchmark itself")
    chosen = options.parse_args(arguments)
    if chosen.measure:
        folder, kind, how = chosen.measure
        measure(Path(folder), kind, how)
        return
    rows, channels = (256, 40) if chosen.quick else (chosen.rows, chosen.channels)
    ways = [("MatrixFactorization", "float64"), ("MatrixFactorization", "float32"), ("MatrixFactorization", "CSR")]
    ways += [("unmix", "float64"), ("unmix", "float32"), ("unmix", "HDF5")]
    ways += [
        ("auto", "float32"),
        ("scan", "float32"),
        ("stability", "float32"),
        ("mask", "float32"),
        ("UnitSum", "float32"),
    ]
    ways = [way for way in ways if way[0] in chosen.ways]
    factors = 8 * 4 * K * (rows + channels)
    print_header(f"{rows} x {channels}, k = {K}, MB", "X in memory", "peak beyond X", "limit", "")
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), rows, channels)
        for how, kind in ways[:1] if chosen.quick else ways:
            got = json.loads(output(start(benchmark_command("scale.memory", "--measure", folder, kind, how))))
            limit = factors + (2 * BAND if kind == "HDF5" else SHARES.get(how, 0.1) * got["size"])
            figures = (f"{value / MB:.1f}" for value in (got["size"], got["beyond"], limit))
            print_row(f"{how}, {kind}", *figures, "within" if got["beyond"] <= limit else "**beyond**")
