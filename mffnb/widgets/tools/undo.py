"""Tool of the explorer: undo and redo of settings, with the answers that belong to them."""

from __future__ import annotations

from mffnb.widgets.tool import Stage

__all__ = ["back", "redo", "undo"]


def undo(stage: Stage) -> None:
    """Return to the settings before the last change, and to their answer, to the last bit.

    Changes of how the spectra are shown are undone one by one too. If a run has not ended yet, it is abandoned, and the
    explorer returns to the last answer.

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
    if stage.settled and stage.undo_view():
        return
    history = stage.history
    present = history.entries[history.position] if history.entries else None
    # A run that has failed or has not ended has other settings or another state than the entry.
    shown = present is not None and stage.settings == present.parameters and stage.session.last is present.solved
    position = history.position - 1 if shown else history.position
    if position < 0:
        raise IndexError("there is nothing to undo")
    stage.show_entry(position)


def redo(stage: Stage) -> None:
    """Return to the settings that were undone last, and to their answer.

    Raises
    ------
    IndexError
        If there is nothing to redo.
    """
    if stage.undo_view(redo=True):
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
