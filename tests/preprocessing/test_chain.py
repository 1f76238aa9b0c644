"""Steps after one another: the way back, the grid it ends on, and what a file keeps of it."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import mffnb as mf
from mffnb import preprocessing as pre
from mffnb.io.netcdf_store import read_netcdf, write_netcdf
from mffnb.preprocessing import Chain, fit_chain, steps_from
from mffnb.stability.replicas import noise_of
from tests.conftest import mixture
from tests.depth import examples

EXACT = [
    pre.MeanCentre(),
    pre.Range(),
    pre.Range(-1, 2, each="channel"),
    pre.UnitSum(),
    pre.UnitNorm(),
    pre.Crop({"x": (1.0, 3.5), "energy": slice(2, 15)}),
    pre.Crop({"y": slice(1, None)}),
    pre.ConstantBackground(),
    pre.AsymmetricBaseline(100.0),
]


def an_image():
    rng = np.random.default_rng(0)
    coords = {"y": ("y", 0.5 * np.arange(40), {"units": "nm"}), "x": ("x", 0.5 * np.arange(60), {"units": "nm"})}
    return xr.DataArray(rng.random((40, 60)), dims=("y", "x"), coords=coords, attrs={"units": "counts", "from": "here"})


CHAINS = {
    "counts": [pre.Crop({"energy": (404, None)}), pre.Bin(2, 2), pre.PoissonScaling()],
    "background": [pre.PowerLawBackground((None, 412)), pre.Crop({"energy": (410, None)}), pre.UnitNorm()],
    "baseline": [pre.AsymmetricBaseline(), pre.Crop({"x": slice(2, 9)}), pre.Range(0, 1)],
    "bent": [pre.Log1p(), pre.Crop({"y": slice(1, 4)}), pre.MeanCentre()],
    "anscombe": [pre.Anscombe(), pre.Range(-1, 1, each="channel")],
    "none": [],
}


@examples(25)
@given(steps=st.lists(st.sampled_from(EXACT), max_size=4))
def test_the_way_back_ends_at_the_target(steps):
    cube = mixture()
    processed, chain = fit_chain(cube, steps)
    target = chain.target(cube)
    back = chain.inverse(processed)
    np.testing.assert_allclose(back, target, atol=1e-8)
    assert back.attrs == cube.attrs
    for name in cube.dims:
        np.testing.assert_array_equal(back[name], target[name])
    xr.testing.assert_allclose(chain.transform(cube), processed)


@pytest.mark.parametrize("steps", CHAINS.values(), ids=CHAINS)
def test_a_chain_is_the_same_after_a_file(steps, tmp_path):
    cube = mixture()
    processed, chain = fit_chain(cube, steps)
    write_netcdf(chain.to_dataset(), tmp_path / "chain.nc")
    again = Chain.from_dataset(read_netcdf(tmp_path / "chain.nc"))
    assert (again.steps, again.channel, again.labels) == (chain.steps, ("energy",), chain.labels)
    xr.testing.assert_identical(again.transform(cube), processed)
    xr.testing.assert_identical(again.inverse(processed), chain.inverse(processed))
    spectra = processed[0].rename(x="component").drop_vars(("y", "component"))
    xr.testing.assert_identical(again.endmembers(spectra), chain.endmembers(spectra))
    maps = processed[..., :3].transpose("energy", "y", "x").rename(energy="component")
    xr.testing.assert_identical(again.abundances(maps), chain.abundances(maps))


def test_a_sliding_fft_is_the_same_after_a_file(tmp_path):
    image = an_image()
    processed, chain = fit_chain(image, [pre.SlidingFFT((16, 12), 8, ("kaiser", 5.0)), pre.UnitSum()])
    write_netcdf(chain.to_dataset(), tmp_path / "chain.nc")
    again = Chain.from_dataset(read_netcdf(tmp_path / "chain.nc"))
    xr.testing.assert_identical(again.transform(image), processed)
    assert again.channel == ("ky", "kx")
    assert again.steps == chain.steps


@pytest.mark.parametrize("steps", [*CHAINS.values(), [pre.SlidingFFT((16, 12), 8, ("kaiser", 5.0), dc="mask")]])
def test_a_description_is_json_and_builds_the_steps(steps):
    cube = an_image() if steps and steps[0].takes_image else mixture()
    chain = fit_chain(cube, steps).chain
    description = json.loads(json.dumps(chain.describe()))
    assert steps_from(description) == steps
    assert [one["step"] for one in description] == [type(step).__name__ for step in steps]


def test_a_product_of_factors_comes_back(cube):
    """What unmix does: factors of the processed cube, brought back one by one and as a product."""
    X = mf.unmix(cube, 3, random_state=0)  # an exact mixture
    mixed = X.reconstruction().assign_attrs(units="counts") + 0.01
    steps = [pre.Crop({"energy": (402, None)}), pre.Bin(2, 1, "mean"), pre.PoissonScaling(), pre.UnitNorm()]
    processed, chain = fit_chain(mixed.assign_attrs(units="counts"), steps)
    inner = mf.unmix(processed, 4, tol=1e-8, max_iter=3000, random_state=0)
    A, E = chain.abundances(inner.abundances), chain.endmembers(inner.endmembers)
    product = xr.dot(A, E, dim="component")
    np.testing.assert_allclose(chain.inverse(inner.reconstruction()), product, rtol=1e-10)
    np.testing.assert_allclose(product, chain.target(mixed), rtol=0.01)
    assert E.attrs["units"] == "counts"
    assert float(E["energy"][0]) == 402
    xr.testing.assert_allclose(chain.prepare_endmembers(E), inner.endmembers)
    xr.testing.assert_allclose(chain.prepare_abundances(A), inner.abundances)


def test_fractions_keep_their_sum_with_the_pixel_factors_as_gain(cube):
    processed, chain = fit_chain(cube, [pre.UnitSum()])
    inner = mf.unmix(processed, 3, sum_to_one=True, random_state=0)
    gain = chain.abundances(xr.ones_like(inner.abundances[0]))
    product = gain * xr.dot(inner.abundances, chain.endmembers(inner.endmembers), dim="component")
    np.testing.assert_allclose(chain.inverse(inner.reconstruction()), product)
    np.testing.assert_allclose(gain, cube.sum("energy"))


def test_a_mean_is_added_once(cube):
    processed, chain = fit_chain(cube, [pre.MeanCentre()])
    nothing = 0 * processed
    np.testing.assert_allclose(chain.inverse(nothing), np.broadcast_to(cube.mean(("y", "x")), cube.shape))
    spectra = cube[0, :2].rename(x="component").drop_vars(("y", "component"))
    np.testing.assert_array_equal(chain.endmembers(spectra), spectra)


def test_after_a_sliding_fft_nothing_before_it_is_undone():
    image = an_image()
    steps = [pre.Crop({"x": (5.0, 25.0)}), pre.MeanCentre(), pre.SlidingFFT(16, 4, zoom=2), pre.UnitNorm()]
    processed, chain = fit_chain(image, steps)
    assert processed.dims == ("y", "x", "ky", "kx")
    assert chain.channel == ("ky", "kx")
    assert float(processed["x"][0]) == pytest.approx(5.0 + 0.5 * 7.5)
    assert not chain.signed
    assert not chain.centred
    local = chain.target(image)
    np.testing.assert_allclose(chain.inverse(processed), local, rtol=1e-5)
    assert float(local.min()) == 0
    assert chain.inverse(processed).attrs["long_name"] == "modulus of the local Fourier transform"
    assert local.attrs["from"] == "here"
    result = mf.unmix(processed, 2, random_state=0)  # the cube says itself what its channels are
    assert result.endmembers.dims == ("component", "ky", "kx")
    assert chain.endmembers(result.endmembers)["kx"].attrs["units"] == "1/nm"
    assert chain.abundances(result.abundances).dims == ("component", "y", "x")


def test_bins_come_first(cube):
    for before in (pre.UnitSum(), pre.Log1p(), pre.ConstantBackground()):
        with pytest.raises(ValueError, match=f"put Bin before {type(before).__name__}"):
            fit_chain(cube, [pre.Crop(), before, pre.Bin()])
    image = an_image()
    processed = fit_chain(image, [pre.Bin(2), pre.Range(), pre.SlidingFFT(8, 4), pre.Bin(1, 2)]).cube
    assert processed.shape == (4, 6, 4, 4)


def test_what_a_chain_declares(cube):
    def chain(*steps):
        return fit_chain(cube, steps).chain

    assert chain(pre.MeanCentre(), pre.UnitNorm()).centred
    assert chain(pre.ConstantBackground((400, 410))).signed
    assert not chain(pre.ConstantBackground((400, 410))).centred
    assert not chain(pre.UnitSum(), pre.Range()).signed
    assert chain(pre.Crop(), pre.PoissonScaling()).stabilizes
    assert not chain().stabilizes
    assert chain(pre.Log1p(), pre.UnitSum()).bends
    assert not chain(pre.PoissonScaling(), pre.MeanCentre()).bends


def test_units_come_back(cube):
    processed, chain = fit_chain(cube, [pre.PoissonScaling()])
    assert "units" not in processed.attrs
    assert chain.inverse(processed).attrs == cube.attrs


def test_masked_pixels_stay_missing_through_a_chain(cube):
    hole = cube.where(cube["x"] != 2.0)
    processed, chain = fit_chain(hole, [pre.Bin({"y": 2}), pre.PoissonScaling(), pre.Range()])
    np.testing.assert_array_equal(processed.isnull().all(("y", "energy")), cube["x"] == 2.0)
    np.testing.assert_allclose(chain.inverse(processed), chain.target(hole))


@dataclasses.dataclass(frozen=True)
class Doubled(pre.Step, pre.Fitted):
    """A step of somebody else's."""

    def fit(self, cube, channel):
        return self

    def transform(self, cube):
        return 2 * cube

    def inverse(self, cube):
        return cube / 2

    def endmembers(self, endmembers):
        return endmembers / 2


def test_a_step_of_ones_own(cube):
    processed, chain = fit_chain(cube, [Doubled(), pre.UnitSum()])
    np.testing.assert_allclose(chain.inverse(processed), cube)
    stored = chain.to_dataset()
    with pytest.raises(ValueError, match="the step 'Doubled' is not part of mffnb"):
        Chain.from_dataset(stored)
    assert Chain.from_dataset(stored, known=[Doubled]).steps == chain.steps
    assert steps_from(chain.describe(), known=[Doubled]) == list(chain.steps)


@dataclasses.dataclass(frozen=True)
class Halved(pre.Step, pre.Fitted):
    """A user's step that is not undone: results stay in its values."""

    @property
    def undone(self):
        return False

    @property
    def found(self):
        return {"factor": 0.5}

    def fit(self, cube, channel):
        return self

    def transform(self, cube):
        return cube / 2


def test_a_step_of_ones_own_that_is_not_undone(cube):
    """The fields of the step alone decide what the chain does with it."""
    processed, chain = fit_chain(
        cube, [pre.Crop({"y": slice(1, 5)}), Halved(), pre.UnitSum(), pre.Crop({"x": slice(3)})]
    )
    np.testing.assert_allclose(chain.target(cube), cube[1:5, :3] / 2)
    np.testing.assert_allclose(chain.inverse(processed), chain.target(cube))
    assert chain.describe()[1] == {"step": "Halved", "parameters": {}, "found": {"factor": 0.5}}
    assert steps_from(chain.describe(), known=[Halved]) == list(chain.steps)
    assert chain.alters_data
    assert not fit_chain(cube, [pre.Crop({"y": slice(1, 5)}), pre.UnitSum()]).chain.alters_data
    with pytest.raises(ValueError, match="put Halved before UnitSum: afterwards UnitSum could not be undone"):
        fit_chain(cube, [pre.UnitSum(), Halved()])


def test_noise_of_other_values_than_the_cube_is_refused(cube):
    result = mf.unmix(cube, 3, preprocess=[Halved()], random_state=0)
    with pytest.raises(mf.errors.UnsupportedCombinationError, match="apply these steps first"):
        noise_of(cube, result)


@pytest.mark.parametrize("step", [pre.Crop({"y": slice(1, 5)}), pre.Crop({"y": slice(5, 1, -2)}), pre.Bin({"y": 4})])
def test_new_positions_of_a_grid(cube, step):
    fitted = step.fit(cube, ("energy",))
    rows = xr.zeros_like(cube) + xr.DataArray(np.arange(6.0), dims="y")
    after = fitted.transform(rows)[:, 0, 0].values
    new = fitted.new_positions("y", 6)
    expected = [np.flatnonzero(new == i) for i in range(len(after))]
    scale = after[0] / expected[0].sum() if isinstance(step, pre.Bin) else 1
    np.testing.assert_allclose(after, [scale * one.sum() for one in expected])
    np.testing.assert_array_equal(fitted.new_positions("x", 10)[:2], [0, 1])


def test_what_is_no_step_or_no_chain(cube):
    for wrong in (pre.UnitSum, "UnitSum", np.log):
        with pytest.raises(TypeError, match="is not a preprocessing step"):
            fit_chain(cube, [wrong])
    with pytest.raises(ValueError, match="holds no preprocessing"):
        Chain.from_dataset(xr.Dataset())
    with pytest.raises(ValueError, match="the step 'Median' is not part of mffnb"):
        steps_from([{"step": "Median"}])


def test_a_step_that_a_file_cannot_hold():
    with pytest.raises(TypeError, match="cannot be kept in a file"):
        Chain((pre.Crop({"x": {1, 2}}),), (), ("energy",), {}).describe()


def test_lazy_chains(cube):
    lazy = cube.chunk({"y": 2, "x": 5})
    steps = [pre.Bin(2), pre.AsymmetricBaseline(), pre.Crop({"energy": (404, None)}), pre.UnitNorm()]
    processed, chain = fit_chain(lazy, steps)
    assert processed.chunks is not None
    np.testing.assert_allclose(processed, fit_chain(cube, steps).cube, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(chain.inverse(processed), chain.target(cube))


def test_files_with_the_former_name_of_a_fitted_state_are_read(cube):
    kept = fit_chain(cube, [pre.MeanCentre()]).chain.to_dataset()
    assert "AffineScaling" in kept.attrs["preprocessing"]
    kept.attrs["preprocessing"] = kept.attrs["preprocessing"].replace("AffineScaling", "Scaled")
    xr.testing.assert_equal(Chain.from_dataset(kept).transform(cube), fit_chain(cube, [pre.MeanCentre()]).cube)
