"""Alignment by label: names and coordinates decide, positions only where one reading is possible."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from mffnb.cubes.align import OTHER, Frame, align, labelled_spectra
from mffnb.cubes.coordinates import matching_order
from mffnb.cubes.functional_axis import evaluate
from mffnb.cubes.masks import aligned_masks

FRAME = Frame(
    {"y": 3, "x": 4},
    {"e": 5},
    {"y": xr.Variable("y", [0.0, 0.5, 1.0]), "e": xr.Variable("e", 1e-9 * np.arange(5), {"units": "m"})},
)
READINGS = [("y", "x"), ("e",), ("y", "x", "e")]


def frame(**sizes):
    names = list(sizes)
    return Frame({name: sizes[name] for name in names[:-1]}, {names[-1]: sizes[names[-1]]}, {})


class TestCoordinates:
    @given(st.permutations(range(6)), st.sampled_from([1e-12, 1.0, 1e9]), st.booleans())
    def test_any_order_is_found(self, order, unit, single):
        own = unit * np.array([0.0, 1.0, 2.5, 3.0, 7.0, 9.0])
        given_ = own[list(order)].astype(np.float32 if single else np.float64)
        found = matching_order(given_, own)
        np.testing.assert_allclose(given_[found], own, rtol=1e-6)

    @pytest.mark.parametrize("unit", [1e-12, 1.0, 1e12])
    def test_the_tolerance_is_a_thousandth_of_the_smallest_step_in_any_unit(self, unit):
        own = unit * np.array([0.0, 1.0, 3.0])
        assert matching_order(own + 0.9e-3 * unit, own) is not None
        assert matching_order(own + 1.1e-3 * unit, own) is None

    def test_rounding_of_the_stored_type_is_no_difference(self):
        own = 1e6 + 0.01 * np.arange(5)  # the steps are smaller than those of float32
        assert matching_order(own.astype(np.float32), own) is not None

    def test_values_that_occur_twice_match_in_their_order_only(self):
        own = np.array([0.0, 1.0, 1.0])
        assert matching_order(own, own) is not None
        assert matching_order(own[::-1], own) is None

    def test_text_dates_and_missing_values(self):
        np.testing.assert_array_equal(matching_order(np.array(["b", "a"]), np.array(["a", "b"])), [1, 0])
        assert matching_order(np.array(["a", "c"]), np.array(["a", "b"])) is None
        days = pd.date_range("2024-01-01", periods=3).values
        np.testing.assert_array_equal(matching_order(days[::-1], days), [2, 1, 0])
        assert matching_order(days + np.timedelta64(1, "h"), days) is None
        own = np.array([np.nan, 0.0, 1.0])
        assert matching_order(own, own) is not None
        assert matching_order(np.array([0.0, np.nan, 2.0]), own) is None


class TestLabels:
    def test_names_decide_where_shapes_cannot(self):
        square = frame(y=4, x=4, e=4)
        values = np.arange(16.0).reshape(4, 4)
        found = align(xr.DataArray(values, dims=("x", "y")), square, "mask", [("y", "x"), ("e",)])
        np.testing.assert_array_equal(found.values, values.T)
        assert align(xr.DataArray(np.ones(4), dims="x"), square, "weights", [("y", "x"), ("e",)]).dims == ("x",)

    def test_reversed_coordinates_are_reordered(self):
        given_ = xr.DataArray(np.arange(12.0).reshape(3, 4), dims=("y", "x"), coords={"y": [1.0, 0.5, 0.0]})
        np.testing.assert_array_equal(align(given_, FRAME, "mask", READINGS).values, given_.values[::-1])

    def test_other_coordinates_are_refused_with_both_values(self):
        given_ = xr.DataArray(np.ones(5), dims="e", coords={"e": 1e-9 * np.arange(5) + 2e-12})
        with pytest.raises(ValueError, match="different coordinates along 'e'"):
            align(given_, FRAME, "weights", READINGS)

    def test_an_unknown_dimension_is_refused_also_if_its_length_fits(self):
        with pytest.raises(ValueError, match="'energy' is no dimension"):
            align(xr.DataArray(np.ones(5), dims="energy"), FRAME, "weights", READINGS)

    @pytest.mark.parametrize("transposed", [False, True])
    def test_index_and_columns_of_a_table_find_their_dimension(self, transposed):
        energy = 1e-9 * np.arange(5)
        table = pd.DataFrame(np.arange(10.0).reshape(2, 5), columns=energy[::-1])
        found = labelled_spectra(table.T if transposed else table, FRAME)
        assert found.dims == (OTHER, "e")
        np.testing.assert_array_equal(found, np.arange(10.0).reshape(2, 5)[:, ::-1])

    def test_a_vector_of_a_table_is_aligned_by_its_index(self):
        series = pd.Series([1.0, 2.0, 3.0], index=[1.0, 0.0, 0.5])
        np.testing.assert_array_equal(align(series, FRAME, "weights", READINGS).values, [2.0, 3.0, 1.0])

    def test_hyperspy_signals_are_aligned_by_their_calibration_and_masks_inverted(self):
        hs = pytest.importorskip("hyperspy.api", reason="the test extra is not installed")
        values = np.zeros((4, 3), bool)
        values[0] = True
        axes = [{"size": 4, "name": "x", "navigate": True}, {"size": 3, "name": "y", "scale": 0.5, "navigate": True}]
        signal = hs.signals.BaseSignal(values, axes=axes)
        with pytest.warns(UserWarning, match="inverted"):
            pixels, channels = aligned_masks(signal, FRAME)
        np.testing.assert_array_equal(pixels, ~values.T)
        assert channels is None


class TestPositions:
    @pytest.mark.parametrize("size", [3, 4])
    def test_the_shape_of_the_pixels_is_unambiguous_also_on_square_maps(self, size):
        mask = np.eye(3, size) > 0
        pixels, _ = aligned_masks(mask, frame(y=3, x=size, e=7))
        np.testing.assert_array_equal(pixels, mask)

    @pytest.mark.parametrize(
        ("shape", "sizes", "names"),
        [
            ((4,), {"x": 4, "e": 4}, r"\(x\) and \(e\)"),
            ((5,), {"y": 3, "x": 5, "e": 5}, r"\(e\) and \(x\)"),
        ],
    )
    def test_two_readings_are_refused_with_both_named(self, shape, sizes, names):
        with pytest.raises(ValueError, match=names):
            aligned_masks(np.ones(shape, bool), frame(**sizes))

    def test_scan_and_detector_of_one_shape_need_names(self):
        both = Frame({"y": 3, "x": 4}, {"qy": 3, "qx": 4}, {})
        with pytest.raises(ValueError, match="fits both"):
            aligned_masks(np.ones((3, 4), bool), both)
        pixels, channels = aligned_masks([np.ones((3, 4), bool), np.eye(3, 4) > 0], both)
        assert pixels.all()
        np.testing.assert_array_equal(channels, np.eye(3, 4) > 0)

    def test_zeros_and_ones_mean_the_same_as_booleans_and_other_numbers_are_refused(self):
        pixels, _ = aligned_masks(np.eye(3, 4).astype(int), FRAME)
        np.testing.assert_array_equal(pixels, np.eye(3, 4) > 0)
        for wrong in (np.full((3, 4), 2), np.full((3, 4), np.nan)):
            with pytest.raises(ValueError, match="booleans"):
                aligned_masks(wrong, FRAME)

    def test_a_list_of_numbers_is_one_mask(self):
        _, channels = aligned_masks([True, False, True, True, True], FRAME)
        np.testing.assert_array_equal(channels, [True, False, True, True, True])


def test_formulas_of_axes_are_evaluated_without_running_code():
    np.testing.assert_allclose(evaluate("a*sqrt(x)-2**b", {"x": np.array([1.0, 4.0]), "a": 3, "b": 1}), [1.0, 4.0])
    for formula in ("__import__('os')", "x.shape", "lambda: 1", "x if x else 1", "y", "x +"):
        with pytest.raises(ValueError, match="cannot be evaluated"):
            evaluate(formula, {"x": 1.0})
