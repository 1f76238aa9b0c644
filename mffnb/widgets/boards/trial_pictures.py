"""A search for settings as a picture in which a trial can be chosen, and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mffnb import plots
from mffnb.plots.searches import draw_search
from mffnb.tuning.trials import Trial, front
from mffnb.tuning.tuning import Tuning
from mffnb.typing import Array
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.boards.picture import Box, Drawn, Spot, around, laid_out


def losses(stages: Sequence[Tuning]) -> Drawn:
    """Three pictures; each trial is a point in all of them in which it has a place."""
    trials = counted(stages)
    figure = laid_out(draw_search(trials, front(trials)))
    axes = {ax.get_gid(): ax for ax in figure.axes}
    boxes: list[list[Box]] = [[] for _ in trials]
    for name in ("loss", "settings", "front"):
        ax = axes[name]
        points = _points(ax, trials, name)
        there = np.flatnonzero(np.isfinite(points).all(axis=1))
        for number, box in zip(there, around(ax, points[there, 0], points[there, 1]), strict=True):
            boxes[number].append(box)
    spots = tuple(Spot(i, _label(trial), tuple(boxes[i]), "point") for i, trial in enumerate(trials) if boxes[i])
    done = [trial for trial in trials if trial.loss is not None]
    best = f", the lowest loss is {min(trial.loss or 0.0 for trial in done):.4g}" if done else ""
    failed = len(trials) - len(done)
    lost = f", {failed} failed" if failed else ""
    what = "loss against trial, settings against each other, error against sparseness"
    return Drawn(figure, f"{len(trials)} trials{best}{lost}: {what}", spots)


def counted(stages: Sequence[Tuning]) -> tuple[Trial, ...]:
    """The trials of all stages, numbered through."""
    every = [trial for stage in stages for trial in stage.trials]
    return tuple(replace(trial, number=number) for number, trial in enumerate(every))


def settings_of(stages: Sequence[Tuning], number: int) -> dict[str, Any]:
    """All keywords of :func:`mffnb.unmix` of a trial, by its place among those of all stages."""
    pairs = [(stage.job.options, trial.settings) for stage in stages for trial in stage.trials]
    options, settings = pairs[number]
    return {**options, **settings}


def summary(stages: Sequence[Tuning], answer: Unmixing | None) -> Figure:
    """Trials above the answer of one of them, for whoever reads a notebook without a kernel."""
    trials = counted(stages)
    if answer is None:
        return draw_search(trials, front(trials))
    height = 3.4 + 0.6 * len(answer.endmembers)
    figure = Figure(figsize=(11.0, 3.3 + height), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=[3.3, height])
    draw_search(trials, front(trials), figure=parts[0])
    plots.overview(answer, figure=parts[1])
    return figure


def told(trials: Sequence[Trial], total: int, ended: str) -> str:
    """How far a search is."""
    done = [trial.loss for trial in trials if trial.loss is not None]
    failed = len(trials) - len(done)
    parts = [f"trial {len(trials)} of {total}"]
    if done:
        parts.append(f"best {min(done):.4g}")
    if failed:
        parts.append(f"{failed} failed")
    return ", ".join(parts) + (f": {ended}" if ended else "")


def _points(ax: Axes, trials: Sequence[Trial], name: str) -> Array:
    """Where each trial is in one of the pictures, NaN where it is not."""
    if name == "loss":
        low = ax.transData.inverted().transform(ax.transAxes.transform((0.0, 0.03)))[1]  # where failed ones are
        top = ax.get_ylim()[1]  # where those are that are far worse than most
        heights = [low if trial.loss is None else min(trial.loss, top) for trial in trials]
        return np.array([(trial.number, height) for trial, height in zip(trials, heights, strict=True)], dtype=float)
    if name == "front":
        return np.array([[_or_nan(trial.sparseness), 100 * _or_nan(trial.error)] for trial in trials])
    across, up = ax.get_xlabel(), ax.get_ylabel()
    return np.array([[_setting(trial, across), _setting(trial, up)] for trial in trials])


def _setting(trial: Trial, name: str) -> float:
    if name == "loss":
        return _or_nan(trial.loss)
    value = trial.settings.get(name)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else np.nan


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value


def _label(trial: Trial) -> str:
    settings = ", ".join(f"{name} {_short(value)}" for name, value in trial.settings.items())
    what = f"failed: {trial.message}" if trial.loss is None else f"loss {trial.loss:.4g}"
    return f"trial {trial.number}: {what}; {settings}"


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
