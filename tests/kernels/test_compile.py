"""Compiled code is kept where it can be, and done without where it cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mffnb
from mffnb.kernels.compile import kernel

PACKAGE = Path(mffnb.__file__).parent

WARMUP = """
from mffnb.warmup import compile_kernels

compile_kernels()
"""
# Every way to solve, on data of the kinds that users have.
RUNS = """
import itertools, warnings
import numpy as np
import mffnb as mf
from scipy import sparse

warnings.simplefilter("ignore")
cube = np.random.default_rng(0).random((40, 50, 6))
for data, smoothness, fractions in itertools.product((cube, cube.astype("f4")), (0, 0.1), (False, True)):
    for sparsity in (0,) if fractions else (0, 1e-3):
        mf.unmix(data, 3, sparsity=sparsity, smoothness=smoothness, sum_to_one=fractions, max_iter=2, random_state=0)
model = mf.MatrixFactorization(3, abundance_terms=[mf.Sparsity(1e-3)], max_iter=2).fit(cube.reshape(-1, 6))
model.transform(cube.reshape(-1, 6))
counts = np.random.default_rng(0).poisson(cube)
holes = np.where(np.random.default_rng(1).random(cube.shape) < 0.1, np.nan, cube)
for data in (counts.astype("u2"), counts, cube, cube.astype("f4"), holes):
    for smoothness, physics in itertools.product((0, 0.1), ({}, {"sum_to_one": True}, {"gain": True})):
        mf.unmix(data, 3, similarity="kl", smoothness=smoothness, max_iter=2, random_state=0, **physics)
for data in (sparse.csr_array(counts.reshape(-1, 6)), sparse.csr_array(counts.reshape(-1, 6).astype("f4"))):
    for options in ({}, {"abundance_terms": [mf.Sparsity(1e-3)]}, {"solver": "multiplicative"}):
        mf.MatrixFactorization(3, similarity="kl", max_iter=2, **options).fit(data)
for data in (holes, holes.astype("f4")):
    mf.unmix(data, 3, weights="poisson" if data is holes else None, max_iter=2, random_state=0)
for kind in ("f4", "u1", "u2", "i8"):
    for data in (counts.astype(kind), sparse.csr_array(counts.reshape(-1, 6).astype(kind))):
        mf.MatrixFactorization(3, max_iter=2).fit(data.reshape(-1, 6) if data.ndim == 3 else data)
    mf.MatrixFactorization(5, max_iter=2).fit(counts.reshape(-1, 6).astype(kind))
    mf.MatrixFactorization(3, max_iter=2).fit(1 + np.tile(counts.reshape(-1, 6)[:9], 500).astype(kind))
few = counts * (np.random.default_rng(2).random(cube.shape) < 0.02)
for data, similarity in itertools.product((few, few.astype("f8"), few.astype("f4"), few + 0.0), ("frobenius", "kl")):
    mf.unmix(data, 3, similarity=similarity, max_iter=2, random_state=0)
mf.unmix(np.asfortranarray(cube), 5, max_iter=2, random_state=0)
for physics in ({"gain": True, "volume": 1e-3}, {"solver": "pivoting"}, {"known": cube[0, :1]}):
    mf.unmix(cube, 3, max_iter=2, random_state=0, **physics)
for physics in ({"sum_to_one": True}, {"gain": True}):
    mf.unmix(cube, 3, volume="auto", random_state=0, **physics)
mf.presets.known_endmembers(cube[0, :3]).fit_transform(cube.reshape(-1, 6))
"""
# Which kernels were called, and with which types. What only another kernel calls has none: it is compiled with that one.
CALLED = """
import importlib, pkgutil
from numba.core.dispatcher import Dispatcher
import mffnb.kernels

for module in pkgutil.iter_modules(mffnb.kernels.__path__, "mffnb.kernels."):
    for value in vars(importlib.import_module(module.name)).values():
        for signature in value.signatures if isinstance(value, Dispatcher) else ():
            print(f"{value.__name__}{signature}")
"""


def run(*command, cwd, **environment):
    kept = {name: value for name, value in os.environ.items() if name not in ("NUMBA_CACHE_DIR", "MFFNB_CACHE_DIR")}
    return subprocess.run(
        [sys.executable, *command],
        cwd=cwd,  # the working directory comes before PYTHONPATH
        env=kept | environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=900,
    )


@pytest.mark.slow
@pytest.mark.timeout(1200)  # where nothing is in the cache yet
def test_warmup_compiles_all_that_runs_of_every_kind_call(tmp_path):
    """Types are compared, not the cache, which other runs fill as well."""
    place = {name: os.environ[name] for name in ("NUMBA_CACHE_DIR", "MFFNB_CACHE_DIR") if name in os.environ}
    place["PYTHONPATH"] = str(PACKAGE.parent)
    warm = set(run("-c", WARMUP + CALLED, cwd=tmp_path, **place).stdout.splitlines())
    called = set(run("-c", RUNS + CALLED, cwd=tmp_path, **place).stdout.splitlines())
    assert called - warm == set()
    for name in ("_write_gram_ratios", "_sweep_ball", "sweep_colour", "_sweep", "roughness",
                 "_solve_box", "_newton_rows", "_add_times", "add_times_4", "_add_row_squares", "minimise_on_simplex", "impute", "compress_rows"):  # fmt: skip
        assert any(line.startswith(f"{name}(") for line in called)


# A first run on an image, as in a first notebook cell, and what it left in an empty cache.
FIRST_RUN = """
import sys
import mffnb as mf
from mffnb.datasets import tof_sims_2d
from mffnb.kernels.compile import stored_specialisations

mf.unmix(tof_sims_2d(seed=0, shape=(64, 64)).cube + int(sys.argv[1]), 4, random_state=0, max_iter=20)
print(*stored_specialisations(), sep="\\n")
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("added", "limit", "heavy"),
    [
        (0, 10, ("sparse_products.times_4", "sparse_products.add_times_4")),
        (1, 14, ("panels._fused_descent", "panels._add_channel_sums", "panels._add_pixel_sums")),
    ],
)
def test_a_first_run_compiles_few_kernels_and_each_once(added, limit, heavy, tmp_path):
    """Literal integers from kernel to kernel, allocations and slice assignments made them 92, a quarter second each."""
    place = {"MFFNB_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(PACKAGE.parent)}
    kernels = run("-c", FIRST_RUN, str(added), cwd=tmp_path, **place).stdout.splitlines()
    assert 5 < len(kernels) <= limit
    names = [line.partition("(")[0] for line in kernels]
    assert "uncoupled_sweeps.sweep_in_registers_4" in names
    assert "uncoupled_sweeps.sweep_in_registers_5" not in names
    assert max(names.count(name) for name in names) == 1
    assert set(heavy) <= set(names)


def test_nothing_is_kept_where_nothing_can_be_written(tmp_path):
    # Files where folders should be keep even the super-user from writing there.
    copy = tmp_path / "site" / "mffnb"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "notebooks"))
    (copy / "kernels" / "__pycache__").write_text("")
    home = tmp_path / "home"
    home.write_text("")
    place = {name: str(home) for name in ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA", "MFFNB_CACHE_DIR")}
    code = (
        "import mffnb as mf, numpy as np\n"
        "print(mf.__file__)\n"
        "import mffnb.solvers\n"
        "print(mf.graphs.grid((3, 4)).roughness(np.ones((2, 12))))\n"
        "from mffnb.kernels.laplacian import roughness\n"
        "print(len(roughness.signatures), roughness.stats.cache_path)"
    )
    ended = run("-c", code, cwd=tmp_path, **place, PYTHONPATH=str(copy.parent))
    assert ended.stdout.splitlines() == [str(copy / "__init__.py"), "0.0", "1 None"]
    assert ended.stderr.count("set MFFNB_CACHE_DIR") == 1  # said once, not once for each kernel


def test_other_refusals_are_not_swallowed(monkeypatch):
    def refuse(**options):
        raise RuntimeError("out of order")

    monkeypatch.setattr("mffnb.kernels.compile.njit", refuse)
    with pytest.raises(RuntimeError, match="out of order"):
        kernel()(abs)


def test_a_kernel_with_constants_of_the_function_around_it_needs_a_name():
    """The cache knows kernels by name: without one it would load the code of another constant."""

    def scaled(factor, name):
        @kernel(name=name)
        def scale(x):
            return factor * x

        return scale

    with pytest.raises(TypeError, match="give it a name"):
        scaled(2.0, "")
    assert scaled(2.0, "scale_by_2")(3.0) == 6.0
    assert scaled(5.0, "scale_by_5")(3.0) == 15.0


@kernel(internal=True)
def _doubled(x: float) -> float:
    return 2.0 * x


@kernel()
def _doubled_twice(x: float) -> float:
    return float(_doubled(_doubled(x)))


def test_a_call_of_an_internal_kernel_from_python_is_refused_and_does_not_crash():
    for _ in range(2):  # before and after it was compiled for another kernel
        with pytest.raises(TypeError, match=r"_doubled is called by other kernels only"):
            _doubled(1.0)
        assert _doubled_twice(1.5) == 6.0
