"""The page of ``mffnb demo``: a chooser of files, a chooser of the signals in a file, and the explorer."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path

import ipywidgets

from mffnb.datasets.tof_sims import tof_sims_2d
from mffnb.errors import collected_warnings
from mffnb.widgets.explorer import Explorer, explore
from mffnb.widgets.file_chooser import FileChooser
from mffnb.widgets.lifetime import Displayed, weakly
from mffnb.widgets.saving.session_file import is_session
from mffnb.widgets.signal_chooser import SignalChooser

_TITLE = "<h1 style='margin: 0.3em 0; font-size: 1.4em'>mffnb: unmix a spectral image</h1>"


class DemoPage(Displayed, ipywidgets.VBox):
    """Widgets that lead from a file to the explorer without code.

    Parameters
    ----------
    path
        A file that is opened first, or the folder whose files are listed.

    Attributes
    ----------
    files
        The chooser of files.
    signals
        The chooser of the signals in the opened file; None before.
    explorer
        The open explorer; None before.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> np.save(folder / "map.npy", tof_sims_2d(seed=0, shape=(8, 12)).cube.values)
    >>> page = DemoPage(folder)
    >>> page.files.choose("map.npy")
    >>> page.signals.path.name
    'map.npy'
    """

    def __init__(self, path: str | os.PathLike[str] = ".") -> None:
        self.signals: SignalChooser | None = None
        self.explorer: Explorer | None = None
        first = Path(path).resolve()
        self.files = FileChooser(first if first.is_dir() else first.parent, weakly(self.show_file))
        self.example = ipywidgets.Button(
            description="Simulated example", tooltip="Explore a simulated ToF-SIMS image", layout={"width": "auto"}
        )
        self.explore = ipywidgets.Button(
            description="Explore", button_style="primary", tooltip="Read the selected signal and open the explorer"
        )
        self.another = ipywidgets.Button(description="Another file", tooltip="Close the explorer and choose a file")
        self.status = ipywidgets.HTML()
        super().__init__()
        self.add_class("mffnb-demo")
        self.example.on_click(weakly(self._example))
        self.explore.on_click(weakly(self._explore))
        self.another.on_click(weakly(self._another))
        self._another(None)
        if not first.is_dir():
            self.show_file(first)

    def show_file(self, path: Path) -> None:
        """Show the signals of a file; a session of the explorer is restored at once."""
        if is_session(path):
            self._show(path)
            return
        self._say(f"{path.name} is being read")
        try:
            with collected_warnings():
                self.signals = SignalChooser(path)
        except Exception as error:  # a damaged file raises exceptions of all types
            self._say(f"{path.name}: {error}", alert=True)
            return
        self.signals.button.layout.display = "none"  # the button below reads
        self._say("")
        self.children: tuple[ipywidgets.Widget, ...] = (
            ipywidgets.HTML(_TITLE),
            self.signals,
            self._row(self.explore, self.another),
            self.status,
        )

    def _show(self, source: object) -> None:
        """Open the explorer on a cube, a file or a session."""
        self._say("The data are being read, and settings are derived from them")
        self.explore.disabled = self.example.disabled = True
        try:
            with collected_warnings():
                self.explorer = explore(source)
        except Exception as error:  # the sentence of an error says what to do, and the page has no other place for it
            self._say(str(error), alert=True)
            return
        finally:
            self.explore.disabled = self.example.disabled = False
        self._say("")
        self.children = (self._row(self.another), self.explorer, self.status)

    def _explore(self, _button: object) -> None:
        """Open the explorer on the selected signal; the explorer shows the warnings of its data itself."""
        if self.signals is None:
            return
        if self.signals.selected is None:
            self._show(self.signals.path)
            return
        try:
            with collected_warnings():
                cube = self.signals.read()
        except Exception as error:  # a file that was changed raises exceptions of all types
            self._say(str(error), alert=True)
            return
        self._show(cube)

    def _example(self, _button: object) -> None:
        """Open the explorer on a simulated image."""
        self._show(tof_sims_2d(seed=0).cube)

    def _another(self, _button: object) -> None:
        """Close the explorer and list the files."""
        if self.explorer is not None:
            self.explorer.close()
            self.explorer = None
        self.signals = None
        self._say("")
        self.children = (ipywidgets.HTML(_TITLE), self.files, self._row(self.example), self.status)

    def _say(self, text: str, *, alert: bool = False) -> None:
        """Show a sentence below the buttons."""
        words = escape(" ".join(text.split()))
        self.status.value = f'<span role="{"alert" if alert else "status"}">{words}</span>' if words else ""

    @staticmethod
    def _row(*buttons: ipywidgets.Button) -> ipywidgets.HBox:
        return ipywidgets.HBox(buttons)
