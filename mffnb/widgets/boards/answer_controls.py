"""Controls of a rank explorer or tuning monitor as its live view needs them: which answer of a search is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mffnb.widgets.session.answer_session import AnswerSession, no_run
from mffnb.widgets.session.parameters import Parameters
from mffnb.widgets.session.search_answer import SearchAnswer


class AnswerControls:
    """The settings of the answer that is shown. They are those of a finished fit, so that no control moves them.

    Parameters
    ----------
    session
        The answers.
    selected
        Called with the answer to which undo or the history returns, so that the widget selects it.
    refresh
        Sends the state of the widget's controls to the browser again.
    """

    def __init__(
        self,
        session: AnswerSession,
        selected: Callable[[SearchAnswer], object],
        refresh: Callable[[], object],
    ) -> None:
        self._session, self._selected, self._refresh = session, selected, refresh
        self._changed: list[Callable[[], object]] = []

    @property
    def parameters(self) -> Parameters:
        """Settings of the answer that is shown."""
        return self._session.parameters

    @property
    def positions(self) -> dict[str, float]:
        """Positions of sliders of weights: there are none."""
        return {}

    @property
    def max_components(self) -> int:
        """Largest k of the strip of evidence, which only an explorer has."""
        return 1

    def set(self, **values: Any) -> None:
        """Refuse other settings."""
        raise no_run(f"{next(iter(values), 'a setting')}=")

    def set_exactly(self, control: str, value: float) -> None:
        """Refuse another weight."""
        raise no_run(f"set_number({control!r}, {value!r})")

    def show(self, parameters: Parameters, positions: Mapping[str, float]) -> None:
        """Select the answer to which the session has been restored, and show it."""
        solved = self._session.wanted
        assert solved is not None, "restore() comes first"
        assert solved.origin is not None, "a state of this session is an answer of a search"
        self._selected(solved.origin)
        for callback in self._changed:
            callback()

    def resend_state(self) -> None:
        """Send the state of the widget's controls to the browser again."""
        self._refresh()

    def on_change(self, callback: Callable[[], object]) -> None:
        """Register a callback, called when undo has selected another answer."""
        self._changed.append(callback)

    def on_restart(self, callback: Callable[[], object]) -> None:
        """Do nothing: there is no run to restart."""

    def on_stop(self, callback: Callable[[], object]) -> None:
        """Do nothing: there is no run to stop."""
