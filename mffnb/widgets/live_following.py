"""The growing file of an explorer in its page: the button that ends and begins the following, and a line on frames."""

from __future__ import annotations

import weakref
from collections.abc import Callable

from mffnb.widgets.controls.follow_button import FollowButton
from mffnb.widgets.lifetime import weakly
from mffnb.widgets.live_view.live_view import LiveView
from mffnb.widgets.session.followed_session import FollowedSession
from mffnb.widgets.tool import WITHOUT_ALL_FRAMES
from mffnb.widgets.tools import TOOLS

_WAITING = (
    "The file is followed. Controls that need all frames are disabled, and tools that need them are hidden, until the "
    "file is complete or you click stop following."
)


class LiveFollowing:
    """Shows whether a growing file is followed.

    Parameters
    ----------
    session
        The session that follows the file.
    button, view
        The button beside the other ones of the run, by which controls know whether to wait, and the live view; held
        weakly.
    follow_again
        Begins to follow the file again.
    """

    def __init__(
        self,
        session: FollowedSession,
        button: FollowButton,
        view: LiveView,
        follow_again: Callable[[], object],
    ) -> None:
        self._session = session
        self._button, self._view = weakref.ref(button), weakref.ref(view)
        self._follow_again = follow_again
        clicked = weakly(self._clicked)
        button.on_click(lambda _: clicked())

    @property
    def going_on(self) -> bool:
        """Whether the file is followed."""
        return self._session.following

    @property
    def note(self) -> str:
        """Sentence on the frames that an answer has; empty if it has all."""
        return self._session.note

    def show(self) -> None:
        """Show in the page whether the file is followed."""
        button, view = self._button(), self._view()
        going_on = self.going_on
        if button is not None:
            button.show(following=going_on, complete=self._session.complete)
        if view is not None:
            view.unavailable = sorted({*TOOLS} - WITHOUT_ALL_FRAMES) if going_on else []
            if going_on:
                view.notices = [{"text": _WAITING}]

    def _clicked(self) -> None:
        """Stop to follow the file, or follow it again."""
        if self.going_on and not self._session.stopping:
            self._session.stop()
            return
        try:
            self._follow_again()
        except ValueError as error:
            view = self._view()
            if view is not None:
                view.error = str(error)
