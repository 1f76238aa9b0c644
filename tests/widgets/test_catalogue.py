"""Catalogue of the terms in the menu of the explorer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import ModuleType
from typing import ClassVar

import numpy as np
import pytest

import mffnb as mf
from mffnb import constraints, penalties
from mffnb.knobs import knob, knobs
from mffnb.protocols import TermTraits
from mffnb.widgets.controls.controls import Controls
from mffnb.widgets.session.catalogue import catalogue
from mffnb.widgets.session.parameters import OwnTerms, Parameters


@dataclass(frozen=True)
class Mine:
    """A user-defined term: :math:`x`."""

    traits: ClassVar[TermTraits] = replace(mf.Ridge.traits, abundance_label="mine", endmember_label="mine too")
    strength: float = knob(0.5, low=0.1, high=1.0)

    def fold(self, half):
        return half


def test_every_term_with_a_knob_is_in_the_menu_or_has_a_control():
    classes = {getattr(module, name) for module in (penalties, constraints) for name in module.__all__}
    always = {mf.Sparsity, mf.Smoothness, mf.MinimumVolume}
    offered = {type(offer.term) for offer in catalogue()}
    assert {part for part in classes if knobs(part)} <= offered | always
    assert {"Unimodal", "Orthogonal"} <= {part.__name__ for part in offered}
    assert all(offer.purpose for offer in catalogue())


def test_new_class_appears_in_the_catalogue():
    module = ModuleType("mine")
    module.Mine = Mine
    menu = catalogue(module)
    assert [(one.label, one.factor) for one in menu] == [("mine", "abundances"), ("mine too", "endmembers")]
    own = OwnTerms(menu=menu)
    assert [one.name for one in own.menu_knobs] == ["strength", "strength_2"]
    assert own.with_values({}).abundance_terms == ()
    assert own.with_values({"strength": 0.2}).abundance_terms == (Mine(0.2),)
    assert own.with_values({"strength_2": 0.2}).endmember_terms == (Mine(0.2),)
    assert own.with_values({"strength": 0}).abundance_terms == ()


@pytest.fixture
def controls():
    return Controls(Parameters(), max_components=8, menu_knobs=OwnTerms(menu=catalogue()).menu_knobs_by_label)


def test_menu_adds_and_removes_the_sliders_of_a_term(controls):
    seen = []
    controls.on_change(lambda: seen.append(dict(controls.parameters.own)))
    shown = len(controls._model.children)
    controls.add.value = "total variation"
    assert controls.add.value == ""
    assert controls.parameters.own == {"total_variation": 1e-3}
    assert len(controls._model.children) == shown + 1
    assert [words for words, label in controls.add.options if label == "total variation"] != ["total variation"]
    controls.add.value = "total variation"
    assert controls.parameters.own == {}
    assert len(controls._model.children) == shown
    assert seen == [{"total_variation": 1e-3}, {}]


def test_set_adds_the_terms_of_named_knobs(controls):
    controls.set(ridge=0.1, one_peak=1)
    assert controls.parameters.own == {"ridge": 0.1, "one_peak": 1}
    controls.set(ridge=0.01)
    assert controls.parameters.own == {"ridge": 0.01, "one_peak": 1}
    with pytest.raises(TypeError, match="no control 'rigde'"):
        controls.set(rigde=1)


def test_explorer_fits_with_an_added_term():
    cube = mf.datasets.tof_sims_2d(seed=0, shape=(12, 16)).cube
    explorer = mf.explore(cube, k=3)
    explorer.wait()
    free = explorer.result
    explorer.controls.set(total_variation=0.1)
    explorer.wait()
    calm = explorer.result

    def steps(result):
        return float(np.abs(result.abundances.diff("x")).sum() + np.abs(result.abundances.diff("y")).sum())

    assert steps(calm) < 0.8 * steps(free)
    assert "TotalVariation" in calm.parameters["terms"][0]
    explorer.controls.add.value = "total variation"
    explorer.controls.set(one_peak=1)
    explorer.wait()
    assert explorer.result.parameters["terms"] == ["Unimodal()"]
    explorer.close()


def test_term_receives_the_pixel_graph_of_the_map():
    cube = mf.datasets.tof_sims_2d(seed=0, shape=(12, 16)).cube
    result = mf.unmix(cube, 3, abundance_terms=[mf.TotalVariation(0.1)], random_state=0)
    with_graph = mf.TotalVariation(0.1, mf.graphs.grid((12, 16)))
    np.testing.assert_array_equal(
        result.abundances, mf.unmix(cube, 3, abundance_terms=[with_graph], random_state=0).abundances
    )
