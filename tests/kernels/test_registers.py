"""LLVM instructions and plain loops give equal results; plain loops replace instructions that cannot be built."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numba
import numpy as np
import pytest
from packaging.requirements import Requirement

from mffnb.kernels import panels, plain_registers, register_choice, registers, uncoupled_sweeps
from mffnb.kernels.cache import source_key
from mffnb.kernels.plain_registers import LANES

ROOT = Path(__file__).parents[2]
HEIGHTS = panels._ANY_HEIGHT, panels._FEW_HEIGHTS
STRIPS = [*((HEIGHTS[0], lanes) for lanes in (1, 4, 8)), (HEIGHTS[1], 4), ((1,), 32)]


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize(("heights", "lanes"), STRIPS)
def test_strips_are_the_same_product(heights, lanes):
    most = max(heights)
    rng = np.random.default_rng(most * lanes)
    add, plain = registers.strip_product(heights, lanes), plain_registers.strip_product(heights, lanes)

    @numba.njit
    def by_instructions(n, left, first, across, along, right, begin, pitch, steps, out, at, row):
        add(n, left, first, across, along, right, begin, pitch, steps, out, at, row, left, 0, 1)

    for count in heights:
        for steps in (0, 1, 7, 40):
            left, right = rng.standard_normal((most, 50)), rng.standard_normal((40, lanes + 3))
            out = rng.standard_normal((most + 1, lanes + 2))
            # Rows of `left` by columns of `right` that begin at an offset; a part of `out` is added to.
            where = count, left, 5, 50, 1, right, 2, lanes + 3, steps
            expected, looped = out.copy(), out.copy()
            expected[:count, 1 : 1 + lanes] += left[:count, 5 : 5 + steps] @ right[:steps, 2 : 2 + lanes]
            by_instructions(*where, out, 1, lanes + 2)
            plain(*where, looped, 1, lanes + 2, left, 0, 1)
            close(out, expected)
            close(looped, expected)


@pytest.mark.parametrize("k", range(1, uncoupled_sweeps.MAX_REGISTER_COMPONENTS + 1))
def test_descents_are_the_same(k):
    rng = np.random.default_rng(k)
    descend, plain = registers.register_descent(k), plain_registers.register_descent(k)

    @numba.njit
    def by_instructions(factor, start, cross, at, ratios, curvature, sweeps):
        return descend(factor, start, cross, at, ratios, curvature, sweeps)

    basis = rng.random((k, k + 5))
    ratios, curvature = uncoupled_sweeps.gram_ratios(basis @ basis.T)
    cross = basis @ rng.standard_normal((k + 5, 2 * LANES))
    cross[0, 3] = np.nan
    for sweeps in (1, 2, 9):
        start = rng.random((k, 3 * LANES))
        factors = start.copy(), start.copy()
        moved = [
            run(factor, 5, cross, 2, ratios, curvature, sweeps)
            for run, factor in zip((by_instructions, plain), factors, strict=True)
        ]
        close(*factors)
        assert (factors[0][:, 5 : 5 + LANES] == 0).any()
        assert moved[0] == pytest.approx(moved[1], rel=1e-12)


def test_all_strips_of_the_kernels_are_compared(monkeypatch):
    """Modules are executed once more, to see which strips they generate."""
    generated = []
    for module in (panels, uncoupled_sweeps):
        spec = importlib.util.find_spec(module.__name__)
        monkeypatch.setattr(register_choice, "strip_product", lambda *shape: generated.append(shape))
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    assert {(tuple(heights), lanes) for heights, lanes in generated} == set(STRIPS)


def test_instructions_are_the_default():
    assert register_choice.select_registers() is registers


def test_plain_loops_are_used_where_instructions_cannot_be_built(monkeypatch, caplog):
    def fail():
        raise numba.core.errors.LoweringError("no such instruction")

    monkeypatch.setattr(registers, "build", fail)
    assert register_choice.select_registers() is registers  # the installed version is a tested one
    assert caplog.text == ""
    monkeypatch.setattr(registers, "TESTED_VERSIONS", ((0, 1), (0, 2)))
    assert register_choice.select_registers() is plain_registers
    assert "no such instruction" in caplog.text


def test_a_variable_selects_plain_loops_with_a_cache_of_their_own():
    code = (
        "from mffnb.kernels import cache, plain_registers, register_choice\n"
        "assert register_choice.strip_product is plain_registers.strip_product\n"
        "assert register_choice.register_descent is plain_registers.register_descent\n"
        "print(cache.source_key())"
    )
    environment = os.environ | {"MFFNB_PLAIN_KERNELS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() != [source_key()]


def run_kernels(file):
    """Save what the kernels that use registers compute: few components in registers, more of them in blocks."""
    rng = np.random.default_rng(0)
    results = {}
    for k, columns in ((3, 37), (7, 50), (14, 21)):
        X, basis, factor = rng.random((101, columns)), rng.random((k, columns)), rng.random((k, 101))
        product, square = np.zeros((k, columns)), np.zeros((k, k))
        shift, gram = -rng.random(k), basis @ basis.T
        moved = panels.fused_descent(X, basis, shift, gram, 3, factor, 0, product, square)
        results |= {f"{name} {k}": value for name, value in zip("mfps", (moved, factor, product, square), strict=True)}
    np.savez(file, **results)


@pytest.mark.slow
@pytest.mark.timeout(1200)  # may compile all kernels that use registers twice
def test_a_whole_kernel_gives_equal_results_with_plain_loops(tmp_path):
    code = (
        "import sys\n"
        "from tests.kernels.test_registers import register_choice, plain_registers, run_kernels\n"
        "assert register_choice.strip_product is plain_registers.strip_product\n"
        "run_kernels(sys.argv[1])"
    )
    environment = os.environ | {"MFFNB_PLAIN_KERNELS": "1", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "plain.npz")], cwd=ROOT, env=environment, check=True)
    run_kernels(tmp_path / "instructions.npz")
    with np.load(tmp_path / "plain.npz") as plain, np.load(tmp_path / "instructions.npz") as instructions:
        assert len(plain.files) == 12
        for name in plain.files:
            close(plain[name], instructions[name])


def test_the_instructions_of_the_installed_numba_can_be_built():
    registers.build()


def test_the_installed_numba_is_within_the_tested_bounds():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bound = next(r for r in map(Requirement, project["dependencies"]) if r.name == "numba").specifier
    assert {clause.operator: clause.version for clause in bound} == {
        operator: ".".join(map(str, version))
        for operator, version in zip((">=", "<"), registers.TESTED_VERSIONS, strict=True)
    }
    assert bound.contains(numba.__version__), (
        f"numba {numba.__version__} is outside of {bound}: run all tests with it, then move the bound in pyproject.toml"
    )
