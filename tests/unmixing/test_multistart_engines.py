"""Restarts on engines that are interrupted, with futures in the place of engines."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from mffnb.unmixing import multistart_engines


def test_an_interrupt_while_starts_are_sent_leaves_none_of_them_waiting(monkeypatch):
    sent, closed = [], []

    class Queue:
        def __init__(self, *_):
            pass

        def submit(self, model, again=None):
            if len(sent) == 2:
                raise KeyboardInterrupt
            sent.append(Future())
            return sent[-1]

        def close(self):
            closed.append(self)

    monkeypatch.setattr(multistart_engines, "_Queue", Queue)
    with pytest.raises(KeyboardInterrupt):
        multistart_engines.run(["one", "two", "three"], None, None)
    assert [future.cancelled() for future in sent] == [True, True]
    assert len(closed) == 1
