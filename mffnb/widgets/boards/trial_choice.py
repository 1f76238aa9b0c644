"""Which trial of a search is shown."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import ipywidgets

from mffnb.tuning.trials import Trial
from mffnb.widgets.controls.pieces import flexible

Trials = tuple[Trial, ...]


class TrialChoice:
    """The best trial so far, until the user chooses: then that one, until the button asks for the best again.

    Parameters
    ----------
    changing
        Held while widgets are changed from any thread.
    trials
        Returns the trials so far, in the order of the slider.
    chosen
        Called after the user has chosen; not when the slider follows the best trial.

    Attributes
    ----------
    slider, best
        The widgets: the place of the trial that is shown, and the button.
    """

    def __init__(
        self, changing: AbstractContextManager[Any], trials: Callable[[], Trials], chosen: Callable[[], None]
    ) -> None:
        self._changing, self._trials, self._chosen = changing, trials, chosen
        self._followed = True
        self._moving = False
        self.slider = ipywidgets.IntSlider(
            value=0, min=0, max=0, description="trial", tooltip="Whose settings and maps are shown",
            continuous_update=True, disabled=True, style={"description_width": "initial"}, layout=flexible(),
        )  # fmt: skip
        self.best = ipywidgets.Button(
            description="best", tooltip="Choose the trial with the lowest loss", icon="check", disabled=True,
            layout={"width": "7em", "flex": "0 0 auto"},
        )  # fmt: skip
        self.slider.observe(lambda _: self._moved(), "value")
        self.best.on_click(lambda _: self._choose_best())

    def choose(self, number: int) -> None:
        """Choose a trial, as a click on its point does."""
        self._followed = False
        if number == self.slider.value:
            self._chosen()
        else:
            self.slider.value = number

    def follow(self, trials: Trials) -> int:
        """Make room for new trials; the place of the one to show."""
        with self._changing:
            self.slider.max = max(len(trials) - 1, self.slider.max)
            self.slider.disabled = self.best.disabled = False
            if self._followed:
                self._move(_best(trials))
            return int(self.slider.value)

    def _choose_best(self) -> None:
        self._followed = True
        with self._changing:
            self._move(_best(self._trials()))
        self._chosen()

    def _moved(self) -> None:
        if not self._moving:
            self._followed = False
            self._chosen()

    def _move(self, number: int) -> None:
        """Move the slider where the user did not."""
        self._moving = True
        try:
            self.slider.value = number
        finally:
            self._moving = False


def _best(trials: tuple[Trial, ...]) -> int:
    """The place of the trial with the lowest loss; the last one where all failed."""
    done = [number for number, trial in enumerate(trials) if trial.loss is not None]
    return min(done, key=lambda number: (trials[number].loss or 0.0, number)) if done else len(trials) - 1
