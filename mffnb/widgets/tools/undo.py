"""Tool of the explorer: undo and redo of gestures, with the settings and answers that belong to them."""

from __future__ import annotations

from mffnb.widgets.tool import Stage

__all__ = ["back", "redo", "undo"]


def undo(stage: Stage) -> None:
    """Take the last gesture back: return to the settings before, their answer, regions, pins and all else, to the bit.

    If a run has not ended yet, gestures that were made since it began are taken back first, while it goes on. Then it
    is abandoned, and the explorer returns to the last answer.

    Raises
    ------
    IndexError
        If there is nothing to undo.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> explorer.wait()
    >>> explorer.controls.set(k=4)
    >>> explorer.wait()
    >>> explorer.undo()
    >>> explorer.wait()
    >>> explorer.controls.parameters.k
    3
    >>> explorer.close()
    """
    if stage.undo_pending():
        return
    history = stage.history
    # A run that has failed or has not ended has other settings or another state than the entry.
    position = history.position if history.pending else history.position - 1
    if position < 0:
        raise IndexError("there is nothing to undo")
    stage.show_entry(position)


def redo(stage: Stage) -> None:
    """Return to the state that was undone last: its settings, its answer, regions, pins and all else.

    Raises
    ------
    IndexError
        If there is nothing to redo.
    """
    if stage.undo_pending(redo=True):
        return
    if stage.history.position + 1 >= len(stage.history.entries):
        raise IndexError("there is nothing to redo")
    stage.show_entry(stage.history.position + 1)


def back(stage: Stage) -> None:
    """Return to the settings of the picture, after other settings have failed.

    Raises
    ------
    IndexError
        If there is no picture yet.
    """
    if stage.history.position < 0:
        raise IndexError("there is no answer to return to")
    stage.show_entry(stage.history.position)
