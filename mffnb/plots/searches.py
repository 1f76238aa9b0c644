"""Plots of the trials of a hyperparameter search: losses, settings, error against sparseness."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mffnb.typing import Array

__all__ = ["draw_front", "draw_losses", "draw_settings", "search"]

_BEST = "#d55e00"


def draw_losses(trials: Sequence[Any], ax: Axes) -> Axes:
    """Draw the loss of each trial, the lowest loss so far as a line, and failed trials as crosses at the bottom.

    Triangles at the top are outliers whose loss lies above the axis range.

    Parameters
    ----------
    trials
        Trials with ``number`` and ``loss`` (None where a trial failed); see :class:`mffnb.tuning.Trial`.
    ax
        Axes to draw on.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> import mffnb as mf
    >>> trials = [mf.tuning.Trial(i, {"sparsity": 0.1 * i}, loss=loss) for i, loss in enumerate([0.5, 0.3, 0.4])]
    >>> ax = mf.plots.draw_losses(trials, Figure().subplots())
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('trial', 'loss')
    """
    number = np.array([trial.number for trial in trials], dtype=np.float64)
    loss = np.array([np.nan if trial.loss is None else trial.loss for trial in trials], dtype=np.float64)
    top = _top(loss)
    ax.plot(number, np.where(loss <= top, loss, np.nan), "o", color="0.5", markersize=4, label="trial")
    beyond = loss > top
    if beyond.any():
        ax.set_ylim(top=top)
        ax.plot(number[beyond], np.full(beyond.sum(), top), "^", color="0.5", markersize=5, clip_on=False)
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
    """Draw error against sparseness of each trial, and a line through the Pareto-optimal trials.

    Parameters
    ----------
    trials
        Trials with ``error`` and ``sparseness`` (None where a trial failed).
    front
        Pareto-optimal trials.
    ax
        Axes to draw on.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> import mffnb as mf
    >>> trials = [mf.tuning.Trial(i, {}, loss=0.1, error=0.3 - 0.1 * i, sparseness=0.6 - 0.2 * i) for i in range(3)]
    >>> ax = mf.plots.draw_front(trials, trials[:2], Figure().subplots())
    >>> ax.get_xlabel(), len(ax.lines)
    ('sparseness of the abundances', 2)
    """
    for some, line, color in ((trials, "", "0.5"), (front, "-", _BEST)):
        shown = [trial for trial in some if trial.error is not None]
        ax.plot(
            [trial.sparseness for trial in shown], [trial.error for trial in shown], marker="o", markersize=4,
            linestyle=line, color=color,
        )  # fmt: skip
    ax.set(xlabel="sparseness of the abundances", ylabel="relative error")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def draw_settings(trials: Sequence[Any], ax: Axes, names: Sequence[str] = ()) -> Axes:
    """Draw two settings of all trials against each other, coloured by loss; failed trials are crosses.

    Weights have logarithmic axes; zero is drawn to the left of, or below, the smallest positive weight.

    Parameters
    ----------
    trials
        Trials with ``settings`` and ``loss``.
    ax
        Axes to draw on.
    names
        Names of the two settings. If empty, two settings that vary are chosen, preferably weights. With a single name,
        the loss is the other axis.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> import mffnb as mf
    >>> weights = [(1e-3, 1.0), (1e-2, 0.1), (1e-1, 0.5)]
    >>> trials = [mf.tuning.Trial(i, {"sparsity": w, "k": 3 + i}, loss=loss) for i, (w, loss) in enumerate(weights)]
    >>> ax = mf.plots.draw_settings(trials, Figure().subplots(), ["sparsity", "k"])
    >>> ax.get_xlabel(), ax.get_ylabel(), ax.get_xscale()
    ('sparsity', 'k', 'log')
    """
    names = tuple(names) or _varied(trials)
    across = np.array([_number(trial.settings.get(names[0])) for trial in trials]) if names else np.zeros(len(trials))
    loss = np.array([np.nan if trial.loss is None else trial.loss for trial in trials], dtype=np.float64)
    up = np.array([_number(trial.settings.get(names[1])) for trial in trials]) if len(names) > 1 else loss
    done = np.isfinite(loss)
    if done.any():
        best = int(np.nanargmin(loss))
        order = np.argsort(-np.where(done, loss, -np.inf), kind="stable")  # the lowest losses are drawn last, on top
        order = order[done[order]]
        worst = min(_top(loss), float(np.nanmax(loss)))
        points = ax.scatter(
            across[order], up[order], c=loss[order], cmap="viridis", vmax=worst, s=36, edgecolors="0.6", linewidths=0.9
        )
        figure = ax.get_figure()
        if len(names) > 1 and figure is not None:
            figure.colorbar(
                points, ax=ax, label="loss", pad=0.02, extend="max" if worst < np.nanmax(loss) else "neither"
            )
        ax.plot(across[best], up[best], "o", markersize=12, markerfacecolor="none", color=_BEST, markeredgewidth=1.6)
    there = ~done & np.isfinite(across) & np.isfinite(up)
    ax.plot(across[there], up[there], "x", color="black", markersize=6)
    _scale(ax.set_xscale, names[0] if names else "", across)
    _scale(ax.set_yscale, names[1] if len(names) > 1 else "", up)
    ax.set(xlabel=names[0] if names else "", ylabel=names[1] if len(names) > 1 else "loss")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _top(loss: Array) -> float:
    """Return the limit above which losses count as outliers in plots.

    It is infinity if there are none, or fewer than four losses. Axes and colour scales end at this limit, because an
    outlier would compress all other losses to a line.
    """
    known = loss[np.isfinite(loss)]
    if known.size < 4:
        return np.inf
    low, upper, high = np.quantile(known, [0.0, 0.75, 1.0])
    return float(low + 2.5 * (upper - low)) if high > low + 4 * (upper - low) > low else np.inf


def _varied(trials: Sequence[Any]) -> tuple[str, ...]:
    """Return the names of at most two numeric settings that differ between trials."""
    values: dict[str, set[float]] = {}
    for trial in trials:
        for name, value in trial.settings.items():
            if np.isfinite(_number(value)):
                values.setdefault(name, set()).add(_number(value))
    known = ("sparsity", "smoothness", "volume", "k")
    names = [name for name in values if len(values[name]) > 1]
    names.sort(key=lambda name: known.index(name) if name in known else len(known))
    return tuple(names[:2])


def _number(value: Any) -> float:
    """Return the value of a setting as a float; NaN if it is not a number."""
    return float(value) if isinstance(value, (int, float, np.number)) and not isinstance(value, bool) else np.nan


def _scale(set_scale: Any, name: str, values: Array) -> None:
    """Set a logarithmic axis for weights and return the values to draw, with zero a decade below the smallest other."""
    positive = values[np.isfinite(values) & (values > 0)]
    if name in ("", "k") or positive.size == 0 or (values < 0).any():
        return
    if (values == 0).any():
        set_scale("symlog", linthresh=float(positive.min()), linscale=0.5)
    else:
        set_scale("log")


def search(found: Any, *, figure: Figure | None = None) -> Figure:
    """Draw three panels of a search: loss of each trial, settings coloured by loss, error against sparseness.

    Parameters
    ----------
    found
        Result of a search, :class:`mffnb.tuning.Tuning`.
    figure
        Figure to draw on; if None, a new one that pyplot does not manage.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60)).cube
    >>> found = mf.tuning.tune(cube, {"sparsity": (1e-3, 1.0)}, mf.tuning.HeldOut(), k=3, max_evals=3, random_state=0)
    >>> len(mf.plots.search(found).axes) >= 3
    True
    """
    return draw_search(found.trials, found.pareto(), figure=figure)


def draw_search(trials: Sequence[Any], front: Sequence[Any], *, figure: Figure | None = None) -> Figure:
    """Draw the panels of :func:`search` from trials and the Pareto-optimal ones among them.

    Parameters
    ----------
    trials, front
        All trials, and the Pareto-optimal ones among them, see :func:`draw_front`.
    figure
        Figure to draw on; if None, a new one that pyplot does not manage.
    """
    figure = figure or Figure(figsize=(11.0, 3.3), layout="constrained")
    loss, settings, pareto = figure.subplots(1, 3, width_ratios=[1, 1.15, 1])
    draw_losses(trials, loss).set_title("trials", fontsize="medium")
    draw_settings(trials, settings).set_title("settings, coloured by loss", fontsize="medium")
    draw_front(trials, front, pareto).set_title("error against sparseness", fontsize="medium")
    for ax, name in ((loss, "loss"), (settings, "settings"), (pareto, "front")):
        ax.set_gid(name)
    return figure
