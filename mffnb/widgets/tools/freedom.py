"""Tool of the explorer: how far each spectrum could turn without a worse fit, as a pale band behind its curve."""

from __future__ import annotations

import numpy as np

from mffnb.plots import channel_coordinate
from mffnb.unmixing.freedom import Freedom
from mffnb.widgets.tool import Stage, local_session

__all__ = ["freedom"]


def freedom(stage: Stage, *, shown: bool = True) -> Freedom:
    """How far each endmember could turn without a worse fit, see :attr:`mffnb.Unmixing.freedom`.

    Parameters
    ----------
    shown
        Whether the page shows the range behind each curve, and the angles below the spectra. They are computed again
        when a run has ended.

    Raises
    ------
    UnsupportedCombinationError
        If the model has a transformation, or the pixels are on engines.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> explorer.wait()
    >>> explorer.freedom().angle.dims
    ('component',)
    >>> explorer.close()
    """
    local_session(stage, "freedom")
    answer = stage.result
    found = answer.freedom
    if not shown:
        stage.show_tool("freedom", shown=False)
        return found
    lower, upper = (end.values.reshape(len(end), -1) for end in (found.lower, found.upper))
    channel = channel_coordinate(found.lower)
    used = np.isfinite(channel) & np.isfinite(lower).all(axis=0)
    numbers = [int(number) for number in answer.endmembers["component"].values]
    names = stage.appearance.labels(numbers)
    degrees = np.ceil(np.rad2deg(found.angle.values))
    stage.show_tool(
        "freedom",
        follow=True,
        shown=True,
        text=str(found),
        numbers=numbers,
        degrees=[-1 if np.isnan(one) else int(one) for one in degrees],
        partners=["" if one < 0 else names[one] for one in found.partner.values],
        channel=channel[used],
        ends=np.stack([lower[:, used], upper[:, used]]).ravel(),
    )
    return found
