"""Settings that a finished search proposes: those of the best trial, or no penalty where none helps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mffnb.tuning.trials import Trial

PENALTIES = ("sparsity", "smoothness")
_ERRORS = 2.0  # number of standard errors by which the best trial must be better than the weakest penalty


def proposal(trials: Sequence[Trial], best: Trial) -> tuple[dict[str, Any], str]:
    """Return the searched settings to use, and a sentence on whether penalties help; empty if that was not tested.

    Trials whose losses have parts are compared with the trial of the weakest penalties, part by part. If the best one
    is not better by two standard errors, searched penalties are set to zero; one
    that all trials share stays.

    Parameters
    ----------
    trials
        All trials.
    best
        The trial with the lowest loss.

    Examples
    --------
    >>> made = [((1.0, 2.0, 3.0), 0.0), ((1.1, 1.9, 3.0), 0.1), ((0.5, 1.4, 2.6), 1.0)]
    >>> trials = [Trial(i, {"sparsity": w}, sum(p), parts=p) for i, (p, w) in enumerate(made)]
    >>> proposal(trials[:2], trials[1])[0], proposal(trials, trials[2])[0]
    ({'sparsity': 0.0}, {'sparsity': 1.0})
    """
    settings = dict(best.settings)
    weights = [name for name in PENALTIES if isinstance(settings.get(name), (int, float))]
    searched = [name for name in weights if len({one.settings.get(name) for one in trials}) > 1]
    others = [one for one in trials if one.parts and _without(one.settings, searched) == _without(settings, searched)]
    if not searched or not best.parts or len({_total(one, searched) for one in others}) < 2:
        return settings, ""
    weakest = min(others, key=lambda one: (_total(one, searched), one.number))
    gain = np.array(weakest.parts) - np.array(best.parts)
    error = float(gain.std(ddof=1) / np.sqrt(len(gain))) if len(gain) > 1 else np.inf
    if best is weakest or not gain.mean() > _ERRORS * error:
        return {**settings, **dict.fromkeys(searched, 0.0)}, (
            f"no penalty helps: no weight of {' and '.join(searched)} gave a clearly lower error than the weakest one"
        )
    lower = 100 * (1 - best.loss / weakest.loss) if best.loss is not None and weakest.loss else 0.0
    values = ", ".join(f"{name} {settings[name]:.3g}" for name in searched)
    return settings, f"{values}: the error is {lower:.2g} % lower than with the weakest penalty"


def _without(settings: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return settings without some of them."""
    return {name: value for name, value in settings.items() if name not in names}


def _total(trial: Trial, names: Sequence[str]) -> float:
    """Return the sum of the weights of the penalties of a trial."""
    return float(sum(trial.settings[name] for name in names))
