"""Chunks of HDF5 files that are decompressed on several threads hold the numbers that h5py reads."""

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mffnb.cubes.hdf5_chunks import CompressedDataset, is_gzip
from mffnb.cubes.lazy_array import from_hdf5
from mffnb.threads import limit_threads

OPTIONS = [{"compression": "gzip"}, {"compression": "gzip", "shuffle": True}]
OTHERS = [{}, {"compression": "lzf"}, {"compression": "gzip", "fletcher32": True}, {"shuffle": True}]


def write(path, values, chunks=(3, 4, 5), **options):
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=values, chunks=chunks, **options)
    return h5py.File(path, "r")["data"]


@st.composite
def selections(draw, shape):
    key = []
    for length in shape:
        start, stop = sorted((draw(st.integers(0, length)), draw(st.integers(0, length))))
        whole = slice(start, stop, draw(st.sampled_from([None, 1, 2])))
        key.append(draw(st.sampled_from([whole, slice(None), draw(st.integers(-length, length - 1))])))
    return tuple(key)


@given(st.data(), st.sampled_from(["u1", "<u2", ">i4", "<f4", ">f8"]), st.sampled_from(OPTIONS))
def test_any_selection_is_what_h5py_reads(tmp_path_factory, data, dtype, options):
    shape = (7, 9, 11)
    values = np.random.default_rng(0).integers(0, 100, shape).astype(dtype)
    stored = write(tmp_path_factory.mktemp("chunks") / "a.h5", values, **options)
    assert is_gzip(stored)
    key = data.draw(selections(shape))
    with limit_threads(2):
        found = CompressedDataset(stored)[key]
    expected = stored[key]
    assert found.dtype == expected.dtype
    assert np.shape(found) == np.shape(expected)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("options", OTHERS)
def test_other_filters_are_left_to_h5py(tmp_path, options):
    assert not is_gzip(write(tmp_path / "a.h5", np.ones((7, 9, 11)), **options))


def test_booleans_and_contiguous_data_are_left_to_h5py(tmp_path):
    assert not is_gzip(write(tmp_path / "a.h5", np.ones((7, 9, 11), bool), compression="gzip"))
    assert not is_gzip(write(tmp_path / "b.h5", np.ones((7, 9, 11)), chunks=None))


def test_chunks_that_were_never_written_hold_the_fill_value(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        made = file.create_dataset("data", (6, 8), "f4", chunks=(3, 4), compression="gzip", fillvalue=7)
        made[:3, :4] = 1
    with h5py.File(tmp_path / "a.h5") as file:
        found = CompressedDataset(file["data"])[:, :]
    assert found.sum() == 12 + 7 * 36


def test_a_damaged_chunk_raises(tmp_path):
    path = tmp_path / "a.h5"
    stored = write(path, np.random.default_rng(0).random((6, 8, 10)), compression="gzip")
    at = stored.id.get_chunk_info(2)
    stored.file.close()
    content = bytearray(path.read_bytes())
    content[at.byte_offset : at.byte_offset + at.size] = bytes(at.size)
    path.write_bytes(content)
    with pytest.raises(OSError, match="filter"):
        from_hdf5(path, "data").compute()


def test_a_lazy_cube_is_read_by_it(tmp_path):
    values = np.random.default_rng(0).random((6, 8, 10))
    write(tmp_path / "a.h5", values, compression="gzip", shuffle=True)
    cube = from_hdf5(tmp_path / "a.h5", "data")
    np.testing.assert_array_equal(cube[1:5, ::2].values, values[1:5, ::2])
