from __future__ import annotations

import numpy as np
import pytest

from mffnb.knobs import Knob
from mffnb.widgets.controls import Controls
from mffnb.widgets.parameters import Parameters
from mffnb.widgets.pieces import knob_slider


def test_log_slider_has_an_exact_zero_and_even_steps():
    slider = knob_slider(Knob("weight", 0.1, "x", 1e-3, 1.0, log=True), 0.0)
    values = [value for _, value in slider.options]
    assert values[0] == 0.0
    assert slider.options[0][0] == "0"
    ratios = np.array(values[2:]) / values[1:-1]
    assert min(ratios) > 1.5
    assert max(ratios) < 1.7
    assert (values[1], values[-1]) == (1e-3, 1.0)


def test_a_start_between_two_steps_is_kept_exactly():
    controls = Controls(Parameters(3, 0.0123, 3.3), max_components=8)
    assert controls.parameters == Parameters(3, 0.0123, 3.3)


def test_set_moves_to_the_nearest_step_and_knows_its_names():
    controls = Controls(Parameters(), max_components=8)
    seen = []
    controls.on_change(lambda: seen.append(controls.parameters))
    controls.set(k=5, sparsity=0.0101)
    assert controls.parameters == Parameters(5, 0.01, 0.0)
    assert seen == [Parameters(5, 0.01, 0.0)]  # one run for all that was set
    with pytest.raises(TypeError, match="no control 'spasity'"):
        controls.set(spasity=1)


def test_k_larger_than_the_slider_widens_it():
    assert Controls(Parameters(k=20), max_components=12).k.max == 20


def test_set_refuses_what_cannot_be_and_then_moves_nothing():
    controls = Controls(Parameters(), max_components=8)
    for values in ({"k": 0}, {"k": 9}, {"k": 2.5}, {"sparsity": -1.0}, {"k": 5, "smoothness": np.inf}):
        with pytest.raises(ValueError, match=r"must be|beyond the slider"):
            controls.set(**values)
    assert controls.parameters == Parameters()
