"""One object for all pixels here and for pixels on ranks: on a single rank both give the same."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from mffnb.cubes.as_cube import as_cube
from mffnb.cubes.layout import Layout
from mffnb.errors import UnsupportedCombinationError
from mffnb.matrices.collective_errors import run_collectively
from mffnb.parallel.placement import Local, Ranks, placement_of
from mffnb.protocols.communicator import SINGLE
from mffnb.unmixing.execution import Execution
from mffnb.unmixing.task import Task
from tests.parallel.pretend import Pretend


@pytest.fixture
def image():
    cube = as_cube(np.random.default_rng(0).random((7, 5, 6)))
    return Layout.of(cube, mask=np.arange(35).reshape(7, 5) % 6 > 0), cube


def test_the_keyword_chooses_the_placement():
    assert placement_of(None) == placement_of(SINGLE) == Local()
    assert placement_of(Pretend()) != Local()
    assert Local().holds_all_pixels
    assert not Ranks(Pretend()).holds_all_pixels
    assert (Local().lazy, Ranks(Pretend()).lazy) == (None, True)


def test_one_rank_holds_what_one_process_holds(image):
    layout, cube = image
    here, rank = Local(), Ranks(Pretend())
    basis = np.random.default_rng(1).random((2, 6))
    matrices = [placement.matrix(layout, cube, load=True) for placement in (here, rank)]
    np.testing.assert_allclose(matrices[0].times(basis), matrices[1].times(basis), rtol=1e-14)
    graphs = [placement.graph(layout) for placement in (here, rank)]
    for name in ("indptr", "indices", "weights", "degree"):
        np.testing.assert_array_equal(getattr(graphs[0], name), getattr(graphs[1], name))
    assert here.grid_shape(layout) == rank.grid_shape(layout) == (1, 1)
    assert here.block(layout) is None
    rows = rank.block(layout)
    assert (rows.start, rows.stop, rows.rows) == (0, 7, 7)
    values = np.arange(4.0)
    np.testing.assert_array_equal(here.gather(values), rank.gather(values))
    np.testing.assert_array_equal(here.total(values, matrices[0]), rank.total(values, matrices[1]))


def test_a_callback_is_wrapped_on_ranks_only():
    def callback(_state):
        return 1

    assert Local().collective(callback) is callback
    wrapped = Ranks(Pretend()).collective(callback)
    assert wrapped(None) is False  # a number is no wish to stop
    assert Ranks(Pretend()).collective(None) is None


def test_an_error_of_a_single_process_is_raised_as_it_is():
    with pytest.raises(KeyError, match="lost"):
        run_collectively(SINGLE, lambda: {}["lost"])


def test_a_volume_from_the_data_is_refused_on_mpi_engines_by_one_sentence_that_says_what_to_do():
    words = (
        "volume='auto' does not run on MPI engines: leave out cluster, start a program with mpiexec and pass "
        "its communicator, or give volume a number, such as volume=1e-3"
    )
    execution = Execution(engines=SimpleNamespace(mpi=True))
    with pytest.raises(UnsupportedCombinationError, match=f"^{words}$"):
        execution.check(Task.of(k=2, volume="auto"))


def test_a_local_run_with_a_checkpoint_imports_no_mpi(tmp_path):
    code = f"""
import sys
from types import SimpleNamespace
import mffnb as mf, numpy as np
cube = np.random.default_rng(0).random((4, 5, 9))
mf.unmix(cube, 2, random_state=0, checkpoint={str(tmp_path / "kept")!r}, smoothness=0.1)
print(sorted(name for name in sys.modules if name.startswith("mpi4py")))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=280)
    assert run.stdout.strip() == "[]"
