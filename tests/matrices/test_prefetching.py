"""Read-ahead: the next band is read while one is used, faults come to who asks, and no thread stays."""

from __future__ import annotations

import threading
import tracemalloc

import h5py
import numpy as np
import pytest

import mffnb as mf
from mffnb.matrices import FILE_BYTES, Chunked
from mffnb.matrices.prefetching import read_ahead


def threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("mffnb-read-ahead")]


class File:
    """Rows that are read where they are asked for, by whom is noted; some may be damaged."""

    def __init__(self, X, damaged=None):
        self.X, self.shape, self.damaged = X, X.shape, damaged
        self.read, self.readers = [], set()

    def __getitem__(self, rows):
        self.read.append((rows.start, rows.stop))
        self.readers.add(threading.current_thread().name)
        if self.damaged is not None and rows.start <= self.damaged < rows.stop:
            raise OSError(f"rows {rows.start} to {rows.stop} are damaged")
        return self.X[rows]


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    return rng.dirichlet(np.ones(3), 200) @ rng.random((3, 16))


def test_the_next_band_is_read_while_one_is_used():
    begun = [threading.Event() for _ in range(5)]

    def read(number):
        begun[number].set()
        return number

    for number in read_ahead(read, range(5)):
        if number < 4:
            assert begun[number + 1].wait(10)  # without asking for it
    assert threads() == []


def test_each_band_is_read_once_in_an_iteration(X):
    file = File(X)
    model = mf.MatrixFactorization(3, random_state=0, tol=0, max_iter=4, init="random")
    asked = []
    model.factorize(Chunked(file, band_bytes=8 * 16 * 50), lambda _: asked.append(len(file.read)))
    assert set(file.read) == {(0, 50), (50, 100), (100, 150), (150, 200)}
    assert np.diff(asked)[1:].tolist() == [4, 4, 4]
    assert "MainThread" not in file.readers


def test_a_fault_of_the_reader_comes_to_the_caller_and_ends_its_thread(X):
    bands = Chunked(File(X, damaged=120), band_bytes=8 * 16 * 50).blocks()
    assert [next(bands)[0], next(bands)[0]] == [0, 50]
    with pytest.raises(OSError, match="rows 100 to 150 are damaged"):
        next(bands)
    assert threads() == []


def test_a_stop_leaves_no_thread_behind(X):
    def stop(state):
        return state.iteration == 2

    def interrupt(state):
        if state.iteration == 2:
            raise KeyboardInterrupt

    for callback, outcome in ((stop, "STOPPED"), (interrupt, "INTERRUPTED")):
        model = mf.MatrixFactorization(3, random_state=0, tol=0)
        model.factorize(Chunked(File(X), band_bytes=8 * 16 * 50), callback)
        assert model.outcome_.name == outcome
        assert threads() == []
    bands = Chunked(File(X), band_bytes=8 * 16 * 50).bands()
    next(bands)
    assert len(threads()) == 1
    del bands
    assert threads() == []


def test_what_lies_in_memory_is_not_read_on_a_thread(X):
    list(Chunked(X[:, ::2]).bands())
    file = File(X)
    file.in_memory = True
    list(Chunked(file).blocks())
    assert file.readers == {"MainThread"}


@pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")
def test_an_image_in_a_file_takes_two_bands_and_its_factors(tmp_path):
    """The small stand-in of benchmark scale.out_of_core: 100 MB in pieces, of which a tenth is in memory at any time."""
    rng = np.random.default_rng(0)
    shape, k = (512, 64, 768), 4
    spectra = rng.random((k, shape[2]), dtype=np.float32)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("data", shape, "f4", chunks=(8, 16, 768))
        for top in range(0, shape[0], 64):
            data[top : top + 64] = rng.random((64, shape[1], k), dtype=np.float32) @ spectra
    cube = mf.read(tmp_path / "a.h5", lazy=True)
    mf.unmix(cube[:16], k, init="random", random_state=0, max_iter=2)  # kernels and modules are none of it
    tracemalloc.start()
    try:
        mf.unmix(cube, k, init="random", random_state=0, max_iter=3, tol=0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    band, abundances = FILE_BYTES / 2, 8 * k * shape[0] * shape[1]
    assert peak < 2.5 * band + 5 * abundances
