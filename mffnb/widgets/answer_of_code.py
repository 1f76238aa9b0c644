"""Difference between the picture of an explorer and the answer of its code, which starts from the data."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mffnb.geometry.matching import match, spectral_angles
from mffnb.solvers import Outcome
from mffnb.widgets.history import Entry
from mffnb.widgets.session.solved import Solved

_WIDTH = 100  # longest line
_ENDED = (Outcome.CONVERGED, Outcome.MAX_ITER)


def origin_lines(shown: Solved, entries: Sequence[Entry]) -> list[str]:
    """Return comment lines on how the answer of the code differs from the state that is shown; none if it does not.

    Parameters
    ----------
    shown
        The state that is shown.
    entries
        The history, which may have the answer of the code from an earlier run with the same settings from the data.
    """
    if shown.from_data:
        if shown.state.outcome in (*_ENDED, Outcome.RUNNING):  # a running fit ends where the code does
            return []
        return ["# The run of the picture was stopped, and this code runs to the end."]
    answer = next((one.solved for one in reversed(entries) if _is_answer_of_code(one.solved, shown)), None)
    if answer is None:
        text = (
            "The picture was reached from earlier settings, or by merging or splitting components, and this code "
            "starts from the data: explorer.rerun() shows its answer, and by what angle both differ."
        )
    else:
        component, angle = _largest_angle(shown, answer)
        text = (
            "The picture was reached from earlier settings, or by merging or splitting components, and this code "
            f"starts from the data: its spectra differ by up to {angle:.3g} degrees (component {component})."
        )
    return textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ")


def _is_answer_of_code(solved: Solved, shown: Solved) -> bool:
    """Whether a state is the end of a run from the data with the settings of another one."""
    ended = solved.from_data and solved.state.outcome in _ENDED
    return ended and replace(solved.parameters, bands=False) == replace(shown.parameters, bands=False)


def _largest_angle(shown: Solved, answer: Solved) -> tuple[int, float]:
    """Return the component of the shown state that differs most from its partner, and the angle in degrees."""
    spectra, others = shown.state.endmembers, answer.state.endmembers
    partner = match(spectra, others)
    angles = np.degrees([spectral_angles(spectra[[row]], others[[p]])[0, 0] for row, p in enumerate(partner)])
    worst = int(np.argmax(angles))
    return shown.names[worst], float(angles[worst])
