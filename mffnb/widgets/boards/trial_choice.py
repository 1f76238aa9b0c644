"""Select the trial of a search whose maps are shown: slider, and button for the best trial."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import ipywidgets

from mffnb.tuning.trials import Trial
from mffnb.widgets.controls.elements import flexible
from mffnb.widgets.lifetime import weakly

Trials = tuple[Trial, ...]


class TrialChoice:
    """The trial whose maps are shown: the best one so far, until the user selects another one.

    The button makes the selection follow the best trial again.

    Parameters
    ----------
    changing
        Lock that is held while widgets are changed.
    trials
        Function that returns the trials so far, in the order of the slider.
    chosen
        Function that is called after the user has selected a trial, but not when the slider follows the best trial.

    Attributes
    ----------
    slider, best
        The slider with the index of the selected trial, and the button that selects the best trial.
    """

    def __init__(
        self, changing: AbstractContextManager[Any], trials: Callable[[], Trials], chosen: Callable[[], None]
    ) -> None:
        self._changing, self._trials, self._chosen = changing, trials, chosen
        self._follows_best = True
        self._mover: int | None = None  # the thread that moves the slider from the program
        self.slider = ipywidgets.IntSlider(
            value=0, min=0, max=0, description="trial", tooltip="Trial whose settings and maps are shown",
            continuous_update=True, disabled=True, style={"description_width": "initial"}, layout=flexible(),
        )  # fmt: skip
        self.best = ipywidgets.Button(
            description="best", tooltip="Select the trial with the lowest loss", icon="check", disabled=True,
            layout={"width": "7em", "flex": "0 0 auto"},
        )  # fmt: skip
        moved, choose_best = weakly(self._moved), weakly(self._choose_best)
        self.slider.observe(lambda _: moved(), "value")
        self.best.on_click(lambda _: choose_best())

    def choose(self, number: int) -> None:
        """Select a trial by its index, as a click on its point does."""
        self._follows_best = False
        if number == self.slider.value:
            self._chosen()
        else:
            self.slider.value = number

    def select(self, number: int) -> None:
        """Move the slider to a trial that undo shows again, and no longer follow the best one."""
        self._follows_best = False
        with self._changing:
            self._move(number)

    def follow(self, trials: Trials) -> int:
        """Extend the slider to new trials and follow the best trial; return the index of the selected trial."""
        with self._changing:
            self.slider.max = max(len(trials) - 1, self.slider.max)
            self.slider.disabled = self.best.disabled = False
            if self._follows_best:
                self._move(_best(trials))
            return int(self.slider.value)

    def _choose_best(self) -> None:
        """Select the best trial, and follow it when better trials finish."""
        self._follows_best = True
        with self._changing:
            self._move(_best(self._trials()))
        self._chosen()

    def _moved(self) -> None:
        """Store the selection of a trial that the user has made with the slider."""
        if self._mover != threading.get_ident():
            self._follows_best = False
            self._chosen()

    def _move(self, number: int) -> None:
        """Move the slider from the program; unlike a move by the user, this does not count as a selection."""
        self._mover = threading.get_ident()  # the user may move the slider on another thread at the same time
        try:
            self.slider.value = number
        finally:
            self._mover = None


def _best(trials: tuple[Trial, ...]) -> int:
    """Return the index of the trial with the lowest loss; that of the last trial if all failed."""
    done = [number for number, trial in enumerate(trials) if trial.loss is not None]
    return min(done, key=lambda number: (trials[number].loss or 0.0, number)) if done else len(trials) - 1
