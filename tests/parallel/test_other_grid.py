"""A run continues from its checkpoint on another number of MPI ranks, and on another grid of them."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from tests.parallel.test_ranks import mpiexec

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")

# One chain of runs per case: 1 process, 2 x 1, 1 x 2, 2 x 2 and 4 x 1 ranks, and 1 process again.
CASES = """
import shutil, sys, warnings
from pathlib import Path
import numpy as np, mffnb as mf

warnings.simplefilter("ignore", mf.errors.ConvergenceWarning)
rng = np.random.default_rng(0)
cube = rng.dirichlet(np.full(3, 0.5), (70, 45)) @ rng.random((3, 10)) + 0.02 * rng.random((70, 45, 10))
cube /= 1.01 * cube.max()
counts = rng.poisson(30 * cube).astype(float)
mask = np.ones((70, 45), bool)
mask[30:40, 1:] = mask[0] = False
cases = {
    "sparse": {"sparsity": 1e-3},
    "smooth": {"smoothness": 0.1, "mask": mask},
    "counts": {"similarity": "kl", "init": "random"},
    "gain": {"gain": True, "weights": "poisson"},
    # Three components of this image would give both starts the same minimum, and rounding would choose one of them.
    "starts": {"n_init": 2, "init": "random", "k": 6},
    "proximal": {"solver": "proximal", "endmember_terms": [mf.Ridge(0.1)]},
    "intercept": {"transform": "logistic"},
}

def unmix(case, iterations, folder=None, begun=0, communicator=None, every=3600):
    seen = []
    result = mf.unmix(
        counts if case == "counts" else cube, random_state=0, tol=0, max_iter=iterations, communicator=communicator,
        checkpoint=None if folder is None else mf.Checkpoint(folder, every=every),
        callback=lambda state: seen.append(state.iteration), **{"k": 3, **cases[case]},
    )
    assert min(seen) >= begun, (case, seen[:3], begun)  # it has not restarted from the data
    return result
"""

RANKS = (
    CASES
    + """
from mpi4py import MPI

world = MPI.COMM_WORLD
for case in sys.argv[2:] or cases:
    for rows, columns, begun, iterations in eval(sys.argv[1]):
        grid = mf.parallel.Grid(world, (rows, columns))
        unmix(case, iterations, Path(case), begun, grid, every=0 if sys.argv[2:] else 3600)
        if world.rank == 0:
            shutil.copytree(case, f"{case}-{rows}x{columns}")
        world.Barrier()
"""
)

HOSTILE = (
    CASES
    + """
from mpi4py import MPI

# The newest state of 2 x 1 ranks lacks a block; then no state is complete.
world, folder = MPI.COMM_WORLD, Path("bad")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    unmix("sparse", 25, folder, 19, world)
assert "going on from the one before, iteration 19" in "".join(str(one.message) for one in caught), caught
world.Barrier()
try:
    unmix("sparse", 25, Path("worse"), 0, world)
except ValueError as error:
    assert "is damaged: delete it" in str(error), error
else:
    raise AssertionError("it went on without a block")
"""
)


def run(ranks, script, folder, *arguments):
    (folder / "script.py").write_text(script)
    done = mpiexec(ranks, "script.py", *arguments, cwd=folder)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def assert_agree(one, other, case):
    """Same objective to 1e-10, same factors to 1e-6 of their largest value."""
    a, b = (result.trace.objective.values for result in (one, other))
    np.testing.assert_allclose(a, b, rtol=1e-10, err_msg=case)
    for name in ("abundances", "endmembers"):
        x, y = getattr(one, name).values, getattr(other, name).values
        np.testing.assert_allclose(x, y, rtol=0, atol=1e-6 * np.nanmax(np.abs(y)), err_msg=f"{case} {name}")


@pytest.mark.ranks
def test_a_run_continues_on_other_numbers_of_ranks_and_other_grids(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here: dict = {}
    exec(CASES, here)
    unmix, cases = here["unmix"], here["cases"]
    for case in cases:
        unmix(case, 10, tmp_path / case)
    run(2, RANKS, tmp_path, "[(2, 1, 10, 20), (1, 2, 20, 30)]")
    run(4, RANKS, tmp_path, "[(2, 2, 30, 34), (4, 1, 34, 40)]")
    for case in cases:
        whole = unmix(case, 50)
        for folder, begun in ((case, 40), (f"{case}-2x1", 20), (f"{case}-1x2", 30), (f"{case}-2x2", 34)):
            assert_agree(unmix(case, 50, tmp_path / folder, begun), whole, folder)


@pytest.mark.ranks
def test_all_ranks_refuse_a_missing_or_damaged_block_of_another_grid(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(2, RANKS, tmp_path, "[(2, 1, 0, 20)]", "sparse")
    shutil.copytree("sparse", "bad")
    (tmp_path / "bad/iteration-00000020/rank-0001.npz").unlink()
    shutil.copytree("sparse", "worse")
    for file in tmp_path.glob("worse/*/rank-0000.npz"):
        content = file.read_bytes()
        file.write_bytes(content[:200] + b"?" * 9 + content[209:])
    run(4, HOSTILE, tmp_path)
