"""Components that occur in only some images: their maps are exactly zero elsewhere, and the others are not reduced."""

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.errors import UnsupportedCombinationError
from mffnb.penalties import GroupSparsity
from mffnb.selection import match, spectral_angles
from mffnb.unmixing.sparse_images import SparseImages
from mffnb.unmixing.written_call import written_call

CHANNELS = np.arange(60)
TRUE = np.stack([np.exp(-0.5 * ((CHANNELS - c) / w) ** 2) for c, w in ((15, 4), (30, 5), (44, 4))]) + 0.02


def image(shape, seed, brightness=1.0, lacking=None):
    random = np.random.default_rng(seed)
    amounts = random.dirichlet([0.3] * 3, shape)
    if lacking is not None:
        amounts[..., lacking] = 0
    clean = brightness * amounts @ TRUE
    noisy = np.maximum(clean + 0.01 * brightness * random.standard_normal(clean.shape), 0)
    return xr.DataArray(noisy, dims=(*("y", "x")[2 - len(shape) :], "energy"), name=f"map {seed}")


IMAGES = [image((12, 15), 1, lacking=2), image((80,), 2, brightness=10.0), image((9, 14), 3, lacking=0)]


@pytest.mark.parametrize("weight", [1e-2, 3e-2])
def test_absent_components_are_exactly_zero_and_no_others(weight):
    plain = mf.unmix(IMAGES, 3, random_state=0)
    found = mf.unmix(IMAGES, 3, sparse_images=weight, random_state=0)
    order = match(TRUE, found.endmembers.values)
    absent = found.table().to_numpy()[:, order] == 0
    np.testing.assert_array_equal(absent, [[False, False, True], [False] * 3, [True, False, False]])
    assert not (plain.table() == 0).any(axis=None)
    before, after = (
        spectral_angles(TRUE, one.endmembers.values[match(TRUE, one.endmembers.values)]).diagonal().max()
        for one in (plain, found)
    )
    assert after <= before
    assert written_call(found[0].parameters).splitlines()[-2:] == [
        f"joint = mf.unmix(images, 3, sparse_images={weight}, random_state=0)",
        "result = joint[0]",
    ]


def test_the_text_names_the_components_that_an_image_lacks():
    joint = mf.unmix(IMAGES, 3, random_state=0, sparse_images=1e-2)
    table = joint.table()
    (first,), (third,) = (table.columns[table.iloc[number] == 0] for number in (0, 2))
    assert f"; absent: {first} from {joint.names[0]}; {third} from {joint.names[2]}>" in repr(joint)
    assert "absent" not in repr(mf.unmix(IMAGES, 3, random_state=0))


def test_pixels_that_are_left_out_count_in_no_image():
    mask = [np.arange(15) > 4, None, None]
    mask[0] = np.broadcast_to(mask[0], (12, 15))
    found = mf.unmix(IMAGES, 3, sparse_images=1e-2, mask=mask, random_state=0)
    assert int((found.table() == 0).sum(axis=None)) == 2
    stack_penalty = SparseImages.of(
        1e-2,
        found.shared.cube,
        None,
        np.concatenate([one.ravel() for one in (mask[0], np.ones(80, bool), np.ones(126, bool))]),
    )
    assert stack_penalty.pixels == (120, 80, 126)


def test_the_penalty_is_that_of_each_image():
    factor = np.random.default_rng(0).random((2, 9))
    both, one = SparseImages(0.3, (4, 0, 5)), GroupSparsity(0.3)
    assert both.value(factor) == pytest.approx(one.value(factor[:, :4]) + one.value(factor[:, 4:]))
    apart = np.concatenate([one.prox(factor[:, :4], 0.2), one.prox(factor[:, 4:], 0.2)], axis=1)
    np.testing.assert_array_equal(both.prox(factor, 0.2), apart)


def test_what_cannot_be_combined_is_refused():
    for options in ({"gain": True}, {"sum_to_one": True}, {"volume": "auto"}, {"tie": 0.1}):
        with pytest.raises(UnsupportedCombinationError, match=f"leave out {next(iter(options))}"):
            mf.unmix(IMAGES, 3, sparse_images=1e-2, **options)
    with pytest.raises(ValueError, match="GroupSparsity for one image"):
        mf.unmix(IMAGES[0], 3, sparse_images=1e-2)
    with pytest.raises(ValueError, match="a weight >= 0"):
        mf.unmix(IMAGES, 3, sparse_images=-1.0)
