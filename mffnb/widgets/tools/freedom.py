"""Tool of the explorer: how far each spectrum could turn without a worse fit, as a pale band behind its curve."""

from __future__ import annotations

import numpy as np

from mffnb.plots import channel_coordinate
from mffnb.unmixing.freedom import Freedom
from mffnb.widgets.tool import Stage, local_session

__all__ = ["freedom"]


def freedom(stage: Stage, *, shown: bool = True) -> Freedom:
    """How far each endmember could turn without a worse fit, see :attr:`mffnb.Unmixing.freedom`.

    The explorer computes it in the background for each answer at rest, and the range grows on the page. This call waits
    until it is complete.

    Parameters
    ----------
    shown
        Whether the page shows the range behind each curve, and the angles below the spectra.

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
    found = stage.result.freedom
    stage.set_spectra_view(freedom_bands=bool(shown))
    if shown:
        stage.show_freedom(found)
    return found


def show_freedom(stage: Stage, found: Freedom | str, generation: int, *, complete: bool) -> None:
    """Send what is known of the freedom to the page.

    Parameters
    ----------
    stage
        The explorer.
    found
        The freedom, or a sentence why there is none.
    generation
        Number of the run whose answer it belongs to: the page shows it for that one only.
    complete
        Whether the search has ended.
    """
    if isinstance(found, str):
        stage.show_tool("freedom", recorded=False, generation=generation, text=found, numbers=[])
        return
    lower, upper = (end.values.reshape(len(end), -1) for end in (found.lower, found.upper))
    channel = channel_coordinate(found.lower)
    used = np.isfinite(channel) & np.isfinite(lower).all(axis=0)
    numbers = [int(number) for number in found.angle["component"].values]
    degrees = np.ceil(np.rad2deg(found.angle.values))
    stage.show_tool(
        "freedom",
        recorded=False,
        generation=generation,
        complete=complete,
        text=str(found),
        numbers=numbers,
        degrees=[-1 if np.isnan(one) else int(one) for one in degrees],
        partners=[-1 if one < 0 else numbers[one] for one in found.partner.values],
        channel=channel[used],
        ends=np.stack([lower[:, used], upper[:, used]]).ravel(),
    )
