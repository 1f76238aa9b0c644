"""Tool of the explorer: write the session to a file, from which :func:`mffnb.explore` restores it."""

from __future__ import annotations

import os

from mffnb.widgets.saving.session_file import write_session
from mffnb.widgets.tool import Stage, running_session

__all__ = ["save"]


def save(stage: Stage, path: str | os.PathLike[str], *, include: bool | None = None) -> None:
    """Write the session to a file: cube, settings, answer, history, regions, names, pins and kept answers.

    ``mf.explore(path)`` restores it. The file is a zip file of JSON and NumPy arrays, without pickled objects.

    Parameters
    ----------
    path
        File that ends in ``.zip``. An older file is replaced when the new one is complete.
    include
        Whether the cube is in the file. By default it is if it has at most 64 MB. Otherwise the session names the file
        of the cube with its SHA-256, and refuses a file that has changed.

    Raises
    ------
    ValueError
        If the file has another suffix, or if a cube that came from memory would not be included.
    TypeError
        If the explorer was opened with an object from another package, such as a penalty of your own.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> explorer.wait()
    >>> explorer.rename(1, "lignin")
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "session.zip"
    >>> explorer.save(path)
    >>> explorer.close()
    >>> again = mf.explore(path)
    >>> again.result.endmembers.label.values.tolist()
    ['component 0', 'lignin', 'component 2']
    >>> again.close()
    """
    session = running_session(stage, "save")
    _ = stage.result  # wait for a first state
    write_session(path, session.source.cube, stage.path, stage.stored(), include)
