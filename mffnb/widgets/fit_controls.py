"""What the running fit of an explorer, or the answers of a search, need of the controls beside their view."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from mffnb.widgets.session.parameters import Parameters


class FitControls(Protocol):
    """Controls that set the parameters of a fit."""

    @property
    def parameters(self) -> Parameters:
        """The present settings."""

    @property
    def positions(self) -> dict[str, float]:
        """Positions of all sliders of weights by name."""

    @property
    def max_components(self) -> int:
        """Largest number of components."""

    def set(self, **values: Any) -> None:
        """Set several controls with a single callback."""

    def set_exactly(self, control: str, value: float) -> None:
        """Set a weight to exactly this number."""

    def show(self, parameters: Parameters, positions: Mapping[str, float]) -> None:
        """Move all controls to these parameters, with a single callback."""

    def resend_state(self) -> None:
        """Send the state of every control to the browser without changing it."""

    def on_change(self, callback: Callable[[], object]) -> None:
        """Register a callback, called whenever a control changes."""

    def on_restart(self, callback: Callable[[], object]) -> None:
        """Register a callback, called when the user restarts the run from the data."""

    def on_stop(self, callback: Callable[[], object]) -> None:
        """Register a callback, called when the user stops the run."""
