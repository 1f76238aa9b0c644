"""Describe a trial of a hyperparameter search as HTML, to be shown above its maps."""

from __future__ import annotations

import html
from typing import Any

from mffnb.tuning.trials import Trial


def trial_html(number: int, trial: Trial, error: str) -> str:
    """Return settings, loss and outcome of a trial as HTML; ``error`` is the message of a fit that failed."""
    settings = ", ".join(f"{name} {_short(value)}" for name, value in trial.settings.items())
    head = f"<b>trial {number}</b> <span class='mffnb-quiet'>{html.escape(settings)}</span><br>"
    if trial.failed:
        return f"{head}<span class='mffnb-failed'>failed: {html.escape(trial.message)}</span>"
    if error:
        return f"{head}<span class='mffnb-failed'>its maps cannot be shown: {html.escape(error)}</span>"
    parts = [f"loss <b>{_short(trial.loss)}</b>"]
    if trial.error is not None:
        parts.append(f"relative error <b>{trial.error:.3g}</b>")
    if trial.sparseness is not None:
        parts.append(f"sparseness <b>{trial.sparseness:.3g}</b>")
    return head + " &nbsp; ".join([*parts, trial.outcome.lower().replace("_", " ")])


def _short(value: Any) -> str:
    """Return a number with four significant digits, or any other value as text."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
