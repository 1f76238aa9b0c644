"""Button of an explorer on a growing file: it ends the following, and begins it again."""

from __future__ import annotations

import ipywidgets
import traitlets

_STOP = ("stop following", "stop", "Read the frames so far and fit all of them; the file may go on to grow")
_AGAIN = ("follow again", "play", "Go on with the frames that the file has received since: explorer.follow_again()")
_COMPLETE = "Disabled: all frames of the file are here."


class FollowButton(ipywidgets.Button):
    """A button that names what a click does: stop to follow the file, or follow it again.

    Examples
    --------
    >>> button = FollowButton()
    >>> button.description
    'stop following'
    >>> button.show(following=False, complete=False)
    >>> button.description
    'follow again'
    """

    following = traitlets.Bool(True)
    """Whether the file is followed, so that controls which need all frames wait."""

    def __init__(self) -> None:
        super().__init__(layout={"width": "10em", "flex": "0 0 auto"})
        self.show(following=True, complete=False)

    def show(self, *, following: bool, complete: bool) -> None:
        """Show what a click does; nothing where the file is complete."""
        self.following = following
        self.description, self.icon, tooltip = _STOP if following else _AGAIN
        self.tooltip, self.disabled = _COMPLETE if complete else tooltip, complete
