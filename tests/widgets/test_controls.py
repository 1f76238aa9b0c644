"""Controls of the explorer: sliders, menus and their disabled states."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from mffnb.knobs import Knob
from mffnb.similarities import KullbackLeibler
from mffnb.widgets.controls.controls import Controls
from mffnb.widgets.controls.elements import knob_slider
from mffnb.widgets.session.parameters import Parameters


def test_log_slider_has_zero_and_evenly_spaced_steps():
    slider = knob_slider(Knob("weight", 0.1, "x", 1e-3, 1.0, log=True), 0.0)
    values = [value for _, value in slider.options]
    assert values[0] == 0.0
    assert slider.options[0][0] == "0"
    ratios = np.array(values[2:]) / values[1:-1]
    assert min(ratios) > 1.5
    assert max(ratios) < 1.7
    assert (values[1], values[-1]) == (1e-3, 1.0)


def test_initial_value_between_two_steps_is_kept():
    controls = Controls(Parameters(3, 0.0123, 3.3), max_components=8)
    assert controls.parameters == Parameters(3, 0.0123, 3.3)


def test_set_rounds_to_the_nearest_step_and_checks_names():
    controls = Controls(Parameters(), max_components=8)
    seen = []
    controls.on_change(lambda: seen.append(controls.parameters))
    controls.set(k=5, sparsity=0.0101)
    assert controls.parameters == Parameters(5, 0.01, 0.0)
    assert seen == [Parameters(5, 0.01, 0.0)]  # one callback for all values
    with pytest.raises(TypeError, match="no control 'spasity'"):
        controls.set(spasity=1)


def test_k_beyond_the_maximum_extends_the_slider():
    assert Controls(Parameters(k=20), max_components=12).k.max == 20


def test_set_with_invalid_values_raises_an_error_and_changes_nothing():
    controls = Controls(Parameters(), max_components=8)
    for values in ({"k": 0}, {"k": 9}, {"k": 2.5}, {"sparsity": -1.0}, {"k": 5, "smoothness": np.inf}):
        with pytest.raises(ValueError, match=r"must be|beyond the slider"):
            controls.set(**values)
    assert controls.parameters == Parameters()


def test_controls_without_effect_are_disabled_with_a_reason():
    controls = Controls(Parameters(), max_components=8)
    assert (controls.sparsity.disabled, controls.volume.disabled) == (False, True)
    assert "Choose fractions first" in controls.volume.tooltip
    controls.set(sum_to_one=True, volume=1e-3, sparsity=0.1)
    assert (controls.sparsity.disabled, controls.volume.disabled) == (True, False)
    assert "L1 norm" in controls.sparsity.tooltip
    assert controls.volume.tooltip == controls.volume.purpose
    assert controls.parameters == Parameters(volume=1e-3, sum_to_one=True)
    controls.set(volume="auto")
    assert controls.volume.disabled
    assert controls.parameters.volume == "auto"
    controls.set(volume=0.01)
    assert controls.parameters.volume == 0.01
    moves = []
    controls.on_change(lambda: moves.append(controls.parameters))
    controls.auto.value = True
    controls.auto.value = False
    assert moves == [Parameters(volume="auto", sum_to_one=True), Parameters(volume=0.01, sum_to_one=True)]


def test_sum_to_one_and_gain_exclude_each_other():
    controls = Controls(Parameters(gain=True), max_components=8)
    controls.set(sum_to_one=True)
    assert (controls.parameters.sum_to_one, controls.parameters.gain) == (True, False)
    controls.set(gain=True)
    assert (controls.parameters.sum_to_one, controls.parameters.gain) == (False, True)
    controls.set(gain=False)
    assert not controls.parameters.fractions


def test_k_is_at_least_the_number_of_known_endmembers():
    controls = Controls(Parameters(k=3), max_components=8, min_components=2)
    with pytest.raises(ValueError, match="k=1 is beyond the slider: 2 are known"):
        controls.set(k=1)
    with pytest.raises(ValueError, match="4 endmembers are known and k is 3"):
        Controls(Parameters(k=3), max_components=8, min_components=4)


def test_similarity_object_appears_in_the_menu():
    mine = KullbackLeibler()
    controls = Controls(Parameters(similarity=mine), max_components=8)
    assert controls.parameters.similarity is mine
    controls.set(similarity="kl")
    assert controls.parameters.similarity == "kl"
    with pytest.raises(ValueError, match="not in the menu"):
        controls.set(similarity="beta")


def test_parameters_can_be_pickled_and_copied():
    parameters = Parameters(k=3, sparsity=0.1)
    assert pickle.loads(pickle.dumps(parameters)) == copy.deepcopy(parameters) == parameters
    assert Parameters().own == {}
