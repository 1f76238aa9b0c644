"""Tool of the explorer: remove pixels that the page keeps, and send the others to the page."""

from __future__ import annotations

import numpy as np

from mffnb.plots import as_image, channel_coordinate
from mffnb.widgets.tool import Stage

__all__ = ["drop_pin"]


def drop_pin(stage: Stage, *, name: str | None = None) -> None:
    """Remove a pixel that ``probe`` has pinned, or all of them if no name is given.

    Parameters
    ----------
    name
        Name of the pin, as in ``explorer.pins``.

    Raises
    ------
    KeyError
        If there is no pin of this name.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> explorer.wait()
    >>> for pixel in ([3, 4], [8, 9]):
    ...     _ = explorer.probe(pixel=pixel, radius=1)
    >>> list(explorer.pins.values())
    [<pin P1: pixel 3, 4, radius 1>, <pin P2: pixel 8, 9, radius 1>]
    >>> explorer.drop_pin(name="P1")
    >>> list(explorer.pins)
    ['P2']
    >>> explorer.close()
    """
    if name is None:
        stage.pins.clear()
    elif name in stage.pins:
        del stage.pins[name]
    else:
        raise KeyError(f"there is no pin {name!r}: the names are {', '.join(stage.pins) or 'none'}")
    show_pins(stage)


def show_pins(stage: Stage) -> None:
    """Send the pins of the present section to the page."""
    endmembers, maps = stage.result.endmembers, stage.result.abundances
    channel = channel_coordinate(endmembers)
    fitted = np.isfinite(endmembers.values.reshape(len(endmembers), -1)).all(axis=0)
    section = {name: stage.section.get(name, maps.sizes[name] // 2) for name in maps.dims[1:-2]}
    shown = []
    for one in stage.pins.values():
        values = one.measured.values.ravel()
        if values.size != channel.size or one.section != section:
            continue  # a preprocessing step has changed the grid, or another section is shown
        used = np.isfinite(values) & fitted
        shown.append(
            {
                "name": one.name,
                "pixel": list(one.pixel),
                "radius": one.radius,
                "pixels": one.pixels,
                "shape": list(as_image(maps[0]).shape),
                "channel": channel[used].astype("<f4").tobytes(),
                "measured": values[used].astype("<f4").tobytes(),
            }
        )
    stage.show_tool("drop_pin", pins=shown)
