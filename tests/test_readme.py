"""The example of a penalty in CONTRIBUTING.md is run as it stands; the README holds the commands that are run elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from mffnb.protocols.half import Half
from mffnb.protocols.terms import Penalty

ROOT = Path(__file__).parents[1]


def test_a_penalty_of_ones_own():
    section = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Architecture")[1].split("\n## ")[0]
    (example,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    names = {"__name__": "__main__"}  # dataclasses look their module up
    exec(example, names)
    assert names["A"].shape == (60, 3)
    assert (names["A"] >= 0).all()
    # What is folded in must be what is added to the objective.
    rng = np.random.default_rng(1)
    basis, cross, factor = rng.random((3, 5)), rng.random((3, 7)), rng.random((3, 7))
    half, penalty = Half(basis @ basis.T, cross), names["SharedOut"](0.3)
    assert isinstance(penalty, Penalty)
    assert penalty.fold(half).value(factor) == pytest.approx(half.value(factor) + penalty.value(factor), rel=1e-12)


def test_links_of_the_readme_lead_to_files():
    links = re.findall(r"\]\(([^)#]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(links) > 10
    assert [link for link in links if not (ROOT / link).exists()] == []
