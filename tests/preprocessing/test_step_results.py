"""A user's step that returns something invalid is named, with what it returned and what was expected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.preprocessing import Fitted, Step, UnitSum

CUBE = xr.DataArray(np.random.default_rng(0).random((4, 5, 8)) + 0.1, dims=("y", "x", "e"))
WRONG = {
    "fit": (lambda found: None, "None"),
    "transform": (lambda found: found.values, "an object of type ndarray"),
    "inverse": (lambda found: None, "None"),
    "endmembers": (lambda found: found.astype(str), "a DataArray of <U"),
    "abundances": (lambda found: found.isel(x=0), r"a DataArray of float64 with the dimensions \('component', 'y'\)"),
}


@dataclass(frozen=True)
class Halving(Step, Fitted):
    """Divide by two; the method ``wrong`` returns something invalid."""

    wrong: str = ""

    def fit(self, cube, channel):
        return self._changed("fit", self)

    def transform(self, cube):
        return self._changed("transform", cube / 2)

    def inverse(self, cube):
        return self._changed("inverse", 2 * cube)

    def endmembers(self, endmembers):
        return self._changed("endmembers", 2 * endmembers)

    def abundances(self, abundances):
        return self._changed("abundances", abundances)

    def _changed(self, method, found):
        return WRONG[method][0](found) if method == self.wrong else found


def unmix(step):
    return mf.unmix(CUBE, 2, preprocess=[step], random_state=0).reconstruction()


def test_a_valid_step_of_the_user_is_undone():
    expected = mf.unmix(CUBE, 2, random_state=0).reconstruction()
    np.testing.assert_allclose(unmix(Halving()), expected, rtol=1e-8)


@pytest.mark.parametrize("method", WRONG)
def test_an_invalid_result_is_named(method):
    with pytest.raises(ValueError, match=rf"Halving\.{method} returned {WRONG[method][1]}.*correct this method"):
        unmix(Halving(method))


@pytest.mark.parametrize("call", [mf.unmix, lambda cube, k, **options: mf.explore(cube, k=k, **options)])
@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (["crop"], "'crop' is not a preprocessing step"),
        ([UnitSum], "is not a preprocessing step: pass objects"),
        (UnitSum(), r"steps come in a list, a single one as well, such as \[UnitSum\(\)\]"),
        ([mf.MatrixFactorization(2)], "MatrixFactorization lacks takes_image.*derive it from mffnb.preprocessing.Step"),
    ],
)
def test_what_is_no_list_of_steps_is_refused(call, steps, message):
    with pytest.raises(TypeError, match=message):
        call(CUBE, 2, preprocess=steps)
