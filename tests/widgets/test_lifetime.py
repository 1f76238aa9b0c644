"""Lifetime of widgets: dropped ones are freed at once, displayed ones stay until their cell runs again."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
import weakref
from types import SimpleNamespace

import ipywidgets
import numpy as np
import pytest
from ipywidgets.widgets import widget as table_of_widgets

import mffnb as mf
from mffnb.widgets import lifetime
from mffnb.widgets.boards.picture import Picture
from mffnb.widgets.controls.controls import Controls
from mffnb.widgets.live_view.live_view import LiveView
from mffnb.widgets.session.parameters import Parameters

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")
ENDLESS = {"tol": 0.0, "max_iter": 10**7}


@pytest.fixture
def no_collection():
    """Switch the garbage collector off: what is freed then is held by no cycle, so its memory is freed at once."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    gc.collect()


def dead(references, seconds=20.0):
    """Wait until the objects are freed; the worker thread may hold them until its next step."""
    end = time.monotonic() + seconds
    while any(reference() is not None for reference in references) and time.monotonic() < end:
        time.sleep(0.01)
    return [reference() is None for reference in references]


def explorer(cube, finished):
    made = mf.explore(cube, k=3, **({} if finished else ENDLESS))
    _ = made.wait(60) if finished else made.result
    return made, [made, made.session, made.session.matrix, made.view, made.controls]


def rank_explorer(cube, finished):
    made = mf.RankExplorer(cube, range(2, 4) if finished else range(2, 9), n_init=2, splits=2, random_state=0)
    if finished:
        made.wait(60)
    return made, [made, made.view, made.criteria, made.tree]


def tuning_monitor(cube, finished):
    space, objective = {"sparsity": (1e-3, 1.0)}, mf.tuning.BIC()
    made = mf.TuningMonitor(cube, space, objective, k=2, algorithm="grid", max_evals=2 if finished else 400)
    if finished:
        made.wait(60)
    return made, [made, made.view, made.picture]


def threads_left(before, seconds=20.0):
    """Threads of the package that are still alive after a while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        left = {thread for thread in threading.enumerate() if thread.name.startswith("mffnb")} - before
        if not left:
            break
        time.sleep(0.01)
    return left


@pytest.mark.parametrize("finished", [True, False])
def test_a_dropped_explorer_is_freed_at_once_and_its_thread_ends(cube, finished, no_collection):
    before = set(threading.enumerate())
    made, parts = explorer(cube, finished)
    references = [weakref.ref(part) for part in parts]
    del made, parts
    assert all(dead(references))
    assert not threads_left(before)


@pytest.fixture(scope="module")
def imported():
    """Imports leave exceptions in cycles, with the frames of whatever causes them: let this be no test."""
    small = np.random.default_rng(0).random((6, 8, 12))
    for make in (rank_explorer, tuning_monitor):
        made, _ = make(small, True)
        made.close()


@pytest.mark.parametrize(
    ("make", "finished"),
    [
        pytest.param(rank_explorer, True, marks=pytest.mark.slow),
        (rank_explorer, False),
        (tuning_monitor, True),
        (tuning_monitor, False),
    ],
)
def test_a_dropped_search_is_freed_at_once_and_its_threads_end(cube, make, finished, imported, no_collection):
    before = set(threading.enumerate())
    made, parts = make(cube, finished)
    if not finished:
        while not made.view.encoded:  # it has drawn figures
            time.sleep(0.01)
    references = [weakref.ref(part) for part in parts]
    del made, parts
    assert all(dead(references))  # a running search ends at its next step, and not with its last one
    assert not threads_left(before)


@pytest.mark.parametrize(
    "make", [LiveView, lambda: Picture(lambda: None, "point"), lambda: Controls(Parameters(2), max_components=4)]
)
def test_a_dropped_part_is_freed_at_once(make, no_collection):
    reference = weakref.ref(make())
    assert reference() is None


def test_no_entry_is_left_in_the_table_of_widgets(cube):
    gc.collect()
    before = set(table_of_widgets._instances)
    made, _ = explorer(cube, True)
    assert len(set(table_of_widgets._instances) - before) > 20
    del made, _
    gc.collect()  # buttons of ipywidgets are in cycles
    assert set(table_of_widgets._instances) <= before


def test_the_table_restores_a_reloaded_page(cube):
    """A page that is loaded again asks for the state of all widgets in the table."""
    made, _ = explorer(cube, True)
    state = ipywidgets.Widget.get_manager_state()["state"]
    children = {child.model_id for child in made.children}
    assert children < set(state)
    assert state[made.model_id]["state"]["children"] == [f"IPY_MODEL_{child.model_id}" for child in made.children]
    made.close()


def test_controls_and_view_in_a_container_go_on_without_the_explorer(cube):
    made, _ = explorer(cube, True)
    box = ipywidgets.HBox([made.controls, made.view])
    del made, _
    controls, view = box.children
    before = view.encoded["header"]["generation"]
    controls.set(k=2)
    end = time.monotonic() + 60
    while view.encoded["header"]["generation"] == before and time.monotonic() < end:
        time.sleep(0.01)
    assert view.encoded["header"]["parameters"]["k"] == 2
    box.close()


class Shell:
    """The part of IPython in a kernel that the display of a widget uses."""

    def __init__(self):
        self.hooks = []
        self.events = SimpleNamespace(
            callbacks={"pre_run_cell": self.hooks}, register=lambda name, hook: self.hooks.append(hook)
        )
        self.user_ns, self.user_ns_hidden = {"_oh": {}}, {}
        self.displayhook = SimpleNamespace(_="", __="", ___="")
        self.cell = None

    def get_parent(self):
        return {"metadata": {} if self.cell is None else {"cellId": self.cell}}

    def run(self, cell, output=None):
        """Run a cell whose last expression is a widget, as IPython does."""
        self.cell = cell
        for hook in self.hooks:
            hook(SimpleNamespace(cell_id=cell))
        if output is None:
            return
        output._repr_mimebundle_()
        number = len(self.user_ns["_oh"]) + 1
        self.user_ns["_oh"][number] = self.user_ns[f"_{number}"] = self.user_ns["_"] = output
        self.displayhook._ = self.user_ns_hidden["_"] = output


@pytest.fixture
def shell(monkeypatch, no_collection):
    made = Shell()
    monkeypatch.setattr(lifetime, "get_ipython", lambda: made)
    yield made
    for held in list(lifetime._HELD.values()):
        held.widget.close()


def displayed(shell, cell):
    view = LiveView()
    shell.run(cell, view)
    return weakref.ref(view)


def test_a_displayed_widget_stays_until_its_cell_runs_again(shell):
    first, other = displayed(shell, "a"), displayed(shell, "b")
    shell.run("c")
    assert None not in (first(), other())
    shell.run("a")
    assert first() is None
    assert other() is not None
    assert 1 not in shell.user_ns["_oh"]
    assert 2 in shell.user_ns["_oh"]


def test_a_widget_stays_while_a_view_of_it_is_left(shell):
    """The output of a cell may be in an output widget, which keeps the view when the cell runs again."""
    reference = displayed(shell, "a")
    reference().set_state({"_view_count": 1})
    shell.run("a")
    assert reference() is not None
    reference().set_state({"_view_count": 0})
    assert reference() is None


def test_a_page_that_is_loaded_again_starts_to_count_views_anew(shell):
    reference = displayed(shell, "a")
    reference().set_state({"_view_count": 1})
    assert reference().get_state()["_view_count"] == 1  # the new page asks for all traits
    reference().set_state({"_view_count": 2})
    shell.run("a")
    assert reference() is not None
    reference().set_state({"_view_count": 1})
    assert reference() is None


def test_a_widget_that_two_cells_show_stays_until_both_run_again(shell):
    reference = displayed(shell, "a")
    shell.run("b", reference())
    shell.run("a")
    assert reference() is not None
    shell.run("b")
    assert reference() is None


def test_views_that_are_closed_with_their_notebook_do_not_release_the_widget(shell):
    reference = displayed(shell, "a")
    reference().set_state({"_view_count": 1})
    reference().set_state({"_view_count": 0})
    assert reference() is not None  # the notebook may be opened again


def test_without_cell_identifiers_a_widget_stays_until_it_is_closed(shell):
    reference = displayed(shell, None)
    shell.run(None)
    assert reference() is not None
    reference().close()
    assert not lifetime._HELD


@pytest.mark.slow
def test_memory_of_dropped_explorers_is_freed():
    """Six explorers of 48 MB each, one after the other; the garbage collector does not run."""
    code = """
import gc
import numpy as np
import mffnb as mf

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6

cube = np.random.default_rng(0).random((64, 64, 1500))
sizes = []
for _ in range(6):
    explorer = mf.explore(cube.copy(), k=2, max_iter=3)
    explorer.wait(120)
    gc.disable()
    del explorer
    sizes.append(resident())
print(max(sizes[1:]) - sizes[0])
"""
    command = [sys.executable, "-W", "ignore", "-c", code]
    grown = float(subprocess.run(command, check=True, capture_output=True, text=True, timeout=280).stdout)
    assert grown < 80  # two copies would be 98
