"""The tool that shows how far each spectrum could turn."""

from __future__ import annotations

import numpy as np
import pytest

import mffnb as mf


@pytest.fixture
def explorer():
    rng = np.random.default_rng(0)
    A = 0.1 + 0.7 * rng.dirichlet(np.ones(3), (8, 9))
    cube = A @ (0.3 + rng.random((3, 20))) + 0.003 * rng.standard_normal((8, 9, 20))
    made = mf.explore(cube, k=3)
    made.wait()
    yield made
    made.close()


def shown(explorer):
    return explorer._fit._tools.values("freedom")


def test_the_page_shows_the_bands_of_the_result(explorer):
    found = explorer.freedom()
    values = shown(explorer)
    np.testing.assert_allclose(values["degrees"], np.ceil(np.rad2deg(found.angle)))
    ends = np.asarray(values["ends"]).reshape(2, 3, 20)
    np.testing.assert_allclose(ends[0], found.lower, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(ends[1], found.upper, rtol=1e-6)
    assert str(found) == values["text"]


def test_it_follows_the_settings_and_the_order(explorer):
    before = explorer.freedom()
    explorer.reorder([2, 0, 1])
    explorer.rename(1, "lignin")
    explorer.controls.set(k=2)
    explorer.wait()
    after = explorer.result.freedom
    assert len(after.angle) == 2 < len(before.angle)
    np.testing.assert_array_equal(shown(explorer)["degrees"], after.in_degrees)
    assert shown(explorer)["numbers"] == explorer.result.endmembers["component"].values.tolist()


def test_it_is_hidden_again(explorer):
    explorer.freedom()
    explorer.freedom(shown=False)
    assert shown(explorer)["shown"] is False
