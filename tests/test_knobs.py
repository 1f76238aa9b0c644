"""Knobs describe sliders; they change nothing about the part itself."""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import pairwise

import pytest

from mffnb import MinimumVolume, Smoothness, Sparsity
from mffnb.knobs import knob, knobs
from mffnb.widgets.controls.elements import slider_steps


@dataclass(frozen=True)
class Part:
    plain: float = 1.0
    strength: float = knob(0.5, low=-2.0, high=2.0, zero=False)
    order: int = knob(2, label="degree", low=1, high=4, zero=False, help="of the polynomial")


@pytest.mark.parametrize("part", [Sparsity, Smoothness, MinimumVolume])
def test_each_penalty_has_a_knob_for_its_weight_that_holds_its_default(part):
    (one,) = knobs(part)
    assert one.name == "weight"
    assert one.low <= part().weight <= one.high
    assert one.value == part().weight == 1e-3
    assert part(0.25).weight == knobs(part(0.25))[0].value == 0.25


def test_knobs_come_in_the_order_of_the_fields_and_only_where_described():
    assert [one.name for one in knobs(Part)] == ["strength", "order"]
    assert [one.label for one in knobs(Part(strength=1.5))] == ["strength", "degree"]
    assert knobs(Part(strength=1.5))[0].value == 1.5
    assert [one.default for one in fields(Part)] == [1.0, 0.5, 2]
    assert knobs(3.0) == []


def test_steps_reach_both_ends_and_start_at_zero_where_that_is_off():
    strength, order = knobs(Part)
    assert (min(slider_steps(strength)), max(slider_steps(strength))) == (-2.0, 2.0)
    assert slider_steps(order) == [1, 2, 3, 4]
    (volume,) = knobs(MinimumVolume)
    steps = slider_steps(volume)
    assert (steps[0], steps[1], steps[-1]) == (0.0, volume.low, volume.high)
    assert all(b - a > 0 for a, b in pairwise(steps))


@pytest.mark.parametrize("ends", [{"low": 1.0, "high": 1.0}, {"low": 0.0, "high": 1.0, "log": True}])
def test_ends_that_make_no_slider_are_refused(ends):
    with pytest.raises(ValueError, match="a knob needs low < high"):
        knob(1.0, **ends)
