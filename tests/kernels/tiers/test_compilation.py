"""The child process that compiles kernels into the cache, and the markers that tell which are in it."""

from __future__ import annotations

import errno
import gc
import logging
import os
import signal
import subprocess
import sys
import time
import warnings
import weakref

import pytest

import mffnb as mf
from mffnb import warmup
from mffnb.kernels import cache, laplacian
from mffnb.kernels.tiers import compilation, readiness
from mffnb.kernels.tiers.readiness import EVERYTHING, Group, is_ready, mark_ready
from mffnb.matrices import sparse_if_smaller
from mffnb.solvers import Outcome
from mffnb.unmixing.kernel_settings import kernel_settings
from mffnb.unmixing.task import Task
from tests.conftest import mixture

GROUP = Group.of({"k": 3, "dtype": "float64", "storage": "dense float64"})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder in place of the kernel cache of this process."""
    for module in (readiness, compilation):
        monkeypatch.setattr(module, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(compilation, "_compilations", {})
    monkeypatch.delenv("MFFNB_COMPILE", raising=False)
    return tmp_path


def child(code):
    """Stand-in for the start of the child process: an interpreter that runs other code."""
    return lambda group, errors: subprocess.Popen([sys.executable, "-c", code], stderr=errors)


def test_markers_tell_what_is_ready(folder):
    assert not is_ready(GROUP)
    mark_ready(GROUP)
    assert is_ready(GROUP)
    assert is_ready(GROUP.without_storage)
    assert not is_ready(Group.of({**GROUP.settings, "k": 4}))
    mark_ready(EVERYTHING)
    assert is_ready(Group.of({"k": 4}))


def test_a_marker_for_another_processor_does_not_count(folder, monkeypatch):
    mark_ready(GROUP)
    monkeypatch.setattr(readiness, "_processor", lambda: "another one")
    assert not is_ready(GROUP)


@pytest.mark.parametrize("damage", [lambda text: text[: len(text) // 2], lambda text: "", lambda text: "\xff" * 40])
def test_a_damaged_marker_does_not_count(folder, damage):
    mark_ready(GROUP)
    for path in folder.glob(f"{cache.MARKER_PREFIX}*"):
        path.write_text(damage(path.read_text()), encoding="latin-1")
    assert not is_ready(GROUP)


def test_damaged_machine_code_deletes_the_markers(folder, monkeypatch):
    mark_ready(GROUP)
    monkeypatch.setattr(cache, "cache_folder", lambda: folder)
    store = cache.KernelCache(laplacian.roughness.py_func)
    monkeypatch.setattr(store._cache_file, "load", lambda key: 1 / 0)
    assert store.load_overload(laplacian.roughness.nopython_signatures[:1], laplacian.roughness.targetctx) is None
    assert not is_ready(GROUP)


def test_kernels_that_cannot_be_stored_are_not_marked(folder, monkeypatch):
    """A full disk."""
    monkeypatch.setattr(cache, "FAILED_STORES", [])
    monkeypatch.setattr(warmup, "FAILED_STORES", cache.FAILED_STORES)
    store = cache.KernelCache(laplacian.roughness.py_func)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache.FunctionCache, "save_overload", full)
    store.save_overload(None, None)
    monkeypatch.setattr(warmup, "_run_for", lambda settings: None)
    monkeypatch.setattr(warmup, "lower_priority", lambda: None)
    with pytest.raises(OSError, match=r"compiled kernels cannot be stored: .*No space left on device"):
        warmup.compile_for(GROUP.text)
    assert not is_ready(GROUP)


def test_a_disk_that_is_full_when_the_marker_is_written(folder, monkeypatch):
    monkeypatch.setattr(readiness.Path, "write_text", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
    with pytest.raises(OSError, match="full"):
        mark_ready(GROUP)
    assert not list(folder.iterdir())


def test_the_second_child_compiles_nothing(folder, monkeypatch):
    runs = []
    monkeypatch.setattr(warmup, "_run_for", runs.append)
    monkeypatch.setattr(warmup, "FAILED_STORES", [])
    monkeypatch.setattr(warmup, "lower_priority", lambda: None)
    for _ in range(2):
        warmup.compile_for(GROUP.text)
    assert runs == [GROUP.settings]


def test_one_process_at_a_time_compiles(folder, tmp_path):
    code = (
        "from pathlib import Path\n"
        "from mffnb.kernels.tiers import compilation\n"
        f"compilation.cache_folder = lambda: Path({str(folder)!r})\n"
        "print('waits', flush=True)\n"
        "with compilation.alone_in_cache():\n"
        "    print('compiles', flush=True)\n"
    )
    with compilation.alone_in_cache():
        other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert other.stdout is not None
        assert other.stdout.readline() == "waits\n"
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(0.3)
    assert other.communicate(timeout=60)[0] == "compiles\n"


def test_a_lock_of_a_process_that_was_killed_is_free(folder):
    code = (
        "import os, signal\nfrom pathlib import Path\nfrom mffnb.kernels.tiers import compilation\n"
        f"compilation.cache_folder = lambda: Path({str(folder)!r})\n"
        "with compilation.alone_in_cache():\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    with compilation.alone_in_cache():
        assert (folder / "compiling.lock").exists()


def test_a_process_starts_one_child_for_equal_runs(folder, monkeypatch):
    started = []
    monkeypatch.setattr(compilation, "_start", lambda *parts: started.append(parts) or child("")(*parts))
    first = compilation.compilation_of(GROUP)
    assert compilation.compilation_of(Group(GROUP.text)) is first
    assert len(started) == 1
    first.wait(60)
    assert first.ended
    assert started[0][1].closed


@pytest.mark.filterwarnings("error::ResourceWarning")
@pytest.mark.parametrize("code", ["", "import time; time.sleep(60)"], ids=["ended", "running"])
def test_a_compilation_that_is_dropped_leaves_nothing_open(folder, monkeypatch, code):
    started = []
    monkeypatch.setattr(compilation, "_start", lambda *parts: started.append(child(code)(*parts)) or started[0])
    one = compilation.Compilation(GROUP)
    errors, process = one._errors, weakref.ref(one._process)
    pid = one._process.pid
    if not code:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        started.clear()
        del one
        gc.collect()
    assert errors.closed
    assert process() is None
    assert not caught
    if code:  # the child goes on
        os.kill(pid, signal.SIGKILL)
        assert os.waitpid(pid, 0)[1] == signal.SIGKILL


def test_the_child_has_one_thread_and_no_terminal(folder, monkeypatch):
    seen = {}
    monkeypatch.setattr(
        compilation.subprocess, "Popen", lambda command, **options: seen.update(options, command=command)
    )
    compilation._start(GROUP, subprocess.DEVNULL)
    assert seen["env"]["OMP_NUM_THREADS"] == seen["env"]["OPENBLAS_NUM_THREADS"] == "1"
    assert seen["env"]["MFFNB_COMPILE"] == "wait"
    assert seen["stdin"] is seen["stdout"] is subprocess.DEVNULL
    assert seen["command"][-3:] == ["warmup", "--for", GROUP.text]
    assert seen["start_new_session"]
    first = seen["env"]["PYTHONPATH"].split(os.pathsep)[0]
    assert os.path.samefile(os.path.join(first, "mffnb"), os.path.dirname(mf.__file__))  # installed or not


def ended(one):
    while not one.ended:
        time.sleep(0.01)
    return one


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("import os; os.kill(os.getpid(), 9)", "the child process ended with exit code -9"),
        ("raise OSError('no space left')", "OSError: no space left"),
        ("", "the child process ended with exit code 0"),
    ],
    ids=["killed", "error", "no marker"],
)
def test_a_child_that_fails_leaves_the_run_on_numpy_steps(folder, monkeypatch, caplog, code, failure):
    monkeypatch.setattr(compilation, "_start", child(code))
    with caplog.at_level(logging.WARNING):
        result = mf.unmix(mixture(), 3, tol=1e-7, max_iter=5000, callback=lambda _: time.sleep(1e-3))
        (started,) = compilation._compilations.values()
        assert ended(started).failure == failure
        again = mf.unmix(mixture(), 3)
    assert result.outcome is again.outcome is Outcome.CONVERGED
    assert again.parameters["numpy_iterations"] == again.trace.sizes["iteration"] - 1
    assert [record.message.count(failure) for record in caplog.records] == [1]  # said once


def test_without_a_folder_no_child_starts(monkeypatch, caplog):
    """A read-only cache."""
    for module in (readiness, compilation):
        monkeypatch.setattr(module, "cache_folder", lambda: None)
    monkeypatch.setattr(compilation, "_compilations", {})
    monkeypatch.setattr(compilation, "_start", lambda *_: pytest.fail("a child would store nothing"))
    monkeypatch.delenv("MFFNB_COMPILE", raising=False)
    assert mf.unmix(mixture(), 3).outcome is Outcome.CONVERGED
    assert "set MFFNB_CACHE_DIR to a folder of yours" in caplog.text
    counts = mixture(noise=0.0) * 100
    few = mf.unmix(counts.astype(int), 3, similarity="kl")  # simpler steps give way to compiling in this process
    assert few.parameters["numpy_iterations"] == 1


def test_kernels_that_are_plain_python_need_no_child(folder, monkeypatch):
    monkeypatch.setattr(readiness.numba.config, "DISABLE_JIT", True)
    assert is_ready(GROUP)


CTRL_C = """
import os, signal, subprocess, sys, time
from mffnb.kernels.tiers import compilation
from mffnb.kernels.tiers.readiness import Group

start = subprocess.Popen

def stand_in(command, **options):
    return start([sys.executable, "-c", "import time; time.sleep(60)"], **options)

compilation.subprocess.Popen = stand_in
child = compilation._start(Group.of({"k": 3}), subprocess.DEVNULL)
try:
    os.killpg(os.getpgid(0), signal.SIGINT)  # as a terminal does
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(0.3)
    print("the child runs" if child.poll() is None else "the child has ended")
finally:
    child.kill()
"""


def test_ctrl_c_does_not_end_the_child():
    done = subprocess.run(
        [sys.executable, "-c", CTRL_C], capture_output=True, text=True, check=True, start_new_session=True
    )
    assert done.stdout == "the child runs\n"


RUN = """
import time
import numpy as np
import mffnb as mf
from mffnb.kernels.tiers.compilation import _compilations

X = np.random.default_rng(0).random((8, 9, 3)) @ np.random.default_rng(1).random((3, 40))
X += 0.2 * np.random.default_rng(2).random(X.shape)
later = []

def callback(state):  # stops the run some iterations after the child has ended
    time.sleep(0.01)
    if all(one.ended for one in _compilations.values()):
        later.append(state.iteration)
    return len(later) > 20

result = mf.unmix(X, 3, init="random", tol=0.0, max_iter=1000000, callback=callback)
objective = result.trace.objective.values
print([one.failure for one in _compilations.values()])
print(result.parameters.get("numpy_iterations", 0), len(objective) - 1)
print(bool((np.diff(objective) <= 1e-12 * objective[0]).all()))
print(mf.unmix(X, 3).parameters.get("numpy_iterations", 0))
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_from_an_empty_cache_to_compiled_kernels(tmp_path):
    """The whole way in new processes: NumPy steps, the child, the change-over, and a second run without NumPy steps."""
    environment = {**os.environ, "MFFNB_CACHE_DIR": str(tmp_path), "MFFNB_COMPILE": ""}
    found = []
    for _ in range(2):
        command = [sys.executable, "-W", "ignore", "-c", RUN]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        failures, iterations, falls, again = done.stdout.splitlines()
        assert (falls, again) == ("True", "0")
        found.append((failures, *map(int, iterations.split())))
    (failures, on_numpy, whole), second = found
    assert failures == "['']"
    assert 0 < on_numpy < whole
    assert second[:2] == ("[]", 0)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_processes_at_once_from_an_empty_cache(tmp_path):
    environment = {**os.environ, "MFFNB_CACHE_DIR": str(tmp_path), "MFFNB_COMPILE": ""}
    command = [sys.executable, "-W", "ignore", "-c", RUN]
    pair = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in pair:
        failures, iterations, falls, again = process.communicate(timeout=600)[0].splitlines()
        on_numpy, whole = map(int, iterations.split())
        assert (failures, falls, again) == ("['']", "True", "0")
        assert 0 < on_numpy < whole


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_child_that_is_killed_in_mid_write_leaves_a_usable_cache(tmp_path):
    environment = {**os.environ, "MFFNB_CACHE_DIR": str(tmp_path), "MFFNB_COMPILE": "wait"}
    task = Task.of(k=3, random_state=0)
    image = task.prepare(mixture())
    settings = kernel_settings(task, image, sparse_if_smaller(image.layout.matrix(image.cube)))
    command = [sys.executable, "-m", "mffnb", "warmup", "--for", Group.of(settings).text]
    first = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(stored := list(tmp_path.rglob("*.nbc"))) < 3 and first.poll() is None:
        time.sleep(0.01)
    first.kill()
    assert first.wait() == -signal.SIGKILL
    for path in stored:  # the process was in the middle of all of them
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert not list(tmp_path.rglob(f"{cache.MARKER_PREFIX}*"))
    subprocess.run(command, env=environment, check=True, capture_output=True)
    assert len(list(tmp_path.rglob(f"{cache.MARKER_PREFIX}*"))) >= 1
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", RUN], env=environment, capture_output=True, check=True)
    assert run.stdout
