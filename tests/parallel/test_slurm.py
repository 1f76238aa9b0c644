"""Engines in a batch job: with stub commands always, and with a real Slurm where one answers."""

from __future__ import annotations

import os
import signal
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.parallel import batch_job
from tests.conftest import mixture
from tests.parallel.stub_slurm import install, slurm_answers

ON_THIS_HOST = {
    "ip": "127.0.0.1",
    "environment": ["export UCX_NET_DEVICES=lo FI_TCP_IFACE=lo"],
    "time": "00:05:00",
    "timeout": 120,
}


@pytest.fixture(params=["stub", *(["slurm"] if slurm_answers() else [])])
def batch(request, tmp_path, monkeypatch):
    """A folder for jobs; sbatch is a stub, or that of the Slurm cluster to which this machine belongs."""
    if request.param == "stub":
        monkeypatch.setenv("PATH", install(tmp_path / "bin"))
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def wait_for(condition):
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.ranks
def test_engines_of_a_job_give_the_serial_answer_and_end_with_it(batch):
    cube, options = mixture(), {"n_init": 4, "random_state": 7, "sparsity": 1e-2}
    one = mf.unmix(cube, 3, **options)
    engines = mf.parallel.slurm(2, folder=batch, **ON_THIS_HOST)
    with engines:
        pids, first = engines.client[:].apply_sync(os.getpid), engines.job
        many = mf.unmix(cube, 3, cluster=engines, **options)
        xr.testing.assert_identical(one.endmembers, many.endmembers)
        left = list(pids)

        def kill(state):
            if left[1:]:
                os.kill(left.pop(), signal.SIGKILL)

        rest = mf.unmix(cube, 3, cluster=engines, callback=kill, **options)
        xr.testing.assert_identical(one.endmembers, rest.endmembers)
        wait_for(lambda: len(engines.client.ids) == 1)
        engines.revive()
        assert engines.job == first
        os.kill(left[0], signal.SIGKILL)
        wait_for(lambda: not engines.client.ids)
        again = mf.unmix(cube, 3, cluster=engines, **options)
        xr.testing.assert_identical(one.endmembers, again.endmembers)
        assert engines.job != first
        last = batch_job.Job(engines.job, batch)
    assert not list(batch.iterdir())
    wait_for(lambda: batch_job.has_ended(last.state()[0]))
    with pytest.raises(RuntimeError, match="start"):
        engines.executor()


@pytest.mark.ranks
@pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")  # the number of iterations is fixed on purpose
def test_run_on_ranks_of_a_job_resumes_after_a_rank_was_killed(batch, tmp_path):
    np.save(tmp_path / "map.npy", mixture(shape=(64, 20)).values)
    options = {"random_state": 7, "sparsity": 1e-2, "max_iter": 60, "tol": 0}
    one = mf.unmix(tmp_path / "map.npy", 3, **options)
    options["checkpoint"] = mf.Checkpoint(tmp_path / "ck", every=0)
    with mf.parallel.slurm(2, mpi=True, folder=batch, **ON_THIS_HOST) as engines:
        pids, first = engines.client[:].apply_sync(os.getpid), engines.job

        def kill(state):
            if state.iteration > 10:
                os.kill(pids[1], signal.SIGKILL)

        with pytest.raises(RuntimeError, match=r"an engine died .* call again"):
            mf.unmix(tmp_path / "map.npy", 3, cluster=engines, callback=kill, **(options | {"max_iter": 10**6}))
        seen = []
        many = mf.unmix(
            tmp_path / "map.npy", 3, cluster=engines, callback=lambda state: seen.append(state.iteration), **options
        )
        assert engines.job != first
    assert int(many.trace.iteration[-1]) >= 60
    assert min(seen) > 5  # from the checkpoint
    assert float(many.trace.objective[-1]) <= float(one.trace.objective[-1]) * (1 + 1e-10)


def test_script_contains_every_argument(tmp_path):
    engines = mf.parallel.slurm(
        3,
        time="00:20:00",
        partition="short",
        memory="2G",
        directives=["--account=physics"],
        environment=["module load mpich"],
        folder=tmp_path,
    )
    lines = engines.script().splitlines()
    assert lines[0] == "#!/bin/bash"
    for option in (
        "--ntasks=3",
        "--time=00:20:00",
        "--partition=short",
        "--mem-per-cpu=2G",
        "--account=physics",
        "--cpus-per-task=1",
    ):
        assert f"#SBATCH {option}" in lines
    assert lines.index("module load mpich") < lines.index("export OMP_NUM_THREADS=1") < len(lines) - 1
    assert lines[-1].startswith("srun --kill-on-bad-exit=0 --wait=0 ")
    assert "--mpi" not in lines[-1]
    assert not any("KILL_BAD_EXIT" in line for line in lines)
    assert engines.job is None
    assert not list(tmp_path.iterdir())
    ranks = mf.parallel.slurm(2, mpi=True, launcher="srun --mpi=pmix", folder=tmp_path).script().splitlines()
    assert ranks[-1].startswith("srun --mpi=pmix ")
    assert ranks[-1].endswith(" --mpi")
    assert "export SLURM_KILL_BAD_EXIT=1" in ranks  # a rank that was killed ends the others, whatever launches them
    assert not any("--partition" in line or "--mem" in line for line in ranks)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "engines >= 1"),
        ({"directives": "--account=physics"}, r"must be a list of lines, .* write \['--account=physics'\]"),
        ({"environment": "module load mpich"}, "must be a list of lines"),
        ({"directives": ["account=physics"]}, "is an option of sbatch"),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        mf.parallel.slurm(**({"n": 2} | options))


def test_without_sbatch_the_error_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="no sbatch on the PATH: log in"):
        mf.parallel.slurm(2, folder=tmp_path).start()
    assert not list(tmp_path.iterdir())


def test_refusal_of_slurm_is_quoted(monkeypatch, tmp_path):
    refuses = "echo 'sbatch: error: invalid partition specified: fast' >&2\nexit 1\n"
    monkeypatch.setenv("PATH", install(tmp_path / "bin", sbatch=refuses))
    with pytest.raises(RuntimeError, match=r"^Slurm refused the job: invalid partition specified: fast$"):
        batch_job.submit(tmp_path / "job.sh", tmp_path / "job.log")


class Client:
    def __init__(self, ids=()):
        self.ids = list(ids)


def submitted(tmp_path, monkeypatch, client, **stubs):
    """A cluster whose job is submitted to stub commands, and whose engines never come."""
    monkeypatch.setenv("PATH", install(tmp_path / "bin", sbatch="echo 12\n", **stubs))
    monkeypatch.setattr(sys.modules["mffnb.parallel.slurm_cluster"], "_ASK_SLURM", 0.0)
    engines = mf.parallel.slurm(2, folder=tmp_path, timeout=0.3)
    engines.client = client
    engines._work.mkdir()
    return engines


def test_job_that_waits_too_long_says_why(monkeypatch, tmp_path):
    engines = submitted(tmp_path, monkeypatch, Client(), squeue="echo 'PENDING|Resources'\n")
    with pytest.raises(
        TimeoutError, match=r"job 12 is still PENDING after 0\.3 s \(Resources\), and was cancelled: raise"
    ):
        engines._submit()


def test_job_that_dies_shows_the_end_of_its_log(monkeypatch, tmp_path):
    engines = submitted(tmp_path, monkeypatch, Client(), squeue="echo 'FAILED|NonZeroExitCode'\n")
    engines._script.log.write_text("\n".join(f"line {i}" for i in range(20)) + "\nmodule: command not found\n")
    with pytest.raises(RuntimeError, match=r"job 12 ended \(FAILED\) before its engines answered") as caught:
        engines._submit()
    assert str(caught.value).endswith("module: command not found")
    assert "line 5" not in str(caught.value)


def test_engines_that_are_missing_are_counted(monkeypatch, tmp_path):
    engines = submitted(tmp_path, monkeypatch, Client([0]), squeue="echo 'RUNNING|None'\n")
    with pytest.raises(
        TimeoutError, match=r"1 of 2 engines of job 12 have answered after 0\.3 s(.|\n)*there is no log"
    ):
        engines._submit()


def test_state_of_a_job_is_unknown_while_slurm_does_not_answer(monkeypatch, tmp_path):
    fails = "echo 'slurm_load_jobs error: Socket timed out' >&2\nexit 1\n"
    monkeypatch.setenv("PATH", install(tmp_path / "bin", squeue=fails))
    assert batch_job.Job("12", tmp_path).state() == ("UNKNOWN", "slurm_load_jobs error: Socket timed out")
    monkeypatch.setenv("PATH", install(tmp_path / "bin"))
    assert batch_job.Job(str(2**22 + 1), tmp_path).state() == ("ENDED", "")
    assert not batch_job.has_ended("UNKNOWN")


def test_ranks_that_the_launcher_does_not_connect_are_refused(monkeypatch, tmp_path):
    engines = submitted(tmp_path, monkeypatch, Client([0, 1]))
    engines.mpi = True
    apart = {number: SimpleNamespace(rank=0, size=1) for number in (0, 1)}
    monkeypatch.setattr(sys.modules["mffnb.parallel.slurm_cluster"], "ask_engines", lambda client: apart)
    with pytest.raises(RuntimeError, match=r"engine 1: rank 0 of 1\): the launcher .* 'srun --mpi=pmix' for Open MPI$"):
        engines._submit()


def test_job_is_cancelled_on_stop(monkeypatch, tmp_path):
    engines = submitted(
        tmp_path, monkeypatch, Client(), squeue="echo 'PENDING|None'\n", scancel=f"echo $1 > {tmp_path}/cancelled\n"
    )
    with pytest.raises(TimeoutError):
        engines._submit()
    engines.stop()
    engines.stop()
    assert (tmp_path / "cancelled").read_text() == "12\n"
    assert not engines._work.exists()
    with pytest.raises(RuntimeError, match="not submitted"):
        mf.unmix(mixture(), 3, cluster=engines, n_init=2)
