"""The package as a whole: light to import, floors in order, nothing forgotten."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import mffnb

PACKAGE = Path(mffnb.__file__).parent

# Imports go downward only: a module may import from its own floor and from those before it.
FLOORS = [
    {"errors", "typing", "agreement", "palette", "knobs", "containers", "threads"},
    {"protocols", "kernels"},
    {"graphs", "matrices"},
    {"misfits", "losses", "measures", "noise", "transforms", "validation", "estimator"},
    {"similarities", "penalties", "constraints"},
    {"weights"},
    {"perspective", "terms"},
    {"problem", "initialization"},
    {"solvers", "gauge", "progress"},
    {"checkpoint"},
    {"selection", "subset_first"},
    {"geometry"},
    {"model", "known", "decomposition", "corners", "bounded"},
    {"latent"},
    {"selection.held_out", "selection.split_half", "selection.restarts"},
    {"presets"},
    {"cube", "io", "stored", "stores", "sparse_pixels"},
    {"layout", "cube_rows", "missing"},
    {"preprocessing"},
    {"parallel"},
    {"result", "keywords"},
    {"labelling", "automatic", "starts"},
    {"selection.lineage", "selection.recommendation"},
    {"selection.scan", "selection.evidence", "selection.scanning", "selection.rank"},
    {"unmixing", "datasets"},
    {"bootstrap"},
    {"plots", "warmup"},
    {"tuning"},
    {"widgets"},
    {"cli", "__main__", "__init__"},
]
# Looking up, on purpose: a type only, or a convenience that is loaded when it is called.
ALLOWED = {
    ("protocols", "graphs"),
    ("result", "plots"),
    ("bootstrap", "plots"),
    ("selection.lineage", "plots"),
    ("selection.scan", "plots"),
    ("selection", "bootstrap"),
}
# What is handed out by name when it is first asked for.
LAZY = {"mffnb/selection/__init__.py", "mffnb/datasets/__init__.py"}


def floor(module: str) -> int:
    return next(number for number, names in enumerate(FLOORS) if module in names)


def placed(parts) -> str:
    """A module that has a floor of its own, or the package that it is in."""
    whole = ".".join(parts[:2])
    return whole if any(whole in names for names in FLOORS) else parts[0]


def imports(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "mffnb":
            parts = node.module.split(".")
            yield from [placed(parts[1:])] if len(parts) > 1 else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("mffnb."))


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_downward(path):
    module = placed(path.relative_to(PACKAGE).with_suffix("").parts)
    if module == "notebooks" or str(path.relative_to(PACKAGE.parent)) in LAZY:
        return
    above = [
        name
        for name in imports(path)
        if name != "__version__" and floor(name) > floor(module) and (module, name) not in ALLOWED
    ]
    assert not above


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
