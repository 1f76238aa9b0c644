"""Tool of the explorer: a figure of the present answer, as a file for a paper."""

from __future__ import annotations

import os
from pathlib import Path

from mffnb.io.atomic import write_atomically
from mffnb.widgets.appearance import visible
from mffnb.widgets.live_view.messages import on_own_stack
from mffnb.widgets.tool import Stage

__all__ = ["save_picture"]

_FORMATS = (".png", ".svg", ".pdf")


def save_picture(stage: Stage, path: str | os.PathLike[str], *, dpi: float = 300) -> None:
    """Write a figure of maps and spectra, with axes, units and scale bars; see :meth:`mffnb.Unmixing.plot`.

    Hidden components are left out.

    Parameters
    ----------
    path
        File that ends in ``.png``, ``.svg`` or ``.pdf``. An older file is replaced when the new one is complete.
    dpi
        Pixels per inch of a PNG file, and of the maps in the other formats.

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
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise ValueError(f"{Path(path).name!r} is no picture that can be written: name it .png, .svg or .pdf")
    figure = visible(stage.result).plot()
    write_atomically(
        path, lambda part: on_own_stack(figure.savefig, part, format=suffix[1:], dpi=dpi, bbox_inches="tight")
    )
