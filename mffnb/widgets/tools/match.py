"""Tool of the explorer: endmembers compared with a library of spectra."""

from __future__ import annotations

import weakref
from typing import Any

import pandas as pd

from mffnb.identification.spectral_library import match_library
from mffnb.widgets.session.engine_session import EngineSession
from mffnb.widgets.tool import LocalSession, Stage

__all__ = ["match"]

_LIBRARIES: weakref.WeakKeyDictionary[LocalSession | EngineSession, Any] = weakref.WeakKeyDictionary()
"""The library of each explorer, with which later answers are compared."""


def match(stage: Stage, library: Any = None, *, most: int = 3, shown: bool = True) -> pd.DataFrame:
    """Compare endmembers with a library by spectral angles, and list the best spectra of each component.

    Parameters
    ----------
    library
        Spectra at the channels of the cube: a DataArray, Dataset or DataFrame, or the path of a file, as for
        :func:`mffnb.identification.match_library`. None is the library of the last call.
    most
        Number of spectra that are listed for each component.
    shown
        Whether the page shows the table below the spectra. It is computed again when a run has ended.

    Returns
    -------
    DataFrame
        Indexed by ``component`` and ``rank``: ``spectrum`` and ``angle`` in rad, the smallest one first.

    Raises
    ------
    ValueError
        If there is no library, or it has other channels.

    Examples
    --------
    >>> import mffnb as mf
    >>> sample = mf.datasets.tof_sims_2d(seed=0, shape=(16, 24))
    >>> explorer = mf.explore(sample.cube, k=4)
    >>> explorer.wait()
    >>> sorted(explorer.match(sample.endmembers, most=1).columns)
    ['angle', 'spectrum']
    >>> explorer.close()
    """
    if library is not None:
        _LIBRARIES[stage.session] = library
    elif stage.session not in _LIBRARIES:
        raise ValueError("match needs a library of spectra: pass an array, a table or the path of a file")
    if not shown:
        stage.show_tool("match", shown=False)
    found = match_library(stage.result.endmembers, _LIBRARIES[stage.session], most=most)
    if shown:
        rows = found.reset_index()
        values = {name: rows[name].tolist() for name in ("component", "spectrum", "angle")}
        stage.show_tool("match", follow=True, shown=True, **values)
    return found
