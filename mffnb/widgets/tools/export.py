"""Tool of the explorer: the present answer as a file for another program, or as a report."""

from __future__ import annotations

import os
from pathlib import Path

from mffnb.unmixing.joint_mosaic import is_mosaic, joint_of_mosaic
from mffnb.widgets.session.engine_session import EngineSession
from mffnb.widgets.tool import Stage
from mffnb.widgets.tools.reproduce import code

__all__ = ["export"]


def export(stage: Stage, path: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Write spectra, maps or the whole answer; the suffix says the format, see :meth:`mffnb.Unmixing.export`.

    Of several images, shared spectra are written once, and other formats to one file for each, with the name of the
    image at the end of the file name, see :meth:`mffnb.JointUnmixing.export`.
    Components have the names and colours of the page; hidden ones are left out. A report shows the code of
    :meth:`mffnb.Explorer.code`.

    Parameters
    ----------
    path
        File to write, for example ``"spectra.csv"``, ``"maps.tif"``, ``"run.hspy"`` or ``"report.html"``.

    Returns
    -------
    tuple of Path
        The files that were written.

    Raises
    ------
    ValueError
        If the suffix is unknown, or the format cannot hold the answer.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=2)
    >>> explorer.wait()
    >>> explorer.rename(1, "lignin")
    >>> path, = explorer.export(pathlib.Path(tempfile.mkdtemp()) / "spectra.csv")
    >>> path.read_text().splitlines()[0]
    'm/z,component 0 (counts),lignin (counts)'
    >>> explorer.close()
    """
    # Pixels on engines have no code to show; the record of the run serves.
    written = (
        None
        if isinstance(stage.session, EngineSession)
        else code(stage, shown=bool(stage.shown_values("code").get("shown")))
    )
    if not is_mosaic(stage.result):
        return stage.result.export(path, code=written)
    return joint_of_mosaic(stage.result).export(path, code=written)
