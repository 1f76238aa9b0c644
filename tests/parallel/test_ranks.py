"""One image on several MPI ranks: real processes, the serial answer."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mffnb as mf
from mffnb.graphs import grid
from mffnb.parallel.distributed_graph import graph_part
from mffnb.parallel.ranks import balanced_cuts, world
from tests.parallel.pretend import Pretend

TIMEOUT = 240


def mpiexec(n, *arguments, cwd):
    launcher = Path(sys.prefix) / "bin" / "mpiexec"
    command = [str(launcher) if launcher.exists() else "mpiexec", "-n", str(n), sys.executable, "-m", "mpi4py"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    project = str(Path(mf.__file__).parents[1])
    environment["PYTHONPATH"] = os.pathsep.join([project, environment.get("PYTHONPATH", "")])
    return subprocess.run(
        [*command, *arguments], cwd=cwd, env=environment, timeout=TIMEOUT, capture_output=True, text=True, check=False
    )


@pytest.fixture
def image(tmp_path):
    rng = np.random.default_rng(0)
    cube = rng.dirichlet(np.full(3, 0.5), (70, 45)) @ rng.random((3, 25)) + 0.02 * rng.random((70, 45, 25))
    np.save(tmp_path / "map.npy", cube)
    return cube


@given(rows=st.integers(1, 300), columns=st.integers(1, 300), size=st.integers(1, 6), masked=st.floats(0, 0.9))
def test_shares_cover_all_pixels_in_whole_bands(rows, columns, size, masked):
    mask = np.random.default_rng(0).random((rows, columns)) >= masked
    mask[0, 0] = True
    bands = grid((rows, columns), mask).bands
    if bands.size - 1 < size:
        with pytest.raises(ValueError, match="start at most"):
            balanced_cuts(bands, size)
        return
    limits = balanced_cuts(bands, size)
    assert (limits[0], limits[-1]) == (0, mask.sum())
    assert (np.diff(limits) >= 0).all()
    assert np.isin(limits, bands).all()


def test_own_parts_are_the_graph_cut_in_pieces():
    graph = grid((60, 50))
    factor = np.random.default_rng(0).random((2, 3000))
    limits = balanced_cuts(graph.bands, 2)
    total = 0.0
    for rank in (0, 1):
        part = graph_part(graph, limits, Pretend(rank, 2))
        own = slice(limits[rank], limits[rank + 1])
        assert part.pixels == own.stop - own.start
        assert part.ghosts == 50  # one row of the neighbour
        border = limits[1] + (np.arange(50) if rank == 0 else np.arange(-50, 0))

        def fill(rows, border=border, pixels=part.pixels):
            rows[..., pixels:] = factor[:, border]

        object.__setattr__(part, "exchange", fill)
        total += part.roughness(factor[:, own])
    assert total == pytest.approx(graph.roughness(factor), rel=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(["--sparsity", "1e-2", "--smoothness", "0.1"], id="sparse+smooth"),
        pytest.param(["--smoothness", "0.5", "--init", "random"], id="smooth random", marks=pytest.mark.ranks),
        pytest.param(["--sum-to-one", "--smoothness", "0.1"], id="sum to one", marks=pytest.mark.ranks),
        pytest.param([], id="plain", marks=pytest.mark.ranks),
    ],
)
def test_command_line_on_ranks_equals_serial(image, tmp_path, options):
    common = ["-k", "3", "--random-state", "0", "--max-iter", "40", "--tol", "0", "-q", *options]
    run = mpiexec(2, "-m", "mffnb", "unmix", "map.npy", *common, "-o", "ranks.nc", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    got = mf.load(tmp_path / "ranks.nc")
    keywords = {"sparsity": 0.0, "smoothness": 0.0, "init": "auto", "sum_to_one": "--sum-to-one" in options}
    for name, value in itertools.pairwise(options):
        if name in ("--sparsity", "--smoothness"):
            keywords[name[2:]] = float(value)
        elif name == "--init":
            keywords["init"] = value
    with pytest.warns(mf.errors.ConvergenceWarning):
        expected = mf.unmix(image, 3, random_state=0, max_iter=40, tol=0, **keywords)
    np.testing.assert_allclose(got.endmembers, expected.endmembers, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(got.abundances, expected.abundances, rtol=1e-11, atol=1e-12)
    assert float(got.trace.objective[-1]) == pytest.approx(float(expected.trace.objective[-1]), rel=1e-12)


PRESSED = """
import signal, sys, warnings
import mffnb as mf
from mpi4py import MPI

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
warnings.simplefilter("ignore")
rank, first, signalled = MPI.COMM_WORLD.rank, int(sys.argv[1]), sys.argv[2] == "signal"

def press(state):
    if state.iteration == first + 4 * rank:  # at another moment on each rank
        if not signalled:
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)

result = mf.unmix("map.npy", 3, communicator=MPI.COMM_WORLD, callback=press, tol=0, max_iter=10**6, random_state=0)
iterations = MPI.COMM_WORLD.gather(int(result.trace.iteration[-1]))
if rank == 0:
    print(result.outcome.name, *iterations)
"""


@pytest.mark.ranks
@pytest.mark.parametrize(("first", "how"), [(0, "signal"), (3, "signal"), (3, "raise")])
def test_an_interrupt_ends_all_ranks_after_the_same_iteration(image, tmp_path, first, how):
    (tmp_path / "pressed.py").write_text(PRESSED)
    run = mpiexec(2, "pressed.py", str(first), how, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    outcome, one, other = run.stdout.split()
    assert outcome == "INTERRUPTED"
    assert one == other
    assert int(one) >= first


@pytest.mark.ranks
def test_a_rank_that_fails_ends_the_job(tmp_path, image):
    image[3, 4, 5] = np.inf
    np.save(tmp_path / "bad.npy", image)
    run = mpiexec(2, "-m", "mffnb", "unmix", "bad.npy", "-k", "3", "-q", cwd=tmp_path)
    assert run.returncode != 0
    assert "infinite" in run.stderr


def test_without_a_launcher_there_is_no_world(monkeypatch):
    for name in ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_SIZE", "MPI_LOCALNRANKS", "SLURM_STEP_NUM_TASKS"):
        monkeypatch.delenv(name, raising=False)
    assert world() is None
    monkeypatch.setenv("PMI_SIZE", "1")
    assert world() is None
