"""A run that goes on from its checkpoint gives the answer of one that never ended, to the last bit; another is refused."""

from __future__ import annotations

import contextlib
import json

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.errors import CheckpointWarning

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")
OPTIONS = {"random_state": 0, "tol": 1e-12, "sparsity": 1e-3}


def generations(folder):
    return sorted(path.name for path in folder.iterdir())


def same(one, other):
    for name in ("endmembers", "abundances"):
        xr.testing.assert_identical(getattr(one, name), getattr(other, name))
    xr.testing.assert_identical(one.trace.drop_vars("seconds"), other.trace.drop_vars("seconds"))
    assert one.outcome is other.outcome
    assert one.parameters["start"] == other.parameters["start"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"smoothness": 0.1, "solver": "hals"},
        {"similarity": "kl", "sparsity": 0.0, "init": "random"},
        {"sum_to_one": True, "sparsity": 0.0, "volume": 1e-3},
        {"gain": True, "sparsity": 0.0, "weights": "poisson"},
        {"n_init": 2},
        {"random_state": None},
        {"solver": "proximal", "endmember_terms": [mf.Ridge(0.1)]},
    ],
    ids=lambda options: "-".join(options) or "plain",
)
def test_a_run_goes_on_as_if_it_had_not_ended(tmp_path, cube, options):
    options = {**OPTIONS, **options}
    first = mf.unmix(cube, 3, max_iter=13, checkpoint=tmp_path / "ck", **options)
    then = mf.unmix(cube, 3, max_iter=40, checkpoint=tmp_path / "ck", **options)
    whole = mf.unmix(cube, 3, max_iter=40, **{**options, "random_state": first.parameters["random_state"]})
    same(then, whole)
    again = mf.unmix(cube, 3, max_iter=40, checkpoint=tmp_path / "ck", **options)  # nothing is left to do
    same(again, whole)


def test_the_last_two_states_are_kept(tmp_path, cube):
    mf.unmix(cube, 3, max_iter=9, checkpoint=mf.Checkpoint(tmp_path / "ck", every=0), **OPTIONS)
    assert generations(tmp_path / "ck") == ["iteration-00000008", "iteration-00000009"]
    mf.unmix(cube, 3, max_iter=12, checkpoint=mf.Checkpoint(tmp_path / "ck", every=3600), **OPTIONS)
    assert generations(tmp_path / "ck") == ["iteration-00000009", "iteration-00000012"]
    for path in (tmp_path / "ck").glob("*/*.npz"):
        with np.load(path, allow_pickle=False) as archive:
            assert {"abundances", "endmembers", "ahead_abundances", "momentum", "trace"} <= set(archive.files)


def test_a_checkpoint_of_another_run_is_refused_and_left_alone(tmp_path, cube):
    mf.unmix(cube, 3, max_iter=5, checkpoint=tmp_path / "ck", mask=np.ones((6, 10), bool), **OPTIONS)
    kept = generations(tmp_path / "ck")
    mask = np.ones((6, 10), bool)
    for changed, words in (
        ({"k": 4}, "k is 3 there and 4 here"),
        ({"sparsity": 0.5}, r"sparsity is 0\.001 there and 0\.5 here"),
        ({"cube": cube[1:], "mask": mask[1:]}, "pixels is 60 there and 50 here"),
        ({"cube": cube.astype("f4")}, "type is 'float64' there and 'float32' here"),
        ({"mask": mask & (np.arange(10) > 0)}, "mask is '6x10 bool"),
        ({"cube": cube[::-1]}, "belongs to other data: its factors have an objective"),
    ):
        arguments = {"cube": cube, "k": 3, "mask": mask, **OPTIONS, **changed}
        with pytest.raises(ValueError, match=rf"{words}.*name another folder"):
            mf.unmix(**arguments, max_iter=9, checkpoint=tmp_path / "ck")
        assert generations(tmp_path / "ck") == kept
    for changed in ({"volume": "auto", "sparsity": 0.0}, {"cluster": mf.parallel.cluster(2)}):
        with pytest.raises(mf.errors.UnsupportedCombinationError, match="a checkpoint is of one run"):
            mf.unmix(cube, 3, checkpoint=tmp_path / "ck", **{**OPTIONS, **changed})
    with pytest.raises(ValueError, match="every must be"):
        mf.Checkpoint(tmp_path, every=-1)


def test_a_damaged_one_gives_way_to_the_one_before(tmp_path, cube):
    folder = tmp_path / "ck"
    mf.unmix(cube, 3, max_iter=9, checkpoint=mf.Checkpoint(folder, every=0), **OPTIONS)
    newest = folder / "iteration-00000009" / "rank-0000.npz"
    content = newest.read_bytes()
    newest.write_bytes(content[:200] + b"?" * 9 + content[209:])  # which its check sums tell
    (folder / ".iteration-00000010.part").mkdir()  # of a process that was killed while it wrote
    with pytest.warns(CheckpointWarning, match="going on from the one before, iteration 8"):
        then = mf.unmix(cube, 3, max_iter=30, checkpoint=folder, **OPTIONS)
    same(then, mf.unmix(cube, 3, max_iter=30, **OPTIONS))
    assert generations(folder) == ["iteration-00000009", "iteration-00000030"]
    for path in folder.glob("*/*.npz"):
        path.write_bytes(b"")
    with pytest.raises(ValueError, match="is damaged: delete it to begin anew"):
        mf.unmix(cube, 3, checkpoint=folder, **OPTIONS)
    (folder / "iteration-00000030" / "about.json").write_text(json.dumps({"format": "other"}))
    with pytest.raises(ValueError, match="no checkpoint that this version can read"):
        mf.unmix(cube, 3, checkpoint=folder, **OPTIONS)


def test_ctrl_c_keeps_the_last_whole_state(tmp_path, cube):
    def interrupt(state):
        if state.iteration == 6:
            raise KeyboardInterrupt

    options = {**OPTIONS, "max_iter": 25}
    mf.unmix(cube, 3, checkpoint=mf.Checkpoint(tmp_path / "ck", every=0), callback=interrupt, **options)
    assert generations(tmp_path / "ck")[-1] == "iteration-00000005"
    same(mf.unmix(cube, 3, checkpoint=tmp_path / "ck", **options), mf.unmix(cube, 3, **options))


@pytest.fixture
def small_disk(disk_of):
    return disk_of("256k")


def test_a_full_disk_is_told_and_keeps_the_older_one(small_disk, cube):
    folder, filler = small_disk / "ck", small_disk / "filler"

    def fill(state):
        if state.iteration == 2:  # one is there, and no older one that could make room
            with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(bytes(1024))

    options = {**OPTIONS, "max_iter": 8}
    with pytest.warns(CheckpointWarning, match=r"no checkpoint of iteration \d in .*No space left"):
        done = mf.unmix(cube, 3, checkpoint=mf.Checkpoint(folder, every=0), callback=fill, **options)
    same(done, mf.unmix(cube, 3, **options))  # the run itself is none the worse
    assert generations(folder) == ["iteration-00000001"]  # whole, and nothing of what could not be written
    filler.unlink()
    then = mf.unmix(cube, 3, checkpoint=folder, **options)
    same(then, done)


def _edit_about(folder, edit):
    path = folder / "about.json"
    about = json.loads(path.read_text())
    edit(about)
    path.write_text(json.dumps(about))


def _edit_arrays(folder, edit):
    path = folder / "rank-0000.npz"
    with np.load(path) as archive:
        arrays = dict(archive)
    edit(arrays)
    with path.open("wb") as file:
        np.savez(file, **arrays)


DAMAGE = {
    "empty about": lambda folder: (folder / "about.json").write_text("{}"),
    **{
        f"about without {name}": lambda folder, name=name: _edit_about(folder, lambda about: about.pop(name))
        for name in ("iteration", "start", "settings", "format")
    },
    "no arrays": lambda folder: _edit_arrays(folder, lambda arrays: arrays.clear()),
    **{
        f"without {name}": lambda folder, name=name: _edit_arrays(folder, lambda arrays: arrays.pop(name))
        for name in ("abundances", "endmembers", "trace", "ahead_endmembers", "momentum")
    },
    "fewer pixels": lambda folder: _edit_arrays(folder, lambda a: a.update(abundances=a["abundances"][:, :3])),
    "fewer components": lambda folder: _edit_arrays(folder, lambda a: a.update(endmembers=a["endmembers"][:1])),
    "NaN": lambda folder: _edit_arrays(folder, lambda a: a.update(ahead_abundances=a["ahead_abundances"] * np.nan)),
    "text": lambda folder: _edit_arrays(folder, lambda a: a.update(endmembers=a["endmembers"].astype(str))),
    "short trace": lambda folder: _edit_arrays(folder, lambda a: a.update(trace=a["trace"][:2])),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_every_damage_falls_back_to_the_older_state(tmp_path, damage):
    cube, folder = np.random.default_rng(0).random((5, 6, 10)), tmp_path / "kept"
    options = {"random_state": 0, "tol": 0}
    mf.unmix(cube, 2, max_iter=6, checkpoint=mf.Checkpoint(folder, every=0), **options)
    damage(folder / generations(folder)[-1])
    with pytest.warns(CheckpointWarning, match="damaged: going on from the one before, iteration 5"):
        found = mf.unmix(cube, 2, max_iter=12, checkpoint=mf.Checkpoint(folder, every=0), **options)
    same(found, mf.unmix(cube, 2, max_iter=12, **options))
