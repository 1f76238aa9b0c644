"""How a search for settings went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_BEST = "#d55e00"


def draw_losses(trials: Sequence[Any], ax: Axes) -> Axes:
    """Draw the loss of each trial, the best so far as a line, and failed trials as crosses at the bottom.

    Parameters
    ----------
    trials
        With ``number`` and ``loss``, None where they failed: see :class:`mffnb.tuning.Trial`.
    ax
        Where to draw.
    """
    number = np.array([trial.number for trial in trials], dtype=np.float64)
    loss = np.array([np.nan if trial.loss is None else trial.loss for trial in trials], dtype=np.float64)
    ax.plot(number, loss, "o", color="0.5", markersize=4, label="trial")
    if np.isfinite(loss).any():
        ax.step(number, np.fmin.accumulate(loss), where="post", color=_BEST, label="best so far")
    failed = np.isnan(loss)
    if failed.any():
        ax.plot(
            number[failed], np.full(failed.sum(), 0.03), "x", color="black", label="failed",
            transform=ax.get_xaxis_transform(),
        )  # fmt: skip
    ax.set(xlabel="trial", ylabel="loss")
    ax.legend(frameon=False, fontsize="small")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def draw_front(trials: Sequence[Any], front: Sequence[Any], ax: Axes) -> Axes:
    """Draw error against sparseness, and a line through the trials that no other one beats in both.

    Parameters
    ----------
    trials
        With ``error`` and ``sparseness``, None where they failed.
    front
        Those on the line.
    ax
        Where to draw.
    """
    for some, line, color in ((trials, "", "0.5"), (front, "-", _BEST)):
        shown = [trial for trial in some if trial.error is not None]
        ax.plot(
            [trial.sparseness for trial in shown], [100 * trial.error for trial in shown], marker="o", markersize=4,
            linestyle=line, color=color,
        )  # fmt: skip
    ax.set(xlabel="sparseness of the abundances", ylabel="relative error (%)")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def search(found: Any, *, figure: Figure | None = None) -> Figure:
    """Draw loss against trial beside error against sparseness.

    Parameters
    ----------
    found
        A :class:`mffnb.tuning.Tuning`.
    figure
        Figure to draw into; a new one, free of pyplot, if None.
    """
    figure = figure or Figure(figsize=(11.0, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_losses(found.trials, left)
    draw_front(found.trials, found.pareto(), right)
    return figure
