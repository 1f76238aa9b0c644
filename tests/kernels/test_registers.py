"""LLVM instructions and plain loops compute the same; plain loops are chosen where the instructions cannot be built."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numba
import numpy as np
import pytest
from packaging.requirements import Requirement

from mffnb.kernels import hals, panels, plain_registers, register_choice, registers
from mffnb.kernels.cache import source_key
from mffnb.kernels.plain_registers import LANES

ROOT = Path(__file__).parents[2]
STRIPS = [(6, 1), (12, 4), (6, 8), (1, 32)]  # those of `panels` and of `hals`


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize(("most", "lanes"), STRIPS)
def test_strips_are_the_same_product(most, lanes):
    rng = np.random.default_rng(most * lanes)
    add, plain = registers.strip(most, lanes), plain_registers.strip(most, lanes)

    @numba.njit
    def by_instructions(n, left, first, across, along, right, begin, pitch, steps, out, at, row):
        add(n, left, first, across, along, right, begin, pitch, steps, out, at, row, left, 0, 1)

    for count in range(1, most + 1):
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


@pytest.mark.parametrize("k", range(1, hals.FEW + 1))
def test_descents_are_the_same(k):
    rng = np.random.default_rng(k)
    descend, plain = registers.descent(k), plain_registers.descent(k)

    @numba.njit
    def by_instructions(factor, start, cross, at, ratios, curvature, sweeps):
        return descend(factor, start, cross, at, ratios, curvature, sweeps)

    basis = rng.random((k, k + 5))
    ratios, curvature = hals.slopes(basis @ basis.T)
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


def test_all_strips_of_the_kernels_are_compared():
    made = []
    for module in (hals, panels):
        source = Path(module.__file__).read_text(encoding="utf-8")
        made += [line for line in source.splitlines() if "strip(" in line and line.startswith("_")]
    sizes = {"_SIX": panels._SIX, "_TWELVE": panels._TWELVE, "_FOUR": panels._FOUR, "_EIGHT": panels._EIGHT}
    found = []
    for line in made:
        recorded = {"strip": lambda *shape: found.append(shape), "_WIDE": hals._WIDE} | sizes
        exec(line, recorded)
    assert sorted(found) == sorted(STRIPS)


def test_instructions_are_the_default():
    assert register_choice.chosen() is registers


def test_plain_loops_are_used_where_instructions_cannot_be_built(monkeypatch, caplog):
    def fail():
        raise numba.core.errors.LoweringError("no such instruction")

    monkeypatch.setattr(registers, "build", fail)
    assert register_choice.chosen() is plain_registers
    assert "no such instruction" in caplog.text


def test_a_variable_chooses_plain_loops_with_a_cache_of_their_own():
    code = (
        "from mffnb.kernels import cache, plain_registers, register_choice\n"
        "assert register_choice.strip is plain_registers.strip\n"
        "assert register_choice.descent is plain_registers.descent\n"
        "print(cache.source_key())"
    )
    environment = os.environ | {"MFFNB_PLAIN_KERNELS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() != [source_key()]


def test_the_installed_numba_is_within_the_tested_bounds():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bound = next(r for r in map(Requirement, project["dependencies"]) if r.name == "numba").specifier
    assert {clause.operator for clause in bound} == {">=", "<"}
    assert bound.contains(numba.__version__), (
        f"numba {numba.__version__} is outside of {bound}: run all tests with it, then move the bound in pyproject.toml"
    )
