"""Explorer of several images: one mosaic, but no pixel, position, region or penalty crosses a border."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.cubes.image_stack import ImageStack
from mffnb.cubes.layout import Layout
from mffnb.cubes.mosaic import mosaic_of
from mffnb.cubes.tiles import order_of, tiles_of
from mffnb.errors import MffnbWarning, UnsupportedCombinationError
from mffnb.graphs import disjoint, grid
from mffnb.unmixing.joint_mosaic import joint_of_mosaic

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")

ENERGY = np.linspace(10.0, 29.0, 20)
SPECTRA = np.random.default_rng(7).random((3, 20))


def image(name, shape, seed, brightness=1.0, step=0.5, energy=ENERGY):
    random = np.random.default_rng(seed)
    mixed = random.dirichlet([0.4] * 3, shape) @ SPECTRA[:, : energy.size] + 0.02 * random.random((*shape, energy.size))
    dims = ("y", "x")[2 - len(shape) :]
    coords = {"energy": ("energy", energy, {"units": "eV"})}
    coords |= {one: (one, step * (1 + np.arange(size)), {"units": "µm"}) for one, size in zip(dims, shape, strict=True)}
    return xr.DataArray(brightness * mixed, dims=(*dims, "energy"), coords=coords, name=name)


IMAGES = [image("a", (6, 7), 1), image("b", (9,), 2, brightness=3.0), image("c", (5, 8), 3)]
TIGHT = {"tol": 1e-8, "max_iter": 5000}


@pytest.fixture(scope="module")
def explorer():
    opened = mf.explore(IMAGES, 3, **TIGHT)
    opened.wait(60)
    yield opened
    opened.close()


@pytest.mark.parametrize("options", [{}, {"smoothness": 1e-2}, {"similarity": "kl"}, {"gain": True}])
def test_the_result_is_that_of_unmix_for_the_list(options):
    opened = mf.explore(IMAGES, 3, **TIGHT, **options)
    opened.wait(60)
    expected = mf.unmix(IMAGES, 3, random_state=0, **TIGHT, **options)
    found = opened.result
    opened.close()
    assert isinstance(found, mf.JointUnmixing)
    assert found.names == expected.names == ("a", "b", "c")
    assert (found.shared.processed is None) == (expected.shared.processed is None)
    assert float(found.trace.objective[-1]) == pytest.approx(float(expected.trace.objective[-1]), rel=1e-5)
    for mine, other, cube in zip(found, expected, IMAGES, strict=True):
        np.testing.assert_allclose(mine.reconstruction(), other.reconstruction(), atol=2e-3 * float(cube.max()))
        assert mine.abundances.dims == other.abundances.dims
        assert mine.abundances["x"].equals(other.abundances["x"])
        np.testing.assert_array_equal(mine.cube, cube)
    assert found.shared.abundances.dims == expected.shared.abundances.dims


@pytest.mark.parametrize("seed", range(6))
def test_no_pixel_of_a_mosaic_has_a_neighbour_in_another_image(seed):
    random = np.random.default_rng(seed)
    shapes = [tuple(random.integers(1, 7, random.integers(1, 3))) for _ in range(random.integers(2, 7))]
    cubes = [xr.DataArray(random.random((*shape, 3)), dims=(*("y", "x")[2 - len(shape) :], "e")) for shape in shapes]
    stack = ImageStack.of(cubes)
    cube, order = mosaic_of(stack, [str(number) for number in range(len(cubes))])
    tiles = tiles_of(cube)
    for one, tile in zip(cubes, tiles, strict=True):
        np.testing.assert_array_equal(tile.part(cube), one)
    np.testing.assert_array_equal(order, order_of(tiles, cube.shape[:2]))
    assert np.unique(order).size == order.size
    maps = random.random((2, order.size))
    whole = np.full((2, cube.shape[0] * cube.shape[1]), np.nan)
    whole[:, order] = maps
    graph = Layout.of(cube).graph
    apart = disjoint([grid(shape) for shape in shapes]).roughness(maps)
    assert graph.roughness(whole[:, np.isfinite(whole[0])]) == pytest.approx(apart, rel=1e-12, abs=1e-14)


def test_a_pixel_is_given_in_its_own_image(explorer):
    found = explorer.probe(image="b", x=2.0)
    np.testing.assert_array_equal(found.measured, IMAGES[1].sel(x=2.0))
    np.testing.assert_allclose(found.model, explorer.result["b"].reconstruction().sel(x=2.0), atol=1e-12)
    np.testing.assert_array_equal(explorer.probe(image=2, pixel=(4, 7)).measured, IMAGES[2][4, 7])
    with pytest.raises(ValueError, match=r"y=99 lies outside of image 'a', which has y from 0.5 to 3"):
        explorer.probe(image="a", y=99, x=1)
    with pytest.raises(ValueError, match="there is no image 'd': the names are a, b, c"):
        explorer.probe(image="d", x=1)
    with pytest.raises(ValueError, match="each pixel dimension of image 'b', x="):
        explorer.probe(image="b", y=1, x=1)


def test_the_pixels_around_one_are_those_of_its_image(explorer):
    corner = IMAGES[0].isel(y=slice(-4, None), x=slice(-4, None))
    distance = (corner.y - corner.y[-1]) ** 2 + (corner.x - corner.x[-1]) ** 2
    near = corner.where(distance <= (3 * 0.5) ** 2).mean(("y", "x"))
    found = explorer.probe(image="a", pixel=(5, 6), radius=3)
    np.testing.assert_allclose(found.measured, near)
    tile = tiles_of(explorer.stage.result.abundances)[0]
    with pytest.raises(ValueError, match="lies between two images"):
        explorer.probe(pixel=(0, tile.width))


def test_a_region_lies_in_one_image(explorer):
    found = explorer.region([(1.5, 1.0), (2.5, 3.0)], shape="rectangle", image="c")
    np.testing.assert_allclose(found.mean_spectrum, IMAGES[2].sel(y=slice(1.5, 2.4), x=slice(1, 2.9)).mean(("y", "x")))
    whole = explorer.region(outline=[(0, 0), (1, 1)], shape="rectangle")
    assert whole.pixels == 42  # all of a, which has most pixels
    np.testing.assert_allclose(whole.mean_spectrum, IMAGES[0].mean(("y", "x")))
    line = explorer.region(mask=np.arange(9) < 2, image="b")
    assert line.pixels == 2
    np.testing.assert_allclose(line.abundances, (explorer.result["b"].abundances[:, :2]).mean("x"))


def test_switches_of_the_model_divide_the_images_as_unmix_does_and_undo_takes_them_back():
    opened = mf.explore(IMAGES, 3)
    opened.wait(60)
    first = opened.result
    opened.controls.set(similarity="kl")
    opened.wait(60)
    assert opened.result.shared.processed is None
    opened.undo()
    opened.wait(60)
    assert opened.result.shared.processed is not None
    assert opened.result.endmembers.equals(first.endmembers)
    opened.close()


def test_a_session_restores_the_images(tmp_path):
    opened = mf.explore(IMAGES, 3, mask=[None, np.arange(9) > 1, None])
    opened.wait(60)
    opened.region([(1.5, 1.0), (2.5, 3.0)], shape="rectangle", image="c", name="left out")
    first = opened.result
    assert np.isnan(first["b"].abundances[:, :2]).all()
    opened.save(tmp_path / "session.zip")
    opened.close()
    again = mf.explore(tmp_path / "session.zip")
    again.wait(60)
    assert again.result.names == ("a", "b", "c")
    assert again.result.endmembers.equals(first.endmembers)
    assert again.result["b"].abundances.equals(first["b"].abundances)
    again.fit_only("left out")
    again.wait(60)
    assert [int(np.isfinite(one.abundances[0]).sum()) for one in again.result] == [
        0,
        0,
        again.regions["left out"].pixels,
    ]
    text = again.code()
    assert "masks.append(mask)" in text
    names = {"images": IMAGES, "mf": mf, "np": np, "xr": xr}
    exec(text.replace("images = ...", "pass"), names)
    np.testing.assert_array_equal(
        np.isfinite(names["joint"]["c"].abundances), np.isfinite(again.result["c"].abundances)
    )
    files = again.export(tmp_path / "maps.tif")
    assert sorted(one.name for one in files) == ["maps-a.tif", "maps-b.tif", "maps-c.tif"]
    assert [one.name for one in again.export(tmp_path / "spectra.csv")] == ["spectra.csv"]
    again.close()


def test_channels_that_are_left_out_are_a_notice_and_the_opening_asks_the_data():
    shorter = image("d", (4, 5), 4, energy=ENERGY[:15])
    with pytest.warns(MffnbWarning, match="15 of 20 and 15 channels"):
        opened = mf.explore([IMAGES[0], shorter])
    opened.wait(60)
    assert any(one.startswith("opened with k=") for one in opened.notices)
    assert any("15 of 20 and 15 channels" in one for one in opened.notices)
    opened.controls.set(k=2)
    opened.wait(60)
    assert any("15 of 20 and 15 channels" in one for one in opened.notices)
    assert "15 of 20" in repr(opened.result)
    opened.close()


def test_paths_weights_and_a_joint_start(tmp_path):
    paths = [tmp_path / f"{one.name}.nc" for one in IMAGES[:2]]
    for path, cube in zip(paths, IMAGES, strict=False):
        cube.to_netcdf(path)
    start = mf.unmix(paths, 2, image_weights=[1, 5], random_state=0, **TIGHT)
    opened = mf.explore(paths, 2, image_weights=[1, 5], start=start, **TIGHT)
    opened.wait(60)
    assert float(opened.result.trace.objective[-1]) == pytest.approx(float(start.trace.objective[-1]), rel=1e-6)
    assert opened.result.names == ("a", "b")
    assert joint_of_mosaic(opened.stage.result).endmembers.equals(opened.result.endmembers)
    opened.close()


def test_what_a_mosaic_cannot_hold_is_refused():
    volume = xr.DataArray(np.ones((2, 3, 4, 20)), dims=("z", "y", "x", "energy"), coords={"energy": ENERGY}, name="v")
    with pytest.raises(ValueError, match="v is a stack of 3 pixel dimensions"):
        mf.explore([IMAGES[0], volume.assign_coords(energy=IMAGES[0].energy)], 2)
    with pytest.raises(UnsupportedCombinationError, match="apply it to each image first"):
        mf.explore(IMAGES, 2, preprocess=[mf.preprocessing.Bin(2)])
    with pytest.raises(ValueError, match="image_weights needs a list"):
        mf.explore(IMAGES[0], 2, image_weights=[1])
