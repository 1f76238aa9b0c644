"""A trial in words, as they stand above its maps."""

from __future__ import annotations

import html
from typing import Any

from mffnb.tuning.trials import Trial


def in_words(number: int, trial: Trial, complaint: str) -> str:
    """Settings and what came of them, as HTML; ``complaint`` says why its maps cannot be shown, if they cannot."""
    settings = ", ".join(f"{name} {_short(value)}" for name, value in trial.settings.items())
    head = f"<b>trial {number}</b> <span class='mffnb-quiet'>{html.escape(settings)}</span><br>"
    if trial.failed:
        return f"{head}<span class='mffnb-failed'>failed: {html.escape(trial.message)}</span>"
    if complaint:
        return f"{head}<span class='mffnb-failed'>its maps cannot be shown: {html.escape(complaint)}</span>"
    parts = [f"loss <b>{_short(trial.loss)}</b>"]
    if trial.error is not None:
        parts.append(f"relative error <b>{100 * trial.error:.3g} %</b>")
    if trial.sparseness is not None:
        parts.append(f"sparseness <b>{trial.sparseness:.3g}</b>")
    return head + " &nbsp; ".join([*parts, trial.outcome.lower().replace("_", " ")])


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
