"""The package as a whole: quick to import, layers in order, no import cycle, every public name documented."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

import mffnb
from mffnb._names import MODULES_OF

PACKAGE = Path(mffnb.__file__).parent

# The wings of the package, bottom first: a wing imports from the lines above its own only (and from itself).
# CONTRIBUTING shows this list.
LAYERS = """
errors typing threads knobs keywords
kernels protocols
graphs constraints matrices registry transforms
penalties similarities geometry cubes plots
io preprocessing problem
solvers datasets identification
component_count estimators parallel
presets unmixing
stability
selection
tuning warmup
widgets cli
"""
LAYER = {wing: number for number, line in enumerate(LAYERS.split("\n")) for wing in line.split()}
ROOT = {"__init__", "__main__", "_names"}


def modules() -> dict[str, Path]:
    """Dotted name and file of every module."""
    files = [path for path in PACKAGE.rglob("*.py") if "notebooks" not in path.relative_to(PACKAGE).parts]
    return {".".join(("mffnb", *path.relative_to(PACKAGE).with_suffix("").parts)): path for path in files}


MODULES = modules()


def imports(path: Path):
    """Modules of the package that a file imports: at the top, deferred, for type checkers, or by a table of names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "mffnb":
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in MODULES or f"{whole}.__init__" in MODULES else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("mffnb."))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("mffnb."):
            yield from [node.value] if node.value in MODULES else []


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_wing_imports_from_lower_layers_only(name):
    wing = name.split(".")[1]
    if wing in ROOT:
        return
    assert wing in LAYER, f"{wing} has no layer: add it to LAYERS"
    for target in imports(MODULES[name]):
        other = target.split(".")[1] if "." in target else ""
        if other in ("", wing):
            continue
        assert LAYER[other] < LAYER[wing], (
            f"{name} (layer {LAYER[wing]}: {wing}) imports {target} (layer {LAYER[other]}: {other}): "
            "a wing imports from lower layers only"
        )


def test_no_module_imports_itself_through_others():
    graph = {}
    for name, path in MODULES.items():
        targets = {one if one in MODULES else f"{one}.__init__" for one in imports(path)}
        graph[name] = {one for one in targets if one in MODULES and one != "mffnb.__init__"}
    graph.pop("mffnb.__init__")
    try:
        list(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        raise AssertionError(f"import cycle: {' -> '.join(error.args[1])}") from None


@pytest.mark.parametrize("page", ["CONTRIBUTING.md"])
def test_pages_show_the_layers(page):
    text = (PACKAGE.parent / page).read_text(encoding="utf-8")
    assert text.split("<!-- layers -->\n```text")[1].split("```")[0] == LAYERS


def test_few_modules_lie_outside_of_a_wing():
    assert len(list(PACKAGE.glob("*.py"))) <= 10
    assert len(set(LAYER.values())) <= 12


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=280
    ).stdout.strip()


def test_importing_the_package_loads_nothing_heavy():
    heavy = [
        "numba",
        "sklearn",
        "xarray",
        "matplotlib",
        "ipywidgets",
        "anywidget",
        "mpi4py",
        "ipyparallel",
        "hyperopt",
        "jupyterlab",
        "rsciio",
        "rdata",
    ]
    loaded = run(f"import mffnb, sys; print([m for m in {heavy!r} if m in sys.modules])")
    assert loaded == "[]"


def test_unmixing_works_without_widgets_mpi_and_extras():
    blocked = [
        "ipywidgets",
        "anywidget",
        "mpi4py",
        "ipyparallel",
        "hyperopt",
        "jupyterlab",
        "rsciio",
        "rdata",
        "pyimzml",
        "IPython",
    ]
    code = f"""
import sys
for name in {blocked!r}:
    sys.modules[name] = None
import mffnb as mf, numpy as np
print(mf.unmix(np.random.default_rng(0).random((4, 5, 9)), 2, random_state=0).outcome.name)
"""
    assert run(code) == "CONVERGED"


def test_every_public_name_resolves_and_is_documented():
    for name in mffnb.__all__:
        value = getattr(mffnb, name)
        assert name == "__version__" or value.__doc__
    with pytest.raises(AttributeError, match="no attribute 'unmixx'"):
        _ = mffnb.unmixx


def test_names_of_mffnb_have_an_example():
    assert not [name for name in MODULES_OF if ">>>" not in (getattr(mffnb, name).__doc__ or "")]
