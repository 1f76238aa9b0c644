"""Symmetric patterns: exact on square grids, a projection on all of them, and closer to the truth on noisy images."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import mffnb as mf
from mffnb.constraints.point_group import Grid, Means, PointGroup, Splines, orbits, symmetric_splines
from mffnb.errors import UnsupportedCombinationError
from mffnb.preprocessing import SlidingFFT, fit_chain

SHAPES = [(7, 7), (8, 8), (6, 9), (9, 4), (1, 5)]
EXACT = [(2, None), (1, 0.0), (2, 90.0), (4, None), (4, 45.0)]  # these permute the entries of a grid
TURNED = [(3, None), (6, None), (6, 30.0), (3, 12.0), (1, 20.0)]


def projected(pattern, order, mirror=None, **options):
    part = mf.PatternSymmetry(order, mirror, axes=options.pop("axes", pattern.shape), **options)
    return part.project(pattern.reshape(1, -1)).reshape(pattern.shape)


def test_exact_operations_give_the_mean_of_the_rotated_patterns():
    pattern = np.random.default_rng(0).random((7, 7))
    quarter = sum(np.rot90(pattern, n) for n in range(4)) / 4
    np.testing.assert_allclose(projected(pattern, 4), quarter, rtol=1e-14)
    np.testing.assert_allclose(projected(pattern, 2), (pattern + np.rot90(pattern, 2)) / 2, rtol=1e-14)
    np.testing.assert_allclose(projected(pattern, 1, 0.0), (pattern + pattern[::-1]) / 2, rtol=1e-14)
    np.testing.assert_allclose(projected(pattern, 1, 90.0), (pattern + pattern[:, ::-1]) / 2, rtol=1e-14)
    np.testing.assert_allclose(projected(pattern, 1, 45.0), (pattern + pattern.T) / 2, rtol=1e-14)
    np.testing.assert_allclose(projected(pattern, 4, 45.0), (quarter + quarter.T) / 2, rtol=1e-14)


def test_rows_without_a_partner_stay_and_the_centre_is_that_of_a_fourier_transform():
    pattern = np.random.default_rng(1).random((8, 6))
    inner = pattern[1:, 1:]
    found = projected(pattern, 2)
    np.testing.assert_allclose(found[1:, 1:], (inner + inner[::-1, ::-1]) / 2, rtol=1e-14)
    np.testing.assert_array_equal(found[0], pattern[0])
    np.testing.assert_array_equal(found[:, 0], pattern[:, 0])


def test_a_rotation_is_one_of_the_physical_pattern_not_of_its_entries():
    ky, kx = np.arange(-6, 7) * 1.0, np.arange(-3, 4) * 2.0  # kx is sampled at half the density
    y, x = np.meshgrid(ky, kx, indexing="ij")
    found = projected(((y == 4) & (x == 0)).astype(float), 4, axes=(ky, kx))
    peaks = {(float(y[i]), float(x[i])) for i in zip(*np.nonzero(found), strict=True)}
    assert {(4.0, 0.0), (-4.0, 0.0), (0.0, 4.0), (0.0, -4.0)} <= peaks


@pytest.mark.parametrize("side", [33, 64])
def test_a_hexagonal_pattern_is_changed_little_and_a_turned_one_is_suppressed(side):
    def spots(tilt):
        y, x = np.meshgrid(*2 * [np.arange(side) - side // 2], indexing="ij")
        angles = tilt + np.pi / 3 * np.arange(6)
        return sum(np.exp(-((x - 12 * np.cos(a)) ** 2 + (y - 12 * np.sin(a)) ** 2) / 4) for a in angles)

    six = spots(0.17)
    kept = projected(six, 6)
    assert np.vdot(six, kept) / np.linalg.norm(six) / np.linalg.norm(kept) > np.cos(0.05)
    one = np.zeros_like(six)
    one[: side // 2, side // 2 :] = six[: side // 2, side // 2 :]  # a quarter of the pattern
    assert projected(one, 6).max() < 0.6 * six.max()


@given(
    group=st.sampled_from(EXACT), shape=st.sampled_from(SHAPES), seed=st.integers(0, 2**32 - 1), scaled=st.booleans()
)
def test_the_mean_is_the_nearest_non_negative_pattern_of_the_set(group, shape, seed, scaled):
    assert_nearest(group, shape, seed, scaled=scaled, accuracy=1e-12)


@pytest.mark.parametrize("group", TURNED)
@pytest.mark.parametrize("scaled", [False, True])
def test_the_fit_by_splines_is_the_nearest_non_negative_pattern_of_the_set(group, scaled):
    for shape in SHAPES:
        assert_nearest(group, shape, 0, scaled=scaled, accuracy=1e-4)


def assert_nearest(group, shape, seed, *, scaled, accuracy):
    rng = np.random.default_rng(seed)
    used = rng.random(shape) < 0.8
    used[0, 0] = True
    scale = rng.uniform(0.2, 3, used.sum()) if scaled else None
    part = mf.PatternSymmetry(*group, axes=shape, used=used, scale=scale)
    points, others = rng.standard_normal((2, 3, used.sum()))
    nearest, member = part.project(points), part.project(others)
    assert nearest.min() >= 0
    np.testing.assert_allclose(part.project(nearest), nearest, rtol=accuracy, atol=accuracy)
    assert np.vdot(points - nearest, member - nearest) <= 10 * accuracy
    np.testing.assert_allclose(part.project(3 * points), 3 * nearest, rtol=accuracy, atol=accuracy)


@given(group=st.sampled_from(EXACT), shape=st.sampled_from(SHAPES), seed=st.integers(0, 2**32 - 1))
def test_the_sum_of_non_negative_patterns_is_kept(group, shape, seed):
    pattern = np.random.default_rng(seed).random(shape)
    assert projected(pattern, *group).sum() == pytest.approx(pattern.sum(), rel=1e-12)


@pytest.mark.parametrize("scaled", [False, True])
def test_splines_and_means_agree_on_a_group_that_permutes_the_grid(scaled):
    rng = np.random.default_rng(0)
    group, grid, row = PointGroup(4, None), Grid(np.arange(-4.0, 5), np.arange(-4.0, 5)), rng.random(81)
    scale = rng.uniform(0.5, 2, 81) if scaled else np.ones(81)
    means = Means(orbits(group, grid), scale).project(row)
    splines = Splines(symmetric_splines(group, grid).multiply(scale[:, None]).tocsr()).project(row)
    np.testing.assert_allclose(splines, means, rtol=1e-8)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mf.PatternSymmetry(5), "1, 2, 3, 4 or 6, got 5"),
        (lambda: mf.PatternSymmetry(True), "got True"),
        (lambda: mf.PatternSymmetry(1), "has no operation"),
        (lambda: mf.PatternSymmetry(2, mirror=np.nan), "angle of a mirror line"),
        (lambda: mf.PatternSymmetry(2, axes=(3,)), "two channel dimensions, got 1"),
        (lambda: mf.PatternSymmetry(2, axes=(np.arange(5), 5)), "run from 0 to 4: subtract the centre"),
        (lambda: mf.PatternSymmetry(2, axes=(np.array([-2.0, 0.0, 9.0]), 5)), "not evenly spaced"),
        (lambda: mf.PatternSymmetry(2).project(np.ones((1, 4))), r"axes=\(ky, kx\)"),
        (lambda: mf.PatternSymmetry(2, axes=(2, 2)).project(np.ones((1, 5))), "has 4 channels and the data have 5"),
    ],
)
def test_errors_say_what_to_do(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_one_channel_dimension_and_abundances_are_refused():
    cube = np.random.default_rng(0).random((4, 4, 9))
    with pytest.raises(ValueError, match="the cube has 1"):
        mf.unmix(cube, 2, endmember_terms=[mf.PatternSymmetry(4)])
    with pytest.raises(UnsupportedCombinationError, match="endmember_terms"):
        mf.unmix(cube, 2, abundance_terms=[mf.PatternSymmetry(4, axes=(4, 4))])


def test_masked_channels_and_weights_of_channels_keep_the_symmetry():
    rng = np.random.default_rng(2)
    cube = xr.DataArray(rng.random((5, 6, 7, 7)), dims=("y", "x", "ky", "kx"), attrs={"channel": ["ky", "kx"]})
    mask = np.ones((7, 7), dtype=bool)
    mask[3, 3:5] = False
    weights = rng.uniform(0.2, 2, (7, 7))
    terms = [mf.PatternSymmetry(4)]
    result = mf.unmix(cube, 2, mask=mask, weights=weights, endmember_terms=terms, random_state=0, max_iter=20)
    for pattern in result.endmembers.values:
        assert np.isnan(pattern[3, 4])
        for turned in (np.rot90(pattern, n) for n in range(1, 4)):
            both = np.isfinite(pattern) & np.isfinite(turned)
            np.testing.assert_allclose(pattern[both], turned[both], rtol=1e-9, atol=1e-12)


def lattice(side, tilt, order):
    """An image of plane waves with a period of 6 pixels, symmetric under 360 / order degrees."""
    y, x = np.mgrid[:side, :side].astype(float)
    angles = np.deg2rad(tilt + 360 / order * np.arange(order // 2))
    return sum(np.cos(2 * np.pi / 6 * (x * np.cos(a) + y * np.sin(a))) for a in angles)


@pytest.mark.parametrize(("order", "noise"), [(4, 3.0), (6, 3.0)])
def test_endmembers_of_a_noisy_image_come_closer_to_the_truth(order, noise):
    """Two grains that are rotated against each other; the truth is the mean pattern of large grains of one kind."""
    rng, step = np.random.default_rng(0), SlidingFFT(size=64, step=32, log=False)
    y, x = np.mgrid[:256, :256]

    def noisy(image):
        return xr.DataArray(image + noise * rng.standard_normal(image.shape), dims=("y", "x"))

    large = [noisy(lattice(512, tilt, order)) for tilt in (4.0, 23.0)]
    truth = [fit_chain(one, [step]).cube.values.reshape(-1, 64 * 64).mean(axis=0) for one in large]
    image = noisy(np.where(x + 0.2 * y < 150, lattice(256, 4.0, order), lattice(256, 23.0, order)))
    angles = {}
    for name, terms in (("plain", []), ("symmetric", [mf.PatternSymmetry(order)])):
        found = mf.unmix(image, 2, preprocess=[step], endmember_terms=terms, random_state=0).endmembers.values
        found = found.reshape(2, -1)
        found = found[mf.selection.match(truth, found)]
        angles[name] = np.diag(mf.selection.spectral_angles(truth, found)).mean()
    assert angles["symmetric"] < 0.95 * angles["plain"]
