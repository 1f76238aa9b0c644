"""Checkpoints of one grid of ranks are joined for another one; a missing or damaged block is found."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mffnb as mf
from mffnb.errors import CheckpointWarning
from mffnb.solvers.checkpoint_blocks import StoredBlock, file_of, joined, stored_blocks

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")
PIXELS, CHANNELS = 30, 10
OPTIONS = {"random_state": 0, "tol": 0, "sparsity": 1e-3}


def blocks_of(pixels, channels):
    """Blocks of ranks with these limits of pixels; the ranks take their channels in the reverse order."""
    parts = [list(itertools.pairwise(limits)) for limits in (pixels, channels)]
    return [StoredBlock(rows, columns) for rows, columns in zip(parts[0], parts[1][::-1], strict=True)]


def limits(length, ranks):
    inner = st.lists(st.integers(0, length), min_size=ranks - 1, max_size=ranks - 1)
    return inner.map(lambda cuts: [0, *sorted(cuts), length])


def parts_of(arrays, block):
    """The arrays that a rank with this block stores."""
    pixels, channels = slice(*block.pixels), slice(*block.channels)
    of = {"abundances": pixels, "ahead_abundances": pixels, "endmembers": channels, "ahead_endmembers": channels}
    return {name: array[:, of[name]] if name in of else array for name, array in arrays.items()}


def split(generation, blocks):
    """Store a generation of one process as ranks with these blocks would have stored it."""
    with np.load(generation / file_of(0)) as archive:
        arrays = dict(archive)
    for rank, block in enumerate(blocks):
        np.savez(generation / file_of(rank), **parts_of(arrays, block))
    about = json.loads((generation / "about.json").read_text())
    about["blocks"], about["settings"]["ranks"] = [block.numbers for block in blocks], f"{len(blocks)} x 1"
    (generation / "about.json").write_text(json.dumps(about))


@given(st.data(), st.integers(1, 4), st.integers(1, 4))
def test_every_grid_joins_the_blocks_of_every_other_one(tmp_path_factory, data, before, now):
    folder, rng = tmp_path_factory.mktemp("generation"), np.random.default_rng(0)
    shapes = {
        "abundances": (2, PIXELS),
        "endmembers": (2, CHANNELS),
        "ahead_endmembers": (2, CHANNELS),
        "trace": (3, 5),
    }
    arrays = {name: rng.random(shape) for name, shape in shapes.items()} | {"intercept": rng.random(CHANNELS)}
    then, here = (
        blocks_of(data.draw(limits(PIXELS, ranks)), data.draw(limits(CHANNELS, ranks))) for ranks in (before, now)
    )
    for rank, block in enumerate(then):
        np.savez(folder / file_of(rank), **parts_of(arrays, block))
    assert stored_blocks({"blocks": [block.numbers for block in then]}) == then
    for block in here:
        found, wanted = joined(folder, then, block), parts_of(arrays, block)
        assert found.keys() == wanted.keys()
        for name in wanted:
            np.testing.assert_array_equal(found[name], wanted[name])


@pytest.mark.parametrize(
    "blocks",
    [
        None,
        [],
        "blocks",
        [[0, 6, 0, 4], [6, 12, 4]],
        [[0, 6, 0, 4], [6, 12.0, 4, 8]],
        [[0, 6, 0, 4], [7, 12, 4, 8]],  # a gap of pixels
        [[0, 6, 0, 5], [6, 12, 4, 8]],  # channels twice
        [[1, 6, 0, 4], [6, 12, 4, 8]],
        [[0, 6, 0, 4], [12, 6, 4, 8]],
        [[0, 0, 0, 0]],
    ],
)
def test_damaged_descriptions_of_blocks_are_found(blocks):
    assert stored_blocks({"blocks": blocks}) is None


@pytest.fixture
def kept(tmp_path):
    """A folder with the last two states of four ranks, of which the third has no pixels, and their data."""
    data, folder = np.random.default_rng(0).random((5, 6, CHANNELS)), tmp_path / "kept"
    mf.unmix(data, 2, max_iter=6, checkpoint=mf.Checkpoint(folder, every=0), **OPTIONS)
    blocks = blocks_of([0, 11, 18, 18, PIXELS], [0, 3, 4, 7, CHANNELS])
    for generation in sorted(folder.iterdir()):
        split(generation, blocks)
    return data, folder


def assert_equal(one, other):
    """One process has joined the same numbers, so that it repeats the same operations."""
    for name in ("abundances", "endmembers"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_array_equal(one.trace.objective, other.trace.objective)


def test_one_process_continues_the_run_of_four_ranks(kept):
    data, folder = kept
    seen = []
    options = {**OPTIONS, "max_iter": 20}
    then = mf.unmix(data, 2, checkpoint=folder, callback=lambda state: seen.append(state.iteration), **options)
    assert min(seen) >= 6
    assert_equal(then, mf.unmix(data, 2, **options))


HOSTILE = {
    "missing block": lambda file: file.unlink(),
    "empty block": lambda file: file.write_bytes(b""),
    "changed bytes": lambda file: file.write_bytes(file.read_bytes()[:200] + b"?" * 9 + file.read_bytes()[209:]),
    "block of another rank": lambda file: file.write_bytes(file.with_name(file_of(3)).read_bytes()),
    "block of another iteration": lambda file: file.write_bytes(
        (file.parent.with_name("iteration-00000005") / file.name).read_bytes()
    ),
    "gap between blocks": lambda file: _edit_blocks(file.parent, lambda blocks: blocks[1].__setitem__(0, 12)),
    "fewer blocks": lambda file: _edit_blocks(file.parent, lambda blocks: blocks.pop()),
}


def _edit_blocks(generation, edit):
    about = json.loads((generation / "about.json").read_text())
    edit(about["blocks"])
    (generation / "about.json").write_text(json.dumps(about))


@pytest.mark.parametrize("damage", HOSTILE.values(), ids=HOSTILE)
def test_a_bad_block_of_another_grid_falls_back_to_the_older_state(kept, damage):
    data, folder = kept
    damage(folder / "iteration-00000006" / file_of(1))
    with pytest.warns(CheckpointWarning, match="damaged: going on from the one before, iteration 5"):
        then = mf.unmix(data, 2, max_iter=20, checkpoint=folder, **OPTIONS)
    assert_equal(then, mf.unmix(data, 2, max_iter=20, **OPTIONS))


def test_without_a_complete_state_the_error_says_what_to_do(kept):
    data, folder = kept
    for file in folder.glob(f"*/{file_of(1)}"):
        file.unlink()
    with pytest.raises(ValueError, match="is damaged: delete it to begin anew, or name another folder"):
        mf.unmix(data, 2, max_iter=20, checkpoint=folder, **OPTIONS)


def test_a_checkpoint_without_blocks_needs_its_own_grid(kept):
    data, folder = kept
    for generation in folder.iterdir():  # as older versions wrote it
        about = json.loads((generation / "about.json").read_text())
        del about["blocks"]
        (generation / "about.json").write_text(json.dumps(about))
    with pytest.raises(ValueError, match="ranks is '4 x 1' there and '1 x 1' here; name another folder"):
        mf.unmix(data, 2, max_iter=20, checkpoint=folder, **OPTIONS)
