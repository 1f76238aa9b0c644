"""Joint unmixing of several images: equal to stacking by hand, one graph per image, own masks, weights and units."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.cli import main
from mffnb.cubes.image_stack import ImageStack
from mffnb.cubes.layout import Layout
from mffnb.errors import MffnbWarning, UnsupportedCombinationError
from mffnb.graphs import disjoint, grid
from mffnb.unmixing.written_call import written_call

ENERGY = np.linspace(10.0, 29.0, 20)
SPECTRA = np.random.default_rng(7).random((3, 20))


def image(shape, seed, brightness=1.0, energy=ENERGY, units="eV", dims=("z", "y", "x")):
    """A noisy image of mixtures of the same three spectra."""
    random = np.random.default_rng(seed)
    mixed = random.dirichlet([0.4] * 3, shape) @ SPECTRA + 0.02 * random.random((*shape, 20))
    names = (*dims[3 - len(shape) :], "energy")
    coords = {"energy": ("energy", energy, {"units": units})}
    return xr.DataArray(brightness * mixed, dims=names, coords=coords, attrs={"units": "counts"})


IMAGES = [image((6, 7), 1), image((9,), 2, brightness=3.0), image((3, 4, 5), 3)]


def share(cube):
    """Root mean square norm of the pixels of an image."""
    return float(np.sqrt((cube**2).sum("energy").mean()))


@pytest.mark.parametrize(
    ("options", "divided"),
    [
        ({}, True),
        ({"similarity": "huber"}, True),
        ({"gain": True}, True),
        ({"sparsity": 1e-3}, True),
        ({"similarity": "kl"}, False),
        ({"sum_to_one": True}, False),
        ({"weights": "poisson"}, False),
    ],
)
def test_a_list_equals_the_stack_by_hand(options, divided):
    joint = mf.unmix(IMAGES, 3, random_state=0, max_iter=40, **options)
    scales = [share(cube) if divided else 1.0 for cube in IMAGES]
    rows = np.concatenate([cube.values.reshape(-1, 20) / s for cube, s in zip(IMAGES, scales, strict=True)])
    alone = mf.unmix(rows, 3, channel="channel", random_state=0, max_iter=40, **options)
    mine, other = (one.endmembers.values for one in (joint, alone))
    np.testing.assert_allclose(
        mine / np.linalg.norm(mine, axis=1, keepdims=True),
        other / np.linalg.norm(other, axis=1, keepdims=True),
        atol=1e-10,
    )
    fitted = alone.reconstruction().values
    stop = 0
    for part, cube, s in zip(joint, IMAGES, scales, strict=True):
        start, stop = stop, stop + cube[..., 0].size
        here = fitted[start:stop].reshape(cube.shape) * s
        np.testing.assert_allclose(part.reconstruction().values, here, atol=1e-10 * float(cube.max()))


@pytest.mark.parametrize("options", [{}, {"smoothness": 1e-2}, {"similarity": "kl"}, {"volume": "auto"}])
def test_one_image_in_a_list_equals_no_list_to_the_bit(options):
    joint = mf.unmix([IMAGES[0]], 3, random_state=0, **options)
    alone = mf.unmix(IMAGES[0], 3, random_state=0, **options)
    assert len(joint) == 1
    assert joint.endmembers.identical(alone.endmembers)
    assert joint[0].abundances.identical(alone.abundances)
    assert joint[0].trace["objective"].identical(alone.trace["objective"])


@pytest.mark.parametrize("options", [{"smoothness": 1e-2}, {"gain": True}, {"volume": "auto"}, {"weights": [1, 2, 1]}])
def test_an_image_ten_times_brighter_changes_only_its_units(options):
    if "weights" in options:
        options = {"image_weights": options["weights"]}
    brighter = [IMAGES[0], 10.0 * IMAGES[1].assign_attrs(), IMAGES[2]]
    first, second = (mf.unmix(cubes, 3, random_state=0, **options) for cubes in (IMAGES, brighter))
    unit = float(second.endmembers.max() / first.endmembers.max())  # the mean pixel of all images is brighter
    np.testing.assert_allclose(second.endmembers, unit * first.endmembers, rtol=1e-8)
    np.testing.assert_allclose(first.table(), second.table(), atol=1e-9)
    for number, factor in enumerate((1.0, 10.0, 1.0)):
        a, b = first[number].reconstruction().values, second[number].reconstruction().values
        np.testing.assert_allclose(factor * a, b, rtol=1e-8, atol=1e-9 * b.max())


@pytest.mark.parametrize("seed", range(5))
def test_penalties_never_cross_a_border(seed):
    """The roughness of stacked maps is the sum over the images, whatever their values, shapes and masks are."""
    random = np.random.default_rng(seed)
    shapes = [tuple(random.integers(1, 6, random.integers(1, 4))) for _ in range(4)]
    masks = [random.random(shape) < 0.8 for shape in shapes]
    for mask in masks:
        mask.flat[0] = True
    cubes = [xr.DataArray(random.random((*shape, 3))) for shape in shapes]
    cubes = [one.rename({one.dims[-1]: "channel"}) for one in cubes]
    stack = ImageStack.of(cubes, "channel")
    graph = Layout.of(stack.cube, "channel", np.concatenate([mask.ravel() for mask in masks])).graph
    graphs = [grid(shape, mask) for shape, mask in zip(shapes, masks, strict=True)]
    maps = [random.random((2, one.pixels)) * 10.0**number for number, one in enumerate(graphs)]
    whole = np.concatenate(maps, axis=1)
    apart = sum(one.roughness(part) for one, part in zip(graphs, maps, strict=True))
    assert graph.roughness(whole) == pytest.approx(apart, rel=1e-12)
    np.testing.assert_allclose(
        graph.times(whole), np.concatenate([one.times(part) for one, part in zip(graphs, maps, strict=True)], axis=1)
    )
    ends = np.cumsum([0, *(one.pixels for one in graphs)])
    owner = np.repeat(np.arange(4), np.diff(ends))
    edges = np.repeat(owner, np.diff(graph.indptr)), owner[graph.indices]
    np.testing.assert_array_equal(*edges)
    assert set(ends) <= set(graph.bands.tolist())


@pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")
@pytest.mark.parametrize("term", [mf.Smoothness(0.05), mf.TotalVariation(0.05)])
def test_the_order_of_images_does_not_matter_with_a_spatial_term(term):
    """If a penalty crossed a border, another neighbour beyond it would change the maps."""
    random = np.random.default_rng(0)
    start = random.random((int(sum(one[..., 0].size for one in IMAGES)), 3)), random.random((3, 20))
    sizes = [one[..., 0].size for one in IMAGES]
    parts = np.split(start[0], np.cumsum(sizes)[:-1])
    found = {}
    for order in ((0, 1, 2), (2, 0, 1)):
        init = np.concatenate([parts[number] for number in order]), start[1]
        joint = mf.unmix([IMAGES[i] for i in order], 3, init=init, abundance_terms=[term], max_iter=30, tol=0)
        found[order] = {number: joint[place].abundances.values for place, number in enumerate(order)}
    for number in range(3):
        np.testing.assert_allclose(found[0, 1, 2][number], found[2, 0, 1][number], rtol=1e-6, atol=1e-9)


def test_each_image_is_an_ordinary_result(tmp_path):
    joint = mf.unmix(IMAGES, 3, random_state=0, gain=True)
    for part, cube in zip(joint, IMAGES, strict=True):
        assert part.abundances.dims[1:] == cube.dims[:-1]
        assert part.cube.identical(cube)
        assert float((part.residual() ** 2).sum() / (cube**2).sum()) < 1e-3
        assert part.freedom is joint.freedom
        np.testing.assert_allclose(part.abundances.sum("component"), 1.0, atol=1e-9)
        part.save(tmp_path / "part.nc")
        assert mf.load(tmp_path / "part.nc").reconstruction().equals(part.reconstruction())
        part.export(tmp_path / "spectra.csv")
    assert "3 components shared by 3 images of 6 x 7, 9, 3 x 4 x 5 pixels" in repr(joint)
    assert joint["image 1"].abundances.equals(joint[1].abundances)
    with pytest.raises(KeyError, match="no image 'x'"):
        joint["x"]


def test_the_table_says_how_much_of_each_component_is_in_each_image():
    lacking = xr.DataArray(np.full((5, 4, 1), 0.5) * SPECTRA[0], dims=("y", "x", "energy"))
    lacking = lacking.assign_coords(energy=IMAGES[0].energy).assign_attrs(source="lacking.h5")
    joint = mf.unmix([IMAGES[0], lacking], 3, random_state=0, known=SPECTRA)
    table = joint.table()
    assert table.index.tolist() == ["image 0", "lacking"]
    np.testing.assert_allclose(table.sum(axis=1), 1.0)
    np.testing.assert_allclose(table.loc["lacking"], [1, 0, 0], atol=1e-3)
    np.testing.assert_allclose(joint.endmembers.values, SPECTRA, rtol=1e-12)  # in the units of the cubes
    np.testing.assert_allclose(joint[1].abundances[0], 0.5, rtol=1e-3)


@pytest.mark.filterwarnings("ignore::mffnb.errors.MffnbWarning")
@pytest.mark.parametrize("options", [{}, {"preprocess": [mf.preprocessing.PoissonScaling()]}, {"similarity": "kl"}])
def test_a_saved_joint_result_comes_back(tmp_path, options):
    joint = mf.unmix([*IMAGES[:1], IMAGES[2].isel(energy=slice(3, None))], 3, random_state=0, max_iter=20, **options)
    assert joint.freedom.angle.size == 3
    joint.save(tmp_path / "joint.nc")
    back = mf.load(tmp_path / "joint.nc")
    assert repr(back) == repr(joint)
    assert (back.names, back.channels) == (joint.names, joint.channels)
    for one, other in zip(joint, back, strict=True):
        assert one.abundances.equals(other.abundances)
        assert one.reconstruction().equals(other.reconstruction())
        assert other.freedom.angle.equals(one.freedom.angle)
    with pytest.raises(ValueError, match=r"saved as \.nc"):
        joint.save(tmp_path / "joint.zarr")


def test_one_image_is_saved_as_a_joint_result(tmp_path):
    joint = mf.unmix(IMAGES[:1], 3, random_state=0, max_iter=5, tol=0.5)
    joint.save(tmp_path / "one.nc")
    back = mf.load(tmp_path / "one.nc")
    assert len(back) == 1
    assert back[0].abundances.equals(joint[0].abundances)


def test_channels_are_aligned_by_label():
    shorter = IMAGES[1].isel(energy=slice(4, None))
    turned = IMAGES[2].isel(energy=slice(None, None, -1)).assign_coords(energy=IMAGES[2].energy[::-1] + 1e-9)
    with pytest.warns(MffnbWarning, match="16 of 20, 16 and 20 channels along 'energy' are common"):
        joint = mf.unmix([IMAGES[0], shorter, turned], 3, random_state=0)
    np.testing.assert_array_equal(joint.endmembers.energy, ENERGY[4:])
    assert joint.endmembers.energy.attrs["units"] == "eV"
    np.testing.assert_array_equal(joint[2].cube.energy.values, joint[2].cube.energy.values)
    same = mf.unmix([one.isel(energy=slice(4, None)) for one in IMAGES], 3, random_state=0)
    np.testing.assert_allclose(joint.endmembers, same.endmembers, rtol=1e-9)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (image((4,), 0, units="keV"), "different units in the images .eV, keV."),
        (image((4,), 0, energy=ENERGY + 0.5), "no channel along 'energy' in common"),
        (image((4,), 0).rename(energy="mass"), "different channel dimensions"),
        (image((4,), 0).drop_vars("energy")[:, :10], "not all have coordinates"),
    ],
)
def test_channels_that_cannot_be_aligned_are_refused(other, message):
    with pytest.raises(ValueError, match=message):
        mf.unmix([IMAGES[0], other], 3)


def test_masks_and_weights_belong_to_their_image():
    mask = np.ones((6, 7), bool)
    mask[2:4] = False
    channels = np.ones(20, bool)
    channels[5] = False
    weights = np.random.default_rng(0).random((3, 4, 5))
    joint = mf.unmix(
        IMAGES, 3, random_state=0, mask=[[mask, channels], None, None], weights=[None, None, weights], max_iter=20
    )
    assert np.isnan(joint[0].abundances.values[:, ~mask]).all()
    assert np.isfinite(joint[0].abundances.values[:, mask]).all()
    assert np.isnan(joint.endmembers.values[:, 5]).all()
    used = [mask.ravel(), np.ones(9, bool), np.ones(60, bool)]
    parts = [one.values.reshape(-1, 20)[ok][:, channels] for one, ok in zip(IMAGES, used, strict=True)]
    rows = np.concatenate([one / np.sqrt((one**2).sum(axis=1).mean()) for one in parts])
    of_rows = np.concatenate([np.ones(len(rows) - 60), weights.ravel()])
    alone = mf.unmix(rows, 3, channel="channel", random_state=0, weights=of_rows, max_iter=20)
    mine = joint.endmembers.values[:, channels]
    np.testing.assert_allclose(
        mine / np.linalg.norm(mine, axis=1, keepdims=True),
        alone.endmembers.values / np.linalg.norm(alone.endmembers.values, axis=1, keepdims=True),
        atol=1e-9,
    )


def test_image_weights_multiply_the_misfit_of_an_image():
    weighted = mf.unmix(IMAGES, 3, random_state=0, image_weights=[1, 4, 1], max_iter=20)
    by_hand = mf.unmix(IMAGES, 3, random_state=0, weights=[None, np.full(9, 4.0), None], max_iter=20)
    np.testing.assert_array_equal(weighted.endmembers, by_hand.endmembers)
    plain = mf.unmix(IMAGES, 3, random_state=0, max_iter=20)
    assert abs(plain.endmembers.values - weighted.endmembers.values).max() > 1e-4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_weights": [1, 2]}, "one number > 0 for each of the 3 images"),
        ({"mask": [None, None]}, "mask of 3 images is a list with one entry for each"),
        ({"weights": ["poisson", None, None]}, "pass it alone"),
        ({"preprocess": [mf.preprocessing.Bin(2)]}, "Bin uses neighbouring pixels"),
        ({"preprocess": [mf.preprocessing.SpikeRemoval()]}, "SpikeRemoval uses neighbouring pixels"),
        ({"cluster": ThreadPoolExecutor(1)}, "not sent to engines: leave out cluster"),
        ({"gather": False}, "leave out gather"),
    ],
)
def test_what_does_not_suit_several_images_is_refused(options, message):
    with pytest.raises((ValueError, UnsupportedCombinationError), match=message):
        mf.unmix(IMAGES, 3, **options)


def test_image_weights_need_several_images():
    with pytest.raises(ValueError, match="image_weights is for a list"):
        mf.unmix(IMAGES[0], 3, image_weights=[1.0])


def test_a_list_of_equal_arrays_is_several_images():
    plain = [one.values for one in (IMAGES[0], image((6, 7), 5))]
    joint = mf.unmix(plain, 3, random_state=0, max_iter=5, tol=0.5)  # warnings of this package are errors here
    assert len(joint) == 2
    one = mf.unmix(plain[0].tolist(), 3, random_state=0, max_iter=5, tol=0.5)  # nested lists of numbers
    assert one.abundances.shape == (3, 6, 7)


def test_planes_of_one_image_in_a_list_are_several_images_and_the_warning_says_so():
    rows = list(IMAGES[0].values)
    pixels, channels = rows[0].shape
    said = (
        rf"here {len(rows)} of {pixels} pixels and {channels} channels: .* rows of one image, pass numpy\.stack\(list\)"
    )
    with pytest.warns(MffnbWarning, match=said):
        joint = mf.unmix(rows, 3, random_state=0, max_iter=5, tol=0.5)
    assert len(joint) == len(rows)
    assert (
        len(mf.unmix([rows[0], rows[1][:3]], 2, random_state=0, max_iter=5, tol=0.5)) == 2
    )  # rows of one image are equal


def test_known_spectra_and_an_earlier_result_as_a_start():
    first = mf.unmix(IMAGES, 3, random_state=0, max_iter=30)
    again = mf.unmix(IMAGES, 3, init=first, max_iter=3)
    assert again.trace["objective"][-1] <= first.trace["objective"][-1] * (1 + 1e-9)


def test_without_k_the_data_decide():
    joint = mf.unmix([mf.datasets.tof_sims_2d(seed=seed, shape=(16, 24)).cube for seed in (0, 1)], random_state=0)
    assert joint.parameters["suggested"]["settings"].startswith(f"k={len(joint.endmembers)}")


def test_the_pictures_show_every_image():
    joint = mf.unmix(IMAGES, 3, random_state=0, max_iter=20)
    figure = joint.plot()
    titles = [ax.get_title() for part in figure.subfigs for ax in part.axes]
    assert [f"image {n}: component {c}" for n in range(3) for c in range(3)] == [t for t in titles if "image" in t]


def test_disjoint_graphs():
    with pytest.raises(ValueError, match="at least one graph"):
        disjoint([])
    one = grid((3, 4))
    assert disjoint([one]) is one


def test_the_written_call_repeats_the_joint_run():
    sources = [one.assign_attrs(source=f"map{number}.h5") for number, one in enumerate(IMAGES[:2])]
    joint = mf.unmix(sources, 3, random_state=0, max_iter=5, tol=0.5)
    assert written_call(joint[1].parameters).splitlines()[2:] == [
        "images = [mf.read('map0.h5'), mf.read('map1.h5')]",
        "joint = mf.unmix(images, 3, max_iter=5, tol=0.5, random_state=0)",
        "result = joint[1]",
    ]


@pytest.mark.parametrize(
    "steps",
    [
        [mf.preprocessing.Crop({"energy": slice(2, 15)}), mf.preprocessing.UnitNorm()],
        [mf.preprocessing.Bin(1, channel=2)],
        [mf.preprocessing.ConstantBackground(), mf.preprocessing.UnitSum()],
        [mf.preprocessing.Log1p()],
    ],
)
def test_steps_are_inverted_for_each_image(steps):
    joint = mf.unmix(IMAGES, 3, random_state=0, preprocess=steps, max_iter=30, tol=0.5)
    whole = joint.shared.residual().values
    parts = [part.residual() for part in joint]
    assert [one.shape[:-1] for one in parts] == [one.shape[:-1] for one in IMAGES]
    np.testing.assert_allclose(np.concatenate([one.values.reshape(-1, whole.shape[1]) for one in parts]), whole)


def test_stacked_pixels_that_were_removed_have_no_graph():
    stack = ImageStack.of(IMAGES).cube
    with pytest.raises(ValueError, match="removed or merged"):
        _ = Layout.of(stack.isel(pixel=slice(1, None))).graph


def test_sparse_images_stay_sparse(tmp_path):
    from scipy import sparse

    from mffnb.cubes.sparse_map import SparseMap

    counts = [np.random.default_rng(n).poisson(0.2, (5, 6, 20)) for n in range(2)]
    held = [
        xr.DataArray(
            xr.Variable(
                ("y", "x", "channel"), SparseMap(sparse.csr_array(one.reshape(30, 20)), (5, 6), np.zeros(30, bool))
            )
        )
        for one in counts
    ]
    stack = ImageStack.of(held)
    assert isinstance(stack.cube.variable._data, SparseMap)
    np.testing.assert_array_equal(stack.cube.values, np.concatenate([one.reshape(30, 20) for one in counts]))


def test_the_scan_of_k_takes_several_images():
    scan = mf.selection.scan_rank(IMAGES, [2, 3], n_init=1, splits=0, random_state=0)
    assert scan.results[3].abundances.sizes["pixel"] == 111
    rows = xr.DataArray(np.concatenate([one.values.reshape(-1, 20) / share(one) for one in IMAGES]))
    alone = mf.selection.scan_rank(rows, [2, 3], n_init=1, splits=0, random_state=0, channel="dim_1")
    for criterion in ("relative_error", "held_out"):
        np.testing.assert_allclose(scan.evidence[criterion], alone.evidence[criterion], rtol=1e-6)
    with pytest.raises(UnsupportedCombinationError, match="has no smoothness"):
        mf.selection.scan_rank(IMAGES, [2], smoothness=1e-3)


def test_the_scan_of_several_images_has_a_joint_result_for_each_k():
    scan = mf.selection.scan_rank(IMAGES, [2, 3], n_init=1, splits=0, held_out=0, random_state=0)
    joint = scan.joint(3)
    stacked = scan.results[3]
    assert [part.abundances.dims[1:] for part in joint] == [("y", "x"), ("x",), ("z", "y", "x")]
    assert joint.names == mf.unmix(IMAGES, 3, random_state=0).names
    for number, part in enumerate(joint):
        rows = slice(*np.cumsum([0, 42, 9, 60])[number : number + 2])
        np.testing.assert_array_equal(part.abundances.values.reshape(3, -1), stacked.abundances.values[:, rows])
        assert part.endmembers.equals(stacked.endmembers)
        model = part.reconstruction().transpose(*IMAGES[number].dims)
        assert float(abs(model - IMAGES[number]).mean() / IMAGES[number].mean()) < 0.05  # in the units of the image
    assert "images = " in written_call(joint[1].parameters)
    with pytest.raises(ValueError, match="no k = 5: use one of 2, 3"):
        scan.joint(5)


def test_the_scan_takes_weights_of_images_and_interpolated_channels():
    options = {"n_init": 1, "splits": 0, "random_state": 0}
    scan = mf.selection.scan_rank(IMAGES, [2], image_weights=[1, 9, 2], **options)
    rows = xr.DataArray(np.concatenate([one.values.reshape(-1, 20) / share(one) for one in IMAGES]))
    weights = np.repeat([1.0, 9.0, 2.0], [42, 9, 60])
    alone = mf.selection.scan_rank(rows, [2], weights=weights, channel="dim_1", **options)
    equal = mf.selection.scan_rank(IMAGES, [2], **options)
    for criterion in ("relative_error", "held_out"):
        np.testing.assert_allclose(scan.evidence[criterion], alone.evidence[criterion], rtol=1e-6)
        assert abs(scan.evidence[criterion] - equal.evidence[criterion]).item() > 1e-6
    assert scan.settings["image_weights"] == [1, 9, 2]
    assert len(mf.unmix(IMAGES, 2, random_state=0, **scan.settings)) == 3
    moved = image((4, 5), 8, energy=ENERGY + 0.5)
    with pytest.warns(mf.errors.MffnbWarning):
        scan = mf.selection.scan_rank([IMAGES[0], moved], [2], channels="interpolate", held_out=0, **options)
    joint = scan.joint(2)
    assert joint[1].abundances.shape == (2, 4, 5)
    assert joint.parameters["channels"] == "interpolate"
    np.testing.assert_array_equal(joint.endmembers["energy"], ENERGY[1:])  # of the first image, in the range of both


@pytest.mark.parametrize(
    ("cube", "options", "message"),
    [
        (IMAGES[0], {"image_weights": [1]}, "image_weights is for a list"),
        (IMAGES[:1], {"channels": "interpolate"}, "channels is for a list of several"),
        (IMAGES, {"image_weights": [1, 2]}, "one number > 0 for each of the 3 images"),
        (IMAGES, {"channels": "nearest"}, "is not known: use 'intersection' or 'interpolate'"),
    ],
)
def test_the_scan_refuses_weights_and_channels_that_do_not_suit_the_images(cube, options, message):
    with pytest.raises(ValueError, match=message):
        mf.selection.scan_rank(cube, [2], **options)


def test_the_scan_of_one_image_is_joint_only_in_a_list():
    options = {"n_init": 1, "splits": 0, "held_out": 0, "random_state": 0}
    listed = mf.selection.scan_rank(IMAGES[:1], [2], **options).joint(2)
    alone = mf.selection.scan_rank(IMAGES[0], [2], **options)
    assert len(listed) == 1
    assert listed[0].abundances.equals(alone.results[2].abundances)
    with pytest.raises(ValueError, match=r"read scan.results\[2\]"):
        alone.joint(2)


def test_stability_takes_several_images_and_their_joint_result():
    joint = mf.unmix(IMAGES, 3, random_state=0)
    found = mf.selection.stability(IMAGES, joint, n_init=0, n_bootstrap=9, random_state=0)
    assert found.answer is joint.shared
    assert found.deviation.sizes["pixel"] == 111
    assert bool((found.lower <= joint.endmembers).all())
    assert [part.deviation.dims for part in found.parts] == [part.abundances.dims for part in joint]
    np.testing.assert_array_equal(
        np.concatenate([part.deviation.values.reshape(3, -1) for part in found.parts], axis=1), found.deviation
    )
    for part, own in zip(found.parts, joint, strict=True):
        assert part.answer.abundances.equals(own.abundances)
        assert part.lower.equals(found.lower)
        assert part.restarts is None
    with pytest.raises(ValueError, match="is of one image"):
        _ = found.parts[0].parts


@pytest.mark.parametrize("options", [{"similarity": "kl"}, {"sum_to_one": True}, {}, {"image_weights": [1, 2, 1]}])
def test_stability_repeats_the_joint_run_from_its_record(options):
    joint = mf.unmix(IMAGES, 3, random_state=0, **options)
    again = {name: value for name, value in options.items() if name == "image_weights"}
    seen = {"n_init": 2, "n_bootstrap": 0, "random_state": 0}
    found = mf.selection.stability(IMAGES, joint, **seen, **again)
    given = mf.selection.stability(IMAGES, joint, **seen, **options)
    np.testing.assert_array_equal(found.restarts.angles, given.restarts.angles)


def test_stability_interpolates_channels_as_the_joint_run_did():
    moved = image((4, 5), 8, energy=ENERGY + 0.5)
    with pytest.warns(mf.errors.MffnbWarning):
        joint = mf.unmix([IMAGES[0], moved], 2, channels="interpolate", random_state=0)
    with pytest.warns(mf.errors.MffnbWarning):
        found = mf.selection.stability([IMAGES[0], moved], joint, n_init=2, n_bootstrap=0, random_state=0)
    assert found.parts[1].restarts.deviation.shape == (2, 4, 5)


def test_stability_refuses_joint_results_that_it_would_not_repeat():
    for options in ({"tie": 0.1}, {"sparse_images": 1e-2}):
        joint = mf.unmix(IMAGES, 2, random_state=0, **options)
        with pytest.raises(UnsupportedCombinationError, match=f"does not repeat {next(iter(options))}"):
            mf.selection.stability(IMAGES, joint, n_init=2, n_bootstrap=0)
    with pytest.raises(ValueError, match="3 images and the list 2"):
        mf.selection.stability(IMAGES[:2], mf.unmix(IMAGES, 2, random_state=0), n_init=2, n_bootstrap=0)


def test_the_rank_explorer_takes_one_image():
    with pytest.raises(TypeError, match="takes one image"):
        mf.RankExplorer(IMAGES)


@pytest.mark.filterwarnings("ignore::mffnb.errors.DisagreementWarning")
def test_settings_are_suggested_for_a_list_as_unmix_takes_them():
    mask = [None, np.arange(9) > 1, None]
    found = mf.suggest(IMAGES, mask=mask)
    chosen = mf.unmix(IMAGES, mask=mask, random_state=0)
    assert found.settings["k"] == len(chosen.endmembers)
    assert found.settings["mask"] is mask
    assert mf.suggest(IMAGES).line == mf.unmix(IMAGES, random_state=0).parameters["suggested"]["settings"]
    again = mf.unmix(IMAGES, **found.settings, random_state=0)
    assert again.endmembers.equals(chosen.endmembers)
    assert mf.suggest([IMAGES[0]]).line == mf.suggest(IMAGES[0]).line


def test_the_command_line_unmixes_several_files(tmp_path, capsys):
    names = []
    for number, cube in enumerate(IMAGES[:2]):
        names.append(str(tmp_path / f"map{number}.nc"))
        cube.to_dataset(name="data").to_netcdf(names[-1], engine="h5netcdf")
    picture = str(tmp_path / "joint.png")
    assert main(["unmix", *names, "-k", "3", "--random-state", "0", "--picture", picture]) == 0
    printed = capsys.readouterr().out
    assert "map0" in printed
    assert "map1" in printed
    other = tmp_path / "other.nc"
    assert main(["unmix", *names, "-k", "3", "-q", "--random-state", "0", "-o", str(other)]) == 0
    assert mf.load(other).names == ("map0", "map1")
    exports = [str(tmp_path / name) for name in ("spectra.csv", "maps.gsf")]
    assert main(["unmix", *names[::-1], "-k", "1", "--export", exports[0], "--export", exports[1]]) == 0
    assert f"wrote {tmp_path / 'map1.joint.mffnb.nc'} and {exports[0]} and" in capsys.readouterr().out
    assert {one.name for one in tmp_path.glob("maps*")} == {"maps-map1.gsf", "maps-map0.gsf"}
    assert [one.name for one in tmp_path.glob("spectra*")] == ["spectra.csv"]
    joint = mf.load(tmp_path / "map0.joint.mffnb.nc")
    assert joint.names == ("map0", "map1")
    assert joint.endmembers.equals(mf.unmix(names, 3, random_state=0).endmembers)
    assert (tmp_path / "joint.png").stat().st_size > 1000
