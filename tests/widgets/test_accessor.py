"""The accessor ``cube.mffnb`` of xarray."""

from __future__ import annotations

import subprocess
import sys

import pytest
import xarray as xr

import mffnb as mf


def test_the_methods_are_those_of_the_package(cube):
    result = cube.mffnb.unmix(2, random_state=0)
    xr.testing.assert_identical(result.endmembers, mf.unmix(cube, 2, random_state=0).endmembers)
    explorer = cube.mffnb.explore(k=2)
    explorer.wait()
    assert len(explorer.result.endmembers) == 2
    explorer.close()


@pytest.mark.parametrize("code", ["import xarray; import mffnb", "import mffnb; mffnb.read; import xarray"])
def test_it_is_registered_after_the_import_or_the_first_use(code):
    text = f"{code}; print(type(xarray.DataArray([1]).mffnb).__name__)"
    assert subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True).stdout.strip() == (
        "CubeAccessor"
    )
