"""The doctor: each fault is found and has a cure, and MPI is never loaded in the process that calls it."""

from __future__ import annotations

import dataclasses
import os
import stat
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

import mffnb as mf
from mffnb.cli import main
from mffnb.parallel import mpi_probe
from mffnb.parallel.cores import Cores, count_cores, group_quota
from mffnb.parallel.mpi_probe import Answer, ask_library, ask_ranks, run_child

HERE = sys.modules["mffnb.parallel.doctor"]


def healthy(monkeypatch):
    """Replace each probe by one that finds no fault."""
    monkeypatch.setattr(HERE, "ask_library", lambda _: Answer(True, "Library 1.0"))
    monkeypatch.setattr(HERE, "ask_ranks", lambda _: Answer(True, "2 ranks by mpiexec"))
    monkeypatch.setattr(HERE, "version", lambda _: "99.1.0")
    monkeypatch.setattr(HERE, "count_cores", lambda: Cores(4, 4))
    monkeypatch.setattr(HERE, "allowed_threads", lambda: 4)
    monkeypatch.setattr(HERE, "available_bytes", lambda: 8 * 10**9)
    monkeypatch.setattr("mffnb.kernels.tiers.readiness.is_ready", lambda _: True)
    monkeypatch.setattr(HERE.shutil, "disk_usage", lambda _: Usage(5 * 10**9))


@dataclasses.dataclass
class Usage:
    free: int


def missing(name):
    raise HERE.PackageNotFoundError(name)


def test_healthy_environment_has_no_cure_and_exit_code_0(monkeypatch, capsys):
    healthy(monkeypatch)
    found = mf.parallel.doctor()
    assert found.works, str(found)
    assert not any(one.cure for one in found.checks)
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out == f"{found}\n"
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.checks = ()
    with pytest.raises(KeyError, match="there is no check 'network', but: MPI library, MPI ranks"):
        found["network"]


FAULTS = {
    "MPI library": ("ask_library", lambda _: Answer(False, "cannot load MPI library"), "mffnb[mpi]"),
    "MPI ranks": (
        "ask_ranks",
        lambda _: Answer(False, "no answer within 30 s", late=True),
        "mffnb doctor --time-limit 300",
    ),
    "jupyterlab": ("version", missing, "mffnb[lab]"),
    "ipyparallel": ("version", lambda _: "8.9.0", "ipyparallel>=9.0"),
    "BLAS threads": ("allowed_threads", lambda: 64, "export OMP_NUM_THREADS=4"),
    "memory": ("available_bytes", lambda: 10**8, "--mem=4G"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_named_with_its_cure_and_exit_code_1(name, monkeypatch, capsys):
    healthy(monkeypatch)
    probe, fault, cure = FAULTS[name]
    if probe == "version":
        monkeypatch.setattr(HERE, probe, lambda one: fault(one) if one == name else "99.1.0")
    else:
        monkeypatch.setattr(HERE, probe, fault)
    found = mf.parallel.doctor()
    assert {one.name for one in found.failed} == ({name, "MPI ranks"} if name == "MPI library" else {name})
    assert cure in found[name].cure
    assert main(["doctor"]) == 1
    assert f"cure: {found[name].cure}\n" in capsys.readouterr().out


def test_kernel_cache_that_is_cold_or_cannot_be_written(monkeypatch):
    healthy(monkeypatch)
    monkeypatch.setattr("mffnb.kernels.tiers.readiness.is_ready", lambda _: False)
    assert mf.parallel.doctor()["kernel cache"].cure == "mffnb warmup"
    monkeypatch.setattr("mffnb.kernels.cache.cache_folder", lambda: None)
    assert mf.parallel.doctor()["kernel cache"].cure == "export MFFNB_CACHE_DIR=$HOME/.mffnb-cache"


def test_temporary_folder_that_is_full_or_gone(monkeypatch, tmp_path):
    healthy(monkeypatch)
    monkeypatch.setattr(HERE.shutil, "disk_usage", lambda _: Usage(10**8))
    full = mf.parallel.doctor()["temporary folder"]
    assert not full.works
    assert "0.1 GB free" in full.found
    monkeypatch.setattr(HERE.tempfile, "gettempdir", lambda: str(tmp_path / "gone"))
    assert "TMPDIR" in mf.parallel.doctor()["temporary folder"].cure


def test_oldest_releases_are_those_of_the_project():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    needed = project["dependencies"] + project["optional-dependencies"]["lab"]
    oldest = dict(one.split(">=") for one in needed if ">=" in one and "," not in one)
    for name, ((major, minor), _) in HERE.PACKAGES.items():
        if name != "ipykernel":  # comes with JupyterLab and ipyparallel
            assert oldest[name].split(".")[:2] == [str(major), str(minor)], name


def test_time_limit_must_be_positive(capsys):
    with pytest.raises(ValueError, match="time_limit must be a time > 0"):
        mf.parallel.doctor(time_limit=0)
    assert main(["doctor", "--time-limit", "-1"]) == 2


def test_child_that_hangs_is_killed_with_its_children(tmp_path):
    pid = tmp_path / "pid"
    code = (
        "import subprocess, sys, time, pathlib; "
        "one = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
        f"pathlib.Path({str(pid)!r}).write_text(str(one.pid)); time.sleep(60)"
    )
    begin = time.monotonic()
    assert run_child([sys.executable, "-c", code], 2) == Answer(False, "no answer within 2 s", late=True)
    assert time.monotonic() - begin < 30
    until = time.monotonic() + 10
    while alive(int(pid.read_text())) and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive(int(pid.read_text()))


def alive(pid):
    """Whether a process runs; one that has ended, but was not reaped by its parent, does not."""
    status = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(status.strip()) and not status.startswith("Z")


def test_child_that_fails_gives_the_last_line_of_its_message():
    assert run_child([sys.executable, "-c", "raise SystemExit('one\\nbad library')"], 30) == Answer(
        False, "bad library"
    )
    assert not run_child(["/no/such/program"], 30).works


def test_mpiexec_of_another_library_is_recognised(tmp_path, monkeypatch):
    program = tmp_path / "mpiexec"
    program.write_text("#!/bin/sh\necho size 1\necho size 1\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(mpi_probe, "mpiexec", lambda: str(program))
    answer = ask_ranks(30)
    assert not answer.works
    assert "belongs to another MPI library" in answer.text
    program.write_text("#!/bin/sh\necho size 2\n")  # the first of two ranks prints, so that lines cannot mix
    assert ask_ranks(30) == Answer(True, f"2 ranks by {program}")
    monkeypatch.setattr(mpi_probe, "mpiexec", lambda: None)
    assert "no mpiexec" in ask_ranks(30).text


def test_child_is_no_rank_of_the_program_that_asks(monkeypatch):
    monkeypatch.setenv("PMI_RANK", "1")
    assert run_child([sys.executable, "-c", "import os; print('PMI_RANK' in os.environ)"], 30) == Answer(True, "False")


def test_library_and_two_ranks_are_found_without_loading_mpi_here():
    code = (
        "import sys, mffnb as mf; found = mf.parallel.doctor(); "
        "assert 'mpi4py.MPI' not in sys.modules and 'ipyparallel' not in sys.modules; "
        "print(found['MPI library']); print(found['MPI ranks'])"
    )
    lines = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["works", "works"]
    assert "mpi4py" in lines[0]
    assert "2 ranks by" in lines[1]


def test_missing_mpi4py_is_named(monkeypatch):
    monkeypatch.setattr(mpi_probe, "find_spec", lambda _: None)
    assert ask_library(30) == Answer(False, "mpi4py is not installed")


@pytest.mark.parametrize(
    ("files", "own", "expected"),
    [
        ({"cpu.max": "max 100000"}, "0::/\n", None),
        ({"cpu.max": "150000 100000"}, "0::/\n", 1.5),
        ({"job/cpu.max": "400000 100000", "job/step/cpu.max": "max 100000"}, "0::/job/step\n", 4.0),
        ({"job/cpu.max": "100000 100000", "job/step/cpu.max": "300000 100000"}, "0::/job/step\n", 1.0),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, "3:cpu,cpuacct:/\n", None),
        ({"cpu/a/cpu.cfs_quota_us": "250000", "cpu/a/cpu.cfs_period_us": "100000"}, "3:cpu,cpuacct:/a\n", 2.5),
        ({"cpu.max": "nonsense"}, "0::/\n", None),
        ({}, "4:memory:/\n\n", None),
    ],
)
def test_quota_of_control_groups(files, own, expected, tmp_path):
    root = tmp_path / "groups"
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (tmp_path / "own").write_text(own)
    assert group_quota(root, tmp_path / "own") == expected
    assert group_quota(root, tmp_path / "nowhere") is None


def test_usable_cores_are_the_lowest_limit():
    assert Cores(64, 8, 2.5).usable == 2
    assert Cores(64, 8, 16.0).usable == 8
    assert Cores(64, 8, 0.5).usable == 1
    assert Cores(64, 8).usable == 8


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity masks")
def test_affinity_mask_is_counted():
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert count_cores().affinity == 1
    finally:
        os.sched_setaffinity(0, before)
