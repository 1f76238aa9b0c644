"""The package's front door: light to import, and its functions stay functions."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

import mffnb.datasets


def _run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_importing_the_package_loads_no_data_set():
    code = "import mffnb.datasets, sys; print([m for m in sys.modules if m.startswith('mffnb.datasets.')])"
    assert _run(code) == "[]"
    code = "import mffnb, sys; old = set(sys.modules); import mffnb.datasets; print(set(sys.modules) - old)"
    assert _run(code) in ("{'mffnb.datasets'}", "set()")  # empty where mffnb itself has imported it


def test_no_module_bears_the_name_of_a_public_function():
    modules = {module.name for module in pkgutil.iter_modules(mffnb.datasets.__path__)}
    assert modules  # the check below would pass on an empty set
    assert not modules & set(mffnb.datasets.__all__)


@pytest.mark.parametrize(
    "imports",
    [
        "import mffnb.datasets.poplar_wood, mffnb.datasets.cartilage, mffnb.datasets.tof_sims",
        pytest.param(
            "from mffnb.datasets import tof_sims_2d, chondro, poplar; import mffnb.datasets.poplar_wood",
            marks=pytest.mark.slow,
        ),
        pytest.param("import mffnb.datasets", marks=pytest.mark.slow),
    ],
)
def test_functions_win_whatever_the_order_of_imports(imports):
    code = f"{imports}\nimport mffnb.datasets as d\nprint(all(callable(getattr(d, name)) for name in d.__all__))"
    assert _run(code) == "True"


def test_every_public_name_is_listed_and_loads():
    assert set(mffnb.datasets.__all__) <= set(dir(mffnb.datasets))
    for name in mffnb.datasets.__all__:
        assert getattr(mffnb.datasets, name).__name__ == name


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'toffee'"):
        _ = mffnb.datasets.toffee
