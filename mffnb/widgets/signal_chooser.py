"""Chooser of the signals in a file: a list, a preview picture, and the line of code that reads the selected one."""

from __future__ import annotations

import base64
import os
from html import escape
from math import prod
from pathlib import Path

import ipywidgets
import xarray as xr

from mffnb.errors import collected_warnings
from mffnb.io.file_info import contents
from mffnb.io.files import check_file
from mffnb.io.read import read
from mffnb.io.registry import choose_reader
from mffnb.io.signal_table import signal_table
from mffnb.widgets.lifetime import Displayed, hold_weakly, weakly
from mffnb.widgets.signal_preview import Preview

__all__ = ["SignalChooser", "open"]

_STYLE = """<style>
.mffnb-signals select { font-family: var(--jp-code-font-family, monospace); }
.mffnb-signals img { max-width: 100%; background: white; }
.mffnb-signals pre { margin: 0; white-space: pre-wrap; }
</style>"""
_DEFAULT = "what mf.read chooses"


class SignalChooser(Displayed, ipywidgets.VBox):
    """List of the signals in a file with a preview; its button reads the selected one.

    Parameters
    ----------
    path
        The file.
    lazy
        Whether the data stay on disk, as for :func:`mffnb.read`.

    Attributes
    ----------
    signals
        All signals of the file, :class:`mffnb.io.Signal`.
    cube
        The cube that :meth:`read` has read last; None before.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "maps.npz")
    >>> np.savez(path, first=np.ones((4, 5, 60)), second=np.ones((4, 5, 60)))
    >>> chooser = SignalChooser(path)
    >>> chooser.select("second")
    >>> chooser.code.endswith("maps.npz', dataset='second')")
    True
    >>> chooser.read().shape
    (4, 5, 60)
    """

    def __init__(self, path: str | os.PathLike[str], *, lazy: bool | None = None) -> None:
        self.path, self.lazy = Path(path), lazy
        check_file(self.path)
        self._reader = choose_reader(self.path)
        self.signals = contents(self.path)
        self.cube: xr.DataArray | None = None
        self._previews: dict[int | None, tuple[str, str]] = {}
        several = len(self.signals) > 1
        rows = signal_table(self.signals, most=len(self.signals)).splitlines() if several else []
        options: list[tuple[str, int | None]] = [(_plain(row[2:]), number) for number, row in enumerate(rows)]
        if self._show(None) or not several:
            options.insert(0, (_DEFAULT, None))
        self.list = ipywidgets.Select(
            options=options,
            value=None if options[0][1] is None else self._largest(),
            rows=min(12, max(2, len(options))),
            description="Signal",
            layout={"width": "auto", "min_width": "24em"},
        )
        self.button = ipywidgets.Button(
            description="Read", button_style="primary", tooltip="Read the selected signal into the attribute cube"
        )
        self.line, self.picture = ipywidgets.HTML(), ipywidgets.HTML()
        self.status = ipywidgets.HTML()
        title = f"{_STYLE}<b>{escape(self.path.name)}</b>, {escape(self._reader.name)}"
        below = ipywidgets.HBox([self.button, self.line], layout={"align_items": "center"})
        self._parts = (self.list, self.button, self.line, self.picture, self.status, below)
        super().__init__([ipywidgets.HTML(title), self.list, self.picture, below, self.status])
        self.add_class("mffnb-signals")
        self.list.observe(weakly(self._selected), "value")
        self.button.on_click(weakly(self._clicked))
        hold_weakly(self, *self._parts)
        self._selected(None)

    def select(self, signal: str | int | None) -> None:
        """Select a signal by its number or name; None selects what :func:`mffnb.read` chooses.

        Raises
        ------
        ValueError
            If the list has no such signal.
        """
        number = next((n for n, one in enumerate(self.signals) if signal == one.name), signal)
        values = [value for _, value in self.list.options]
        if number not in values:
            raise ValueError(f"{self.path.name} has no signal {signal!r} in the list: give one of {values}")
        self.list.value = number

    @property
    def selected(self) -> int | None:
        """Number of the selected signal; None for what :func:`mffnb.read` chooses."""
        number: int | None = self.list.value
        return number

    @property
    def code(self) -> str:
        """The line of code that reads the selected signal."""
        dataset, channel = self._requested(self.selected)
        keywords = {"dataset": dataset, "channel": channel, "lazy": self.lazy}
        given = [f"{name}={value!r}" for name, value in keywords.items() if value is not None]
        return f"cube = mf.read({', '.join([repr(str(self.path)), *given])})"

    def read(self) -> xr.DataArray:
        """Read the selected signal; it is then the attribute ``cube``, too."""
        self.cube = self._read(self.selected, self.lazy)
        return self.cube

    def __repr__(self) -> str:
        return f"{self.path.name}, {self._reader.name}\n{signal_table(self.signals)}\n{self.code}"

    def _largest(self) -> int:
        """Return the number of the largest signal with two or more dimensions, or of the largest one."""
        sizes = [(len(one.shape) >= 2, prod(length or 1 for length in one.shape)) for one in self.signals]
        return sizes.index(max(sizes))

    def _read(self, number: int | None, lazy: bool | None) -> xr.DataArray:
        dataset, channel = self._requested(number)
        return read(self.path, dataset=dataset, channel=channel, lazy=lazy)

    def _requested(self, number: int | None) -> tuple[str | int | None, str | int | None]:
        """Return ``dataset`` and ``channel`` for a signal: its name, or its number if others have the same name."""
        if number is None:
            return None, None
        names = [one.name for one in self.signals]
        word = names[number] if names[number] and names.count(names[number]) == 1 else number
        return (None, word) if self._reader.channels else (word, None)

    def _show(self, number: int | None) -> bool:
        """Draw the preview of a signal, unless it was drawn before; return whether it can be read."""
        if number not in self._previews:
            lazy = True if self._reader.lazy and self.lazy is None else self.lazy
            try:
                with collected_warnings() as found:
                    preview = Preview.of(self._read(number, lazy))
            except Exception as error:  # a damaged file raises exceptions of all types, and the page shows the sentence
                self._previews[number] = ("", " ".join(str(error).split()))
            else:
                words = " ".join((preview.caption, *(f"Warning: {text}." for text, _ in found)))
                self._previews[number] = (base64.b64encode(preview.png).decode(), words)
        return bool(self._previews[number][0])

    def _selected(self, _change: object) -> None:
        """Show preview and code of the selected signal."""
        readable = self._show(self.selected)
        png, words = self._previews[self.selected]
        picture = f'<img alt="{escape(words)}" src="data:image/png;base64,{png}">' if png else ""
        self.picture.value = f"{picture}<p>{escape(words)}</p>"
        self.line.value = f"<pre>{escape(self.code)}</pre>"
        self.button.disabled, self.status.value = not readable, ""

    def _clicked(self, _button: object) -> None:
        """Read the selected signal, and say where it is."""
        try:
            with collected_warnings():
                cube = self.read()
        except Exception as error:  # a file that was changed raises exceptions of all types
            self.status.value = f'<span role="alert">{escape(" ".join(str(error).split()))}</span>'
            return
        shape = " x ".join(map(str, cube.shape))
        self.status.value = f'<span role="status">{shape} values are read: use the attribute <code>cube</code></span>'


def open(path: str | os.PathLike[str], *, lazy: bool | None = None) -> SignalChooser:  # noqa: A001  as mf.open
    """Show what is in a file: a list of its signals with titles and shapes, a preview picture, and a button that reads.

    Parameters
    ----------
    path
        The file; see :func:`mffnb.read`.
    lazy
        Whether the data stay on disk, as for :func:`mffnb.read`.

    Returns
    -------
    SignalChooser
        A widget for JupyterLab. Its attribute ``code`` is the line that reads the selected signal, ``cube`` the cube
        that the button has read; ``select`` and ``read`` are the same without the page.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it is a folder or no file of its format.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "maps.npz")
    >>> np.savez(path, photo=np.ones((4, 5)), stack=np.ones((4, 5, 60)))
    >>> open(path).selected  # mf.open(path)
    """
    return SignalChooser(path, lazy=lazy)


def _plain(row: str) -> str:
    """Return a row of the table with spaces that a page does not join."""
    return row.replace(" ", "\u00a0")
