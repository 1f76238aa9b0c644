"""Static pictures of widgets: what a notebook receives, without a browser."""

from __future__ import annotations

import base64
import io
import threading
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

import mffnb as mf
from mffnb.tuning import BIC
from mffnb.widgets import static_picture
from mffnb.widgets.static_picture import StaticPicture, mark

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")


class Shell:
    """The part of IPython in a notebook that a static picture uses."""

    def __init__(self):
        self.display_pub = self
        self.sent = []
        self.arrived = threading.Condition()

    def has_trait(self, name):
        return name == "kernel"

    def publish(self, data, *, transient, update):
        with self.arrived:
            self.sent.append((dict(data), transient["display_id"], update))
            self.arrived.notify_all()

    def wait_for(self, count):
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.sent) >= count, 60)


@pytest.fixture
def shell(monkeypatch):
    made = Shell()
    monkeypatch.setattr(static_picture, "get_ipython", lambda: made)
    return made


def pixels(data):
    return imread(io.BytesIO(base64.b64decode(data["image/png"])))


def test_display_does_not_wait_for_the_drawing_which_replaces_it(shell):
    allowed = threading.Event()

    def draw():
        assert allowed.wait(60)
        return Figure(figsize=(2, 1))

    picture = StaticPicture(draw)
    picture.display()  # would not return if it waited
    ((data, identifier, update),) = shell.sent
    assert (set(data), update) == ({"text/html", "text/plain"}, False)
    allowed.set()
    picture.renew()
    shell.wait_for(2)
    data, same, update = shell.sent[1]
    assert (same, update) == (identifier, True)
    assert pixels(data).shape[:2] == (72, 144)


def test_nothing_is_drawn_outside_of_a_notebook():
    drawn = []
    picture = StaticPicture(lambda: drawn.append(1))
    picture.display()
    picture.renew()
    picture.finish()
    assert not picture.displayed
    assert drawn == []


def test_an_error_while_drawing_leaves_the_notebook_as_it_is(shell):
    picture = StaticPicture(lambda: 1 / 0)
    picture.display()
    picture.renew()
    picture.finish()
    assert len(shell.sent) == 1


def test_style_sheet_knows_the_mark_of_the_picture():
    known = base64.b64encode(mark()[:48]).decode()
    css = Path(static_picture.__file__).parent / "live_view" / "live_view.css"
    assert f'img[src*="{known}"]' in css.read_text()
    figure = StaticPicture(lambda: Figure(figsize=(1, 1)))
    assert figure.displayed is False


def test_picture_of_an_explorer_follows_its_settings(cube, shell):
    explorer = mf.explore(cube, k=2, tol=1e-3)
    explorer._repr_mimebundle_()
    explorer.wait(60)  # also completes the picture
    first = shell.sent[-1][0]
    assert base64.b64encode(mark()[:48]).decode() in first["image/png"]
    explorer.controls.set(k=3)
    explorer.wait(60)
    second = shell.sent[-1][0]
    assert pixels(first).shape != pixels(second).shape or not np.array_equal(pixels(first), pixels(second))
    explorer.controls.set(k=4)
    explorer.close()
    assert {identifier for _, identifier, _ in shell.sent} == {shell.sent[0][1]}


def test_pictures_of_the_rank_explorer_and_the_tuning_monitor(cube, shell):
    scan = mf.selection.scan_rank(cube, range(2, 4), n_init=2, splits=0, random_state=0)
    search = mf.tuning.tune(cube, {"sparsity": (1e-3, 1.0)}, BIC(), k=2, max_evals=2)
    for board in (mf.RankExplorer(scan), mf.TuningMonitor(search)):
        board._repr_mimebundle_()
        board.wait(120)
        data, _, update = shell.sent[-1]
        assert update
        assert len(np.unique(pixels(data))) > 100
        board.close()
