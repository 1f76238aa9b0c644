"""Figures of a hyperparameter search in which each trial can be clicked, and a text of its progress."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mffnb import plots
from mffnb.plots.searches import draw_search
from mffnb.tuning.trials import Trial, pareto_front
from mffnb.tuning.tuning import Tuning
from mffnb.typing import Array
from mffnb.unmixing.joint_mosaic import is_mosaic, joint_of_mosaic
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.boards.picture import Box, ClickTarget, RenderedFigure, boxes_around, freeze_layout


def search_figure(stages: Sequence[Tuning]) -> RenderedFigure:
    """Draw a search in three axes; each trial is a clickable point in every axes that can show it."""
    trials = renumbered(stages)
    figure = freeze_layout(draw_search(trials, pareto_front(trials)))
    axes = {ax.get_gid(): ax for ax in figure.axes}
    boxes: list[list[Box]] = [[] for _ in trials]
    for name in ("loss", "settings", "front"):
        ax = axes[name]
        points = _points(ax, trials, name)
        there = np.flatnonzero(np.isfinite(points).all(axis=1))
        for number, box in zip(there, boxes_around(ax, points[there, 0], points[there, 1]), strict=True):
            boxes[number].append(box)
    spots = tuple(ClickTarget(i, _label(trial), tuple(boxes[i]), "point") for i, trial in enumerate(trials) if boxes[i])
    done = [trial for trial in trials if trial.loss is not None]
    best = f", the lowest loss is {min(trial.loss or 0.0 for trial in done):.4g}" if done else ""
    failed = len(trials) - len(done)
    lost = f", {failed} failed" if failed else ""
    what = "loss against trial, settings against each other, error against sparseness"
    return RenderedFigure(figure, f"{len(trials)} trials{best}{lost}: {what}", spots)


def renumbered(stages: Sequence[Tuning]) -> tuple[Trial, ...]:
    """Return the trials of all stages, numbered consecutively."""
    every = [trial for stage in stages for trial in stage.trials]
    return tuple(replace(trial, number=number) for number, trial in enumerate(every))


def settings_of(stages: Sequence[Tuning], number: int) -> dict[str, Any]:
    """Return all keywords of :func:`mffnb.unmix` of a trial, given its index over all stages."""
    pairs = [(stage.job.options, trial.settings) for stage in stages for trial in stage.trials]
    options, settings = pairs[number]
    return {**options, **settings}


def summary(stages: Sequence[Tuning], answer: Unmixing | None) -> Figure:
    """Draw the trials above one result, for notebooks that are displayed without a kernel."""
    trials = renumbered(stages)
    if answer is None:
        return draw_search(trials, pareto_front(trials))
    height = 3.4 + 0.6 * len(answer.endmembers)
    figure = Figure(figsize=(11.0, 3.3 + height), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=[3.3, height])
    draw_search(trials, pareto_front(trials), figure=parts[0])
    if is_mosaic(answer):
        joint = joint_of_mosaic(answer)
        plots.joint_overview(joint.parts, joint.names, figure=parts[1])
    else:
        plots.overview(answer, figure=parts[1])
    return figure


def progress_text(trials: Sequence[Trial], total: int, ended: str) -> str:
    """Return a text on the progress of a search: number of trials, lowest loss, failures, and how it ended."""
    done = [trial.loss for trial in trials if trial.loss is not None]
    failed = len(trials) - len(done)
    parts = [f"{len(trials)} of {total} trials"]
    if done:
        parts.append(f"best {min(done):.4g}")
    if failed:
        parts.append(f"{failed} failed")
    return ", ".join(parts) + (f": {ended}" if ended else "")


def _points(ax: Axes, trials: Sequence[Trial], name: str) -> Array:
    """Return the data coordinates of each trial in one of the axes, (trials, 2); NaN if it is not shown there."""
    if name == "loss":
        # height at which failed trials are drawn, near the lower edge
        low = ax.transData.inverted().transform(ax.transAxes.transform((0.0, 0.03)))[1]
        top = ax.get_ylim()[1]  # losses above the range of the axes are drawn at the upper edge
        heights = [low if trial.loss is None else min(trial.loss, top) for trial in trials]
        return np.array([(trial.number, height) for trial, height in zip(trials, heights, strict=True)], dtype=float)
    if name == "front":
        return np.array([[_or_nan(trial.sparseness), _or_nan(trial.error)] for trial in trials])
    across, up = ax.get_xlabel(), ax.get_ylabel()
    return np.array([[_setting(trial, across), _setting(trial, up)] for trial in trials])


def _setting(trial: Trial, name: str) -> float:
    """Return the numeric value of a setting or of the loss of a trial; NaN if it is not a number."""
    if name == "loss":
        return _or_nan(trial.loss)
    value = trial.settings.get(name)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else np.nan


def _or_nan(value: float | None) -> float:
    """Return the number, or NaN for None."""
    return np.nan if value is None else value


def _label(trial: Trial) -> str:
    """Return the description of a trial for screen readers and the tooltip."""
    settings = ", ".join(f"{name} {_short(value)}" for name, value in trial.settings.items())
    what = f"failed: {trial.message}" if trial.loss is None else f"loss {trial.loss:.4g}"
    return f"trial {trial.number}: {what}; {settings}"


def _short(value: Any) -> str:
    """Return a number with three significant digits, or any other value as text."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
