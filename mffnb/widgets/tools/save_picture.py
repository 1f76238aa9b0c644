"""Tool of the explorer: a figure of what the page shows, as a file for a paper."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import IO, Any

from mffnb.io.atomic import write_atomically
from mffnb.widgets.live_view.messages import on_own_stack
from mffnb.widgets.tool import Stage

__all__ = ["save_picture"]

_FORMATS = (".png", ".svg", ".pdf")
_EDITABLE: Any = {"svg.fonttype": "none", "pdf.fonttype": 42}  # text stays text in a drawing program


def save_picture(stage: Stage, path: str | os.PathLike[str], *, dpi: float = 300, download: int | None = None) -> None:
    """Write a figure of what the page shows: maps with scale bars, spectra or patterns with axes, units and names.

    Colours, contrast, section, order and names are those of the page, as are normalisation, scale and zoom of the
    spectra. Composite, misfit, band image, differences, scatter plot, profile and orthogonal sections are part of it
    while the page shows them, as are regions and kept pixels. Hidden components are left out. A scale bar needs pixels
    of known size: coordinates with a unit.

    Parameters
    ----------
    path
        File that ends in ``.png``, ``.svg`` or ``.pdf``. An older file is replaced when the new one is complete.
    dpi
        Pixels per inch of a PNG file, and of the maps in the other formats.
    download
        Number of a request of the page: the browser saves the file under this name, and nothing is written here.

    Raises
    ------
    ValueError
        If the file has another suffix.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> explorer.wait()
    >>> explorer.save_picture(pathlib.Path(tempfile.mkdtemp()) / "maps.pdf")
    >>> explorer.close()
    """
    from mffnb.widgets.page_figure import page_figure  # noqa: PLC0415  Matplotlib, which a live view does not need

    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise ValueError(f"{Path(path).name!r} is no picture that can be written: name it .png, .svg or .pdf")
    figure = page_figure(stage)

    def write(target: Path | IO[bytes]) -> None:
        on_own_stack(_save, figure, target, suffix[1:], dpi)

    if download is None:
        write_atomically(path, write)
        return
    content = io.BytesIO()
    write(content)
    stage.send_file(Path(path).name, content.getvalue(), int(download))


def _save(figure: Any, target: Path | IO[bytes], kind: str, dpi: float) -> None:
    """Write a figure; called while no other thread draws, because the settings of Matplotlib are global."""
    import matplotlib as mpl  # noqa: PLC0415  see above

    with mpl.rc_context(_EDITABLE):
        figure.savefig(target, format=kind, dpi=dpi, bbox_inches="tight")
