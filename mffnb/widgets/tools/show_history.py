"""Tool of the explorer: a strip of thumbnails, one for each settled setting; a click returns to it."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mffnb.plots import as_image
from mffnb.widgets.appearance import Appearance
from mffnb.widgets.history import Entry
from mffnb.widgets.live_view.thumbnail import thumbnail
from mffnb.widgets.session.solved import Solved
from mffnb.widgets.session.wording import change_text, settings_text
from mffnb.widgets.tool import Stage, local_session

__all__ = ["go_to", "show_history"]

_THUMBNAILS: weakref.WeakKeyDictionary[Solved, tuple[Appearance, NDArray[np.uint8]]] = weakref.WeakKeyDictionary()
_MOST = 24  # thumbnails in the page; a frame of 48 x 48 pixels has 7 kB


def show_history(stage: Stage, *, shown: bool = True) -> None:
    """Show the history as thumbnails below the spectra, one for each answer with its settings; it follows each run.

    ``explorer.history.entries`` has the state after each gesture in Python.

    Parameters
    ----------
    shown
        Whether the page shows them.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> explorer.wait()
    >>> explorer.controls.set(k=4)
    >>> explorer.wait()
    >>> explorer.show_history()
    >>> [entry.parameters.k for entry in explorer.history.entries]
    [3, 4]
    >>> explorer.close()
    """
    local_session(stage, "show_history")
    entries, position = stage.history.shown
    stage.show_tool(
        "show_history",
        follow={} if shown else False,
        recorded=False,
        shown=shown,
        position=_last_of_answer(entries, position) if entries else -1,
        entries=list(_pictures(entries)) if shown else [],
    )


def go_to(stage: Stage, position: int) -> None:
    """Return to an entry of the history: its settings, its answer, regions, pins and all else, to the last bit.

    Parameters
    ----------
    position
        Index of the entry in ``explorer.history.entries``.

    Raises
    ------
    IndexError
        If there is no such entry.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> explorer.wait()
    >>> explorer.controls.set(k=4)
    >>> explorer.wait()
    >>> explorer.go_to(0)
    >>> explorer.wait()
    >>> explorer.controls.parameters.k
    3
    >>> explorer.close()
    """
    stage.show_entry(int(position))


def _last_of_answer(entries: tuple[Entry, ...], position: int) -> int:
    """Return the position of the last entry that has the answer of an entry: the others are gestures before it."""
    solved = entries[position].solved
    while position + 1 < len(entries) and entries[position + 1].solved is solved:
        position += 1
    return position


def _pictures(entries: tuple[Entry, ...]) -> Iterator[dict[str, Any]]:
    """Yield what the page shows of the newest answers."""
    answers = [entry.solved for entry in entries]
    later = [*answers[1:], None]
    last = [number for number, (one, after) in enumerate(zip(answers, later, strict=False)) if one is not after]
    befores = [None, *last]
    for before, number in [*zip(befores, last, strict=False)][-_MOST:]:
        entry = entries[number]
        picture, origin = _thumbnail(entry), entry.solved.origin
        place = "" if origin is None else origin.words  # such as the trial of a search
        yield {
            "position": number,
            "settings": ": ".join(text for text in (place, settings_text(entry.parameters)) if text),
            "change": place or change_text(None if before is None else entries[before].parameters, entry.parameters),
            "outcome": entry.outcome.name.lower().replace("_", " "),
            "error": f"{entry.relative_error:.3g}",
            "shape": list(picture.shape[:2]),
            "picture": picture.tobytes(),
        }


def _thumbnail(entry: Entry) -> NDArray[np.uint8]:
    """Return the picture of an entry, which is made once for each answer and appearance."""
    look, picture = _THUMBNAILS.get(entry.solved, (None, None))
    if picture is None or look != entry.appearance:
        picture = _made(entry)
        _THUMBNAILS[entry.solved] = entry.appearance, picture
    return picture


def _made(entry: Entry) -> NDArray[np.uint8]:
    solved = entry.solved
    maps = solved.data.layout.abundances(solved.state.abundances)
    planes = np.stack([np.asarray(as_image(one).values, dtype=np.float64) for one in maps])
    shown = [row for row, number in enumerate(solved.names) if number not in entry.appearance.hidden]
    colors = entry.appearance.colors_of(solved.names)
    return thumbnail(planes[shown], [colors[row] for row in shown])
