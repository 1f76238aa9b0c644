"""Tools of the explorer that change settings: for the cure of a warning, and for a number typed beside a slider."""

from __future__ import annotations

from typing import Any

from mffnb.widgets.tool import Stage

__all__ = ["apply", "set_number"]


def apply(stage: Stage, **settings: Any) -> None:
    """Change settings; without any, the run continues from its last state.

    Parameters
    ----------
    settings
        As for ``explorer.controls.set``.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> explorer.apply(k=2)
    >>> explorer.wait()
    >>> len(explorer.result.endmembers)
    2
    >>> explorer.close()
    """
    stage.change(**settings)


def set_number(stage: Stage, control: str, value: float) -> None:
    """Set a weight to exactly this number, as typing it beside its slider does; a slider alone moves in steps.

    Parameters
    ----------
    control
        Name beside the slider, such as ``"sparsity"``.
    value
        The number; it may be larger than the end of the slider.

    Raises
    ------
    ValueError
        If the number is negative or not finite, if there is no such slider, or if it has no effect with these settings.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> explorer.set_number("smoothness", 0.0123)
    >>> explorer.controls.parameters.smoothness
    0.0123
    >>> explorer.close()
    """
    stage.set_exactly(control, value)
