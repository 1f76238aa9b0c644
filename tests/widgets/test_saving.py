"""Sessions of the explorer: what is saved is restored, and what is no session is refused."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.preprocessing import Bin
from mffnb.solvers import Outcome
from mffnb.widgets.saving import cube_reference
from mffnb.widgets.saving.codec import decode, encode

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")


@pytest.fixture
def opened():
    made = []
    yield lambda *arguments, **options: made.append(mf.explore(*arguments, **options)) or made[-1]
    for one in made:
        one.close()


def moved(explorer, **values):
    explorer.controls.set(**values)
    explorer.wait(60)


def same(first, second):
    """Whether two values are equal to the last bit, arrays and labels included."""
    arrays, others = {}, {}
    equal_text = json.dumps(encode(first, arrays)) == json.dumps(encode(second, others))
    return equal_text and all(
        one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
        for one, other in zip(arrays.values(), others.values(), strict=True)
    )


def test_saved_and_restored_states_are_equal(opened, cube, tmp_path):
    explorer = opened(cube, k=2, tol=1e-3, similarity=mf.Huber(), abundance_terms=[mf.Ridge(0.02)])
    explorer.wait(60)
    explorer.keep("first")
    moved(explorer, k=3, smoothness=0.1)
    explorer.rename(1, "lignin")
    explorer.hide(2)
    explorer.region(mask=np.arange(60).reshape(6, 10) < 20, name="upper")
    explorer.region(outline=[(0, 0), (0, 1), (1, 1), (1, 0)])
    explorer.probe(pixel=(2, 3))
    explorer.residual_map()
    explorer.view.color_map = "viridis"
    moved(explorer, sparsity=0.01)
    explorer.undo()
    explorer.wait(60)
    explorer.save(tmp_path / "session.zip")
    before = explorer.stored()
    again = opened(tmp_path / "session.zip")
    again.wait(60)
    after = again.stored()
    assert before.keys() == after.keys()
    assert [name for name in before if not same(before[name], after[name])] == []
    assert len(again.history.entries) == len(explorer.history.entries) > 3
    assert again.history.position == explorer.history.position
    assert again.appearance == explorer.appearance
    xr.testing.assert_identical(again.result.endmembers, explorer.result.endmembers)
    xr.testing.assert_identical(again.result.abundances, explorer.result.abundances)
    assert again.view.tool_probe["pinned"] is True
    angles = [one.compare("first", shown=False).angle for one in (again, explorer)]
    xr.testing.assert_identical(*angles)
    again.redo()
    again.wait(60)
    explorer.redo()
    explorer.wait(60)
    xr.testing.assert_identical(again.result.endmembers, explorer.result.endmembers)


def test_preprocessing_mask_and_known_spectra_are_restored(opened, cube, tmp_path):
    mask = np.ones(cube.shape[:2], dtype=bool)
    mask[0, :3] = False
    known = cube.mean(cube.dims[:2]).values[None]
    explorer = opened(cube, k=3, mask=mask, known=known, tol=1e-3, random_state=4)
    explorer.wait(60)
    explorer.save(tmp_path / "a.zip")
    again = opened(tmp_path / "a.zip")
    again.wait(60)
    xr.testing.assert_identical(again.result.abundances, explorer.result.abundances)
    binned = opened(cube, k=2, preprocess=[Bin(2)], tol=1e-3)
    binned.wait(60)
    moved(binned, steps=(False,))
    binned.undo()
    binned.wait(60)
    binned.save(tmp_path / "b.zip")
    again = opened(tmp_path / "b.zip")
    again.wait(60)
    assert again.session.data.matrix.shape == binned.session.data.matrix.shape
    xr.testing.assert_identical(again.result.abundances, binned.result.abundances)


def test_volume_auto_and_bands_are_restored(opened, tmp_path):
    cube = mf.datasets.tof_sims_2d(seed=0, shape=(12, 16)).cube
    explorer = opened(cube, k=3, volume="auto")
    explorer.wait(120)
    explorer.save(tmp_path / "auto.zip")
    again = opened(tmp_path / "auto.zip")
    again.wait(60)
    xr.testing.assert_identical(again.result.endmembers, explorer.result.endmembers)
    assert again.result.parameters["disagreement"] == explorer.result.parameters["disagreement"]
    assert again.controls.auto.value


def test_a_run_that_was_not_finished_goes_on(opened, cube, tmp_path):
    explorer = opened(cube, k=3, tol=0, max_iter=10**7)
    _ = explorer.result
    explorer.save(tmp_path / "running.zip")
    again = opened(tmp_path / "running.zip")
    assert again.result.outcome is Outcome.RUNNING
    again.stop()
    again.wait(60)
    assert again.result.outcome is Outcome.STOPPED


def test_large_cube_is_named_by_its_file_which_must_not_change(opened, cube, tmp_path, monkeypatch):
    monkeypatch.setattr(cube_reference, "SMALL", 0)
    file = tmp_path / "map.npy"
    np.save(file, cube.values)
    explorer = opened(file, k=2, tol=1e-3)
    explorer.wait(60)
    session = tmp_path / "moved" / "session.zip"
    session.parent.mkdir()
    explorer.save(session)
    assert session.stat().st_size < zip_size(explorer, tmp_path / "whole.zip", include=True)
    again = opened(session)
    assert again.path == explorer.path
    xr.testing.assert_identical(again.result.endmembers, explorer.result.endmembers)
    file.rename(session.parent / "map.npy")  # beside the session it is found too
    assert opened(session).path == str(session.parent / "map.npy")
    np.save(session.parent / "map.npy", cube.values + 1)
    with pytest.raises(ValueError, match=r"map\.npy has changed since session\.zip was saved"):
        mf.explore(session)
    (session.parent / "map.npy").unlink()
    with pytest.raises(FileNotFoundError, match=r"the cube of session\.zip is missing: put map\.npy back to"):
        mf.explore(session)
    memory = opened(cube, k=2, tol=1e-3)
    with pytest.raises(ValueError, match=r"came from memory: save it with include=True"):
        memory.save(tmp_path / "memory.zip")
    assert not (tmp_path / "memory.zip").exists()


def zip_size(explorer, path, **options):
    explorer.save(path, **options)
    return path.stat().st_size


def test_files_that_are_no_session_are_refused(opened, cube, tmp_path):
    explorer = opened(cube, k=2, tol=1e-3)
    explorer.wait(60)
    good = tmp_path / "good.zip"
    explorer.save(good)
    with pytest.raises(TypeError, match="a session has its own settings: leave 'k' out"):
        mf.explore(good, k=3)
    with pytest.raises(FileNotFoundError, match=r"there is no file .*none\.zip"):
        mf.explore(tmp_path / "none.zip")
    (tmp_path / "text.zip").write_text("no zip")
    with pytest.raises(ValueError, match=r"text\.zip is no zip file"):
        mf.explore(tmp_path / "text.zip")
    (tmp_path / "cut.zip").write_bytes(good.read_bytes()[:-200])
    with pytest.raises(ValueError, match=r"cut\.zip is no zip file, or it is cut short"):
        mf.explore(tmp_path / "cut.zip")
    with zipfile.ZipFile(tmp_path / "foreign.zip", "w") as archive:
        archive.writestr("a.txt", "text")
    with pytest.raises(ValueError, match=r"foreign\.zip is no session of an explorer"):
        mf.explore(tmp_path / "foreign.zip")
    rewrite(good, tmp_path / "new.zip", lambda document: document | {"version": 99})
    with pytest.raises(ValueError, match=r"new\.zip has format 99 of mffnb .*: update mffnb"):
        mf.explore(tmp_path / "new.zip")
    rewrite(good, tmp_path / "odd.zip", lambda document: document | {"content": {"!": "object", "type": "os:system"}})
    with pytest.raises(ValueError, match=r"odd\.zip is damaged \(os:system is no type of this package\)"):
        mf.explore(tmp_path / "odd.zip")
    rewrite(good, tmp_path / "less.zip", lambda document: document, without="arrays/0.npy")
    with pytest.raises(ValueError, match=r"less\.zip is damaged"):
        mf.explore(tmp_path / "less.zip")
    with pytest.raises(ValueError, match=r"saved as \.zip, and 'session\.pkl' ends otherwise"):
        explorer.save(tmp_path / "session.pkl")


def rewrite(source, target, change, without=""):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            if name == "session.json":
                new.writestr(name, json.dumps(change(json.loads(old.read(name)))))
            elif name != without:
                new.writestr(name, old.read(name))


@dataclass(frozen=True)
class OwnRidge(mf.Ridge):
    """A penalty of the user."""


def test_a_part_of_another_package_is_refused_and_no_file_is_left(opened, cube, tmp_path):
    explorer = opened(cube, k=2, tol=1e-3, abundance_terms=[OwnRidge(0.1)])
    explorer.wait(60)
    with pytest.raises(TypeError, match=r"cannot hold an object of the type .*OwnRidge"):
        explorer.save(tmp_path / "own.zip")
    assert list(tmp_path.iterdir()) == []


def test_labelled_arrays_keep_stacked_coordinates_text_and_attributes():
    array = xr.DataArray(
        np.arange(12.0).reshape(2, 2, 3),
        dims=("y", "x", "m/z"),
        coords={"y": [0.5, 1.5], "m/z": ["a", "bc", "d"], "when": np.datetime64("2026-01-02")},
        attrs={"units": "counts", "list": [1, 2.5], "nan": float("nan"), "odd": object},
        name="cube",
    )
    arrays = {}
    stored = json.loads(json.dumps(encode(array.stack(pixel=("y", "x")), arrays)))
    back = decode(stored, arrays)
    expected = array.assign_attrs(odd=str(object)).stack(pixel=("y", "x"))
    xr.testing.assert_equal(back, expected)
    assert back.dtype == expected.dtype
    assert str(back.attrs) == str(expected.attrs)
