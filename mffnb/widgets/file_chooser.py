"""Chooser of a file on the computer where Python runs: a path, and a list of folders and files."""

from __future__ import annotations

import os
from collections.abc import Callable
from html import escape
from pathlib import Path

import ipywidgets

from mffnb.widgets.lifetime import Displayed, hold_weakly, weakly


class FileChooser(Displayed, ipywidgets.VBox):
    """List of the folders and files in a folder; its button enters a folder, and opens a file.

    Parameters
    ----------
    folder
        The folder that is listed first.
    opened
        Function that is called with the path of a file when the user opens it.

    Attributes
    ----------
    folder
        The folder that is listed, an absolute path.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp()).resolve()
    >>> (folder / "maps").mkdir()
    >>> (folder / "maps" / "map.npy").touch()
    >>> paths = []
    >>> chooser = FileChooser(folder, paths.append)
    >>> chooser.choose("maps"), chooser.choose("map.npy")
    (None, None)
    >>> paths == [folder / "maps" / "map.npy"]
    True
    """

    def __init__(self, folder: str | os.PathLike[str], opened: Callable[[Path], None]) -> None:
        self._opened = opened
        self.path = ipywidgets.Text(
            description="Path", continuous_update=False, layout={"width": "auto"}, placeholder="folder or file"
        )
        self.list = ipywidgets.Select(description="Files", rows=14, layout={"width": "auto"})
        self.button = ipywidgets.Button(description="Open", button_style="primary", tooltip="Open the selected line")
        self.upper = ipywidgets.Button(description="Folder above", tooltip="List the folder that contains this one")
        self.status = ipywidgets.HTML()
        buttons = ipywidgets.HBox([self.button, self.upper])
        super().__init__([self.path, self.list, buttons, self.status])
        self.add_class("mffnb-files")
        self.folder = Path(folder).resolve()
        self._list()
        self.path.observe(weakly(self._typed), "value")
        self.button.on_click(weakly(self._clicked))
        self.upper.on_click(weakly(self._above))
        hold_weakly(self, self.path, self.list, self.button, self.upper, self.status, buttons)
        self._parts = (self.path, self.list, self.button, self.upper, self.status, buttons)

    def choose(self, path: str | os.PathLike[str]) -> None:
        """Enter a folder or open a file; a relative path begins at the listed folder. An error becomes a line."""
        chosen = (self.folder / Path(path).expanduser()).resolve()
        before, self.status.value = self.folder, ""
        try:
            if chosen.is_dir():
                self.folder = chosen
                self._list()
            elif chosen.exists():
                self._opened(chosen)
            else:
                raise FileNotFoundError(f"there is no {chosen}")
        except OSError as error:  # a folder may be closed to this user
            self.folder = before
            text = error.strerror or " ".join(str(error).split())
            self.status.value = f'<span role="alert">{escape(chosen.name)}: {escape(text)}</span>'

    def _list(self) -> None:
        """List folders, then files, by name; names that begin with a dot are left out."""
        entries = [entry for entry in os.scandir(self.folder) if not entry.name.startswith(".")]
        entries.sort(key=lambda entry: (not entry.is_dir(), entry.name.lower()))
        self.list.options = [(_line(entry), entry.name) for entry in entries]
        self.list.value = entries[0].name if entries else None
        self.path.value = str(self.folder)

    def _typed(self, change: object) -> None:
        """Open what the user has typed."""
        if Path(self.path.value) != self.folder:
            self.choose(self.path.value)

    def _clicked(self, _button: object) -> None:
        """Open the selected line."""
        if self.list.value is not None:
            self.choose(self.list.value)

    def _above(self, _button: object) -> None:
        """List the folder above."""
        self.choose(self.folder.parent)


def _line(entry: os.DirEntry[str]) -> str:
    """Return the line of a folder or file: its name, and the size of a file."""
    if entry.is_dir():
        return f"{entry.name}{os.sep}"
    try:
        size = entry.stat().st_size
    except OSError:  # a link to a file that was removed
        return entry.name
    return f"{entry.name}, {size / 1e6:.1f} MB" if size >= 1e5 else f"{entry.name}, {size / 1e3:.1f} kB"
