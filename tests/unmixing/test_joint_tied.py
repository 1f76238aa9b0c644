"""Joint unmixing with tied endmembers: a shifted band is found in each image, and a large tie gives equal spectra."""

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.errors import UnsupportedCombinationError
from mffnb.selection import match, spectral_angles
from mffnb.unmixing.tied_endmembers import tied
from mffnb.unmixing.written_call import written_call

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")

CHANNELS = np.arange(60)
TRUE = np.stack([np.exp(-0.5 * ((CHANNELS - c) / w) ** 2) for c, w in ((15, 4), (30, 5), (44, 4))]) + 0.02


def image(shape, seed, shift=0, brightness=1.0, lacking=None):
    random = np.random.default_rng(seed)
    amounts = random.dirichlet([0.3] * 3, shape)
    if lacking is not None:
        amounts[..., lacking] = 0
    clean = brightness * amounts @ np.roll(TRUE, shift, axis=1)
    noisy = np.maximum(clean + 0.01 * brightness * random.standard_normal(clean.shape), 0)
    dims = ("y", "x")[2 - len(shape) :]
    return xr.DataArray(noisy, dims=(*dims, "energy"), coords={"energy": CHANNELS * 0.5}, name=f"map {seed}")


IMAGES = [image((12, 15), 1), image((80,), 2, shift=1, brightness=10.0), image((9, 14), 3, lacking=1)]


def worst(E, found, present=(0, 1, 2)):
    """Largest angle of the true spectra that are present to those that were found."""
    order = match(E, found)
    return spectral_angles(E, found[order]).diagonal()[list(present)].max()


@pytest.fixture(scope="module")
def joint():
    return mf.unmix(IMAGES, 3, tie=0.03, random_state=0)


def test_a_shift_of_one_channel_is_found_in_its_image(joint):
    equal = mf.unmix(IMAGES, 3, random_state=0)
    shifted = np.roll(TRUE, 1, axis=1)
    assert worst(TRUE, joint[0].endmembers.values) < 0.05
    assert worst(shifted, joint[1].endmembers.values) < 0.05
    assert worst(shifted, equal[1].endmembers.values) > 0.1
    assert float(joint.trace.relative_error[-1]) < 0.7 * float(equal.trace.relative_error[-1])
    far = joint.deviations()
    assert far.loc["map 2"].min() > 0.05  # the shared spectra are means over images
    assert far.loc["map 1", 0] + far.loc["map 2", 0] > 0.1
    assert (equal.deviations() == 0).all(axis=None)


def test_results_of_images_hold_their_own_spectra_and_are_stored(joint, tmp_path):
    rows = [part.residual().values for part in joint]
    errors = sum((one**2).sum() for one in rows)
    assert np.sqrt(errors / sum((one**2).sum().item() for one in IMAGES)) < 0.05
    assert joint[1].endmembers.shape == joint.endmembers.shape
    assert "tied by 0.03" in repr(joint)
    assert joint.table().sum(axis=1).to_numpy() == pytest.approx(1)
    assert written_call(joint[1].parameters).splitlines()[-2:] == [
        "joint = mf.unmix(images, 3, tie=0.03, random_state=0)",
        "result = joint[1]",
    ]
    assert joint.plot() is not None
    joint.save(tmp_path / "tied.nc")
    again = mf.load(tmp_path / "tied.nc")
    assert again.tie == 0.03
    for mine, other in zip(again, joint, strict=True):
        assert mine.endmembers.equals(other.endmembers)
    with pytest.raises(UnsupportedCombinationError, match="leave out tie"):
        _ = joint[0].freedom


def test_brightness_and_units_do_not_change_the_model(joint):
    brighter = mf.unmix([IMAGES[0], 7.0 * IMAGES[1], IMAGES[2]], 3, tie=0.03, random_state=0)
    np.testing.assert_allclose(brighter.deviations(), joint.deviations(), atol=1e-4)
    np.testing.assert_allclose(brighter.table(), joint.table(), atol=1e-4)


def test_the_objective_falls_and_a_large_tie_makes_spectra_equal():
    X = [one.values.reshape(-1, 60) for one in (IMAGES[0], IMAGES[2])]
    start = np.random.default_rng(0)
    A, E = [start.random((3, len(one))) for one in X], start.random((3, 60))
    for tie in (1e-3, 1.0, 1e6):
        factors, trace = tied(X, A, E, tie, 60, 1e-9)
        objectives = np.array([one.objective for one in trace])
        assert (np.diff(objectives) <= 1e-12 * objectives[:-1]).all()
    assert max(np.abs(one - factors.shared).max() for one in factors.own) < 1e-4 * factors.shared.max()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sparsity": 1e-3}, "leave out sparsity"),
        ({"similarity": "kl"}, "leave out similarity"),
        ({"volume": "auto"}, "leave out volume"),
        ({"image_weights": [1, 2, 1]}, "leave out image_weights"),
        ({"weights": np.ones(60)}, "leave out weights"),
        ({"k": None}, "give k"),
    ],
)
def test_what_cannot_be_combined_is_refused(options, message):
    with pytest.raises(UnsupportedCombinationError, match=message):
        mf.unmix(IMAGES, **({"k": 3, "tie": 0.1} | options))


@pytest.mark.parametrize("tie", [0, -1.0, np.nan, True, "strong"])
def test_a_tie_is_a_positive_number(tie):
    with pytest.raises(ValueError, match="tie is a number > 0"):
        mf.unmix(IMAGES, 3, tie=tie)


def test_a_tie_needs_several_complete_images():
    with pytest.raises(ValueError, match="list of several images"):
        mf.unmix(IMAGES[0], 3, tie=0.1)
    holes = IMAGES[0].copy()
    holes[0, 0, 3] = np.nan
    with pytest.raises(UnsupportedCombinationError, match="single entries are missing"):
        mf.unmix([holes, IMAGES[1]], 3, tie=0.1)
