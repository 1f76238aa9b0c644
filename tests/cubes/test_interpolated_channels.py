"""Images with offset channel axes: interpolated on request, said in one line, refused for counts."""

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.cubes.image_stack import ImageStack
from mffnb.errors import MffnbWarning, NoiseWarning, UnsupportedCombinationError

AXIS = np.linspace(0.0, 10.0, 41)


def image(seed, offset=0.0, shape=(8, 9), reverse=False, **attrs):
    """Mixtures of two smooth bands, sampled at an offset axis."""
    energy = (AXIS + offset)[:: -1 if reverse else 1]
    spectra = np.stack([np.exp(-0.5 * ((energy - c) / 1.2) ** 2) for c in (3.0, 6.5)])
    amounts = np.random.default_rng(seed).dirichlet([0.4, 0.4], shape)
    coords = {"energy": ("energy", energy, {"units": "eV", **attrs})}
    return xr.DataArray(amounts @ spectra, dims=("y", "x", "energy"), coords=coords, name=f"map {seed}")


def test_offset_axes_give_the_spectra_of_the_first_axis():
    first, second = image(0), image(1, offset=0.1, reverse=True)
    with pytest.warns(
        MffnbWarning, match="40 of 41 channels along 'energy' of the first image, to which image 1 is inter"
    ):
        joint = mf.unmix([first, second], 2, channels="interpolate", random_state=0)
    np.testing.assert_allclose(joint.endmembers.energy, AXIS[1:])
    exact = image(1).isel(energy=slice(1, None))
    np.testing.assert_allclose(joint[1].cube, exact, atol=0.01)
    assert float(joint.trace.relative_error[-1]) < 0.01
    assert "interpolated linearly" in repr(joint)
    with pytest.raises(ValueError, match="interpolate them to one axis with channels='interpolate'"):
        mf.unmix([first, second], 2)


def test_equal_channels_are_not_interpolated():
    first, second = image(0), image(1).isel(energy=slice(3, 30))
    stack = ImageStack.of([first, second], interpolate=True)
    np.testing.assert_array_equal(stack.images[1], second)
    np.testing.assert_array_equal(stack.images[0], first.isel(energy=slice(3, 30)))
    assert stack.note == ""


def test_linear_functions_are_kept_exactly_and_masks_follow_the_nearest_channel():
    ramp = xr.DataArray([[0.0, 1.0, 2.0, 3.0]], dims=("x", "energy"), coords={"energy": [0.0, 1.0, 2.0, 3.0]})
    moved = ramp.assign_coords(energy=ramp.energy + 0.25) + 0.25
    stack = ImageStack.of([ramp, moved], interpolate=True)
    np.testing.assert_allclose(stack.images[1], [[1.0, 2.0, 3.0]])
    np.testing.assert_array_equal(stack.at_common(np.array([True, False, True, True]), 1), [False, True, True])


@pytest.mark.filterwarnings("ignore:.*interpolated linearly")
def test_interpolated_counts_are_refused_or_warned_of():
    first, second = ((100 * one).round().astype(int) for one in (image(0), image(1, offset=0.1)))
    for options in ({"similarity": "kl"}, {"weights": "poisson"}):
        with pytest.raises(UnsupportedCombinationError, match="no longer Poisson counts"):
            mf.unmix([first, second], 2, channels="interpolate", **options)
    with pytest.warns(NoiseWarning, match="averages neighbouring counts"):
        mf.unmix([first, second], 2, channels="interpolate", random_state=0)


def test_axes_that_cannot_be_interpolated_are_refused():
    for other, message in (
        (image(1, offset=50.0), "no range in common"),
        (image(1, units="nm"), "different units"),
        (image(1).drop_vars("energy"), "image 1 has no numbers as coordinates"),
    ):
        with pytest.raises(ValueError, match=message):
            mf.unmix([image(0), other], 2, channels="interpolate")
    with pytest.raises(ValueError, match="is not known"):
        mf.unmix([image(0), image(1)], 2, channels="union")
    with pytest.raises(ValueError, match="list of several images"):
        mf.unmix(image(0), 2, channels="interpolate")
