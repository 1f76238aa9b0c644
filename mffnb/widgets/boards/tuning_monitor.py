"""A search for settings before the user's eyes: trials as they end, their maps, and an explorer that takes one over."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import ipywidgets

from mffnb.tuning.searching import Searching
from mffnb.tuning.staging import Staging
from mffnb.tuning.trials import Trial
from mffnb.tuning.tuning import Ended, Tuning
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.boards.board import Board, ordered
from mffnb.widgets.boards.picture import Drawn, Picture
from mffnb.widgets.boards.trial_choice import TrialChoice
from mffnb.widgets.boards.trial_fits import Fits
from mffnb.widgets.boards.trial_pictures import losses, settings_of, summary, told
from mffnb.widgets.boards.trial_words import in_words
from mffnb.widgets.explorer import Explorer
from mffnb.widgets.live_view.messages import encoded

_PICTURE_WAIT = 0.5  # seconds a notebook may wait for the picture it keeps when it is saved
_BREATH = 0.02  # seconds between two looks at a fit

Found = tuple[Tuning, ...]


class TuningMonitor(ipywidgets.VBox):
    """Watch a search for settings, see the maps of any of its trials, and hand the settings of one to an explorer.

    The search is that of :func:`mffnb.tuning.tune`, with the same trials, and runs in the background. Every trial is a
    point in three pictures: loss against trial, settings against each other, error against sparseness. A click on a
    point, or the slider, shows the maps at its settings; until then those of the best trial so far are shown.

    Parameters
    ----------
    cube, space, objective
        As for :func:`mffnb.tuning.tune`; or a :class:`mffnb.tuning.Tuning` that is finished, alone.
    algorithm, max_evals, executor, window, path, seed, patience, options
        As for :func:`mffnb.tuning.tune`. With ``path`` every trial is on disk, and those of an earlier run are there
        at once.

    Attributes
    ----------
    search
        The search so far: a :class:`mffnb.tuning.Tuning`; of a staged one, that of the last stage.
    stages
        All stages.
    view
        The live picture of the trial that is chosen.
    explorer
        The explorer that has taken over; None before.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.tof_sims_2d(seed=0, shape=(8, 12)).cube
    >>> monitor = mf.TuningMonitor(cube, {"sparsity": (1e-3, 1.0)}, mf.tuning.BIC(), k=3, algorithm="grid", max_evals=3)
    >>> monitor.wait()
    >>> monitor.search.ended.name, monitor.trial.number == monitor.search.best.number
    ('FINISHED', True)
    >>> monitor.choose(0)
    >>> monitor.wait()
    >>> monitor.result.parameters["sparsity"]
    0.001
    >>> monitor.close()
    """

    def __init__(
        self,
        cube: Any,
        space: Any = None,
        objective: Any = None,
        *,
        algorithm: str = "tpe",
        max_evals: int = 60,
        executor: Any = None,
        window: int = 4,
        path: Any = None,
        seed: int = 0,
        patience: int | None = None,
        **options: Any,
    ) -> None:
        if isinstance(cube, Tuning):
            if space is not None or objective is not None or options:
                raise TypeError("a finished search takes nothing else: give the cube and a space to search anew")
            finished: Found = (cube,)
            self._open(lambda _stop, _pool: (one for one in [finished]), len(cube.trials))
            return
        asked = Searching(
            cube, space, objective, algorithm, max_evals, executor, window, path, seed, patience, None, options
        )
        self._open(lambda stop, pool: ((one,) for one in asked.run_by(pool, stop).states()), max_evals, executor)

    @classmethod
    def staged(
        cls,
        cube: Any,
        objective: Any = None,
        *,
        sparsity: tuple[float, float] = (1e-3, 1.0),
        smoothness: tuple[float, float] = (1e-3, 10.0),
        max_evals: int = 15,
        algorithm: str = "line",
        executor: Any = None,
        window: int = 4,
        path: Any = None,
        seed: int = 0,
        patience: int | None = None,
        **options: Any,
    ) -> TuningMonitor:
        """Watch :func:`mffnb.tuning.staged`: sparsity first, then smoothness; all keywords are its own.

        Examples
        --------
        >>> import mffnb as mf
        >>> cube = mf.datasets.tof_sims_2d(seed=0, shape=(8, 12)).cube
        >>> monitor = mf.TuningMonitor.staged(cube, mf.tuning.BIC(), k=3, max_evals=2)
        >>> monitor.wait()
        >>> [len(stage.trials) for stage in monitor.stages]
        [2, 2]
        >>> monitor.close()
        """
        space = {"sparsity": [0.0, 1.0]}  # of no stage: each has its own
        asked = Searching(
            cube, space, objective, algorithm, max_evals, executor, window, path, seed, patience, None, options
        )
        _ = Staging(asked, sparsity, smoothness)  # which refuses what is wrong
        monitor = cls.__new__(cls)
        monitor._open(
            lambda stop, pool: Staging(asked.run_by(pool, stop), sparsity, smoothness).states(), 2 * max_evals, executor
        )
        return monitor

    def _open(
        self,
        states: Callable[[Callable[[], bool], Executor | None], Generator[Found]],
        total: int,
        executor: Any = None,
    ) -> None:
        """Build the widget and begin."""
        self._total = total
        self._found: Found = ()
        self._drawn: tuple[Trial, ...] | None = None
        self._shown: int | None = None
        # Trials on a thread of their own are those of no executor at all, and leave the worker free for clicks.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="mffnb-trial") if executor is None else None
        self._fits = Fits()
        self._board: Board[int, Found] = Board(
            self._states, self._publish, frames_per_second=3.0, explore=self.explore,
            to_explorer=("use these settings", "Open the explorer below with the settings of this trial"),
        )  # fmt: skip
        self._search = states(self._board.stopped.is_set, self._pool or executor)
        self.picture = Picture(self._draw, "trial", self.choose)
        self._choice = TrialChoice(self._board.changing, lambda: self.trials, self._chosen)
        self.slider, self.best = self._choice.slider, self._choice.best
        self._row = ipywidgets.HBox(
            [self.slider, self.best, self._board.hand], layout={"align_items": "center", "flex_flow": "row wrap"}
        )
        self._row.add_class("mffnb-controls")
        self._board.greet(self.slider, self.best)
        board = self._board
        above = [board.progress, board.error, self.picture, self._row, board.words]
        super().__init__([*above, board.view, board.place], layout={"align_items": "stretch"})
        board.runner.submit(0)

    @property
    def view(self) -> Any:
        """The live picture of the trial that is chosen."""
        return self._board.view

    @property
    def explorer(self) -> Explorer | None:
        """The explorer that has taken over, or None."""
        return self._board.explorer

    @property
    def stages(self) -> Found:
        """All stages of the search so far; one, where it is not staged."""
        return self._found

    @property
    def search(self) -> Tuning:
        """The search so far, that of the last stage.

        Raises
        ------
        ValueError
            If it has not begun.
        """
        if not self._found:
            raise ValueError("the search has not begun: wait() for it")
        return self._found[-1]

    @property
    def trials(self) -> tuple[Trial, ...]:
        """The trials of all stages so far, in the order of the slider."""
        return tuple(trial for stage in self._found for trial in stage.trials)

    @property
    def trial(self) -> Trial:
        """The trial that is chosen.

        Raises
        ------
        ValueError
            If there is none yet.
        """
        trials = self.trials
        if not trials:
            raise ValueError("no trial has ended yet: wait() for one")
        return trials[min(int(self.slider.value), len(trials) - 1)]

    @property
    def result(self) -> Unmixing:
        """The answer at the settings of the chosen trial; call :meth:`wait` first.

        Raises
        ------
        ValueError
            If the trial failed, or its maps are not there yet.
        """
        if self.trial.failed:
            raise ValueError(f"trial {self.slider.value} failed: {self.trial.message}")
        answer = self._fits.get(self.slider.value)
        if answer is None:
            raise ValueError(f"the maps of trial {self.slider.value} are not there yet: wait() for them")
        return answer

    def choose(self, number: int) -> None:
        """Choose a trial by its place in :attr:`trials`, as a click or the slider does.

        Raises
        ------
        ValueError
            If there is no such trial yet.
        """
        if not 0 <= number < len(self.trials):
            raise ValueError(f"there is no trial {number} yet: {len(self.trials)} have ended")
        self._choice.choose(number)

    def stop(self) -> None:
        """End the search after the trials that have begun; everything is kept."""
        self._board.end()

    def wait(self, timeout: float | None = None) -> None:
        """Block until the search has ended and the chosen trial is shown; raise what the search raised.

        Raises
        ------
        TimeoutError
            After ``timeout`` seconds.
        """
        self._board.runner.wait(timeout)

    def explore(self) -> Explorer:
        """Open an explorer below with the settings of the chosen trial, going on from its answer."""
        return self._board.open_explorer(self.result, settings_of(self._found, self.slider.value))

    def close(self) -> None:
        """End the search and remove the widget; what was found is still in ``search``."""
        if hasattr(self, "_board"):  # what was refused leaves half a widget, which is closed too
            self._board.close()
            self._fits.close()
            with suppress(ValueError):  # where the worker is still in it: it ends with its process
                self._search.close()
            if self._pool is not None:
                self._pool.shutdown(wait=False, cancel_futures=True)
            for widget in (self.picture, self.slider, self.best, self._row):
                widget.close()
        super().close()

    # ------------------------------------------------------------------------------------------ worker thread

    def _states(self, _number: int) -> Iterator[Found]:
        """The search so far while it goes on, and until the chosen trial has been fitted.

        The search itself is never left: a newer choice goes on with it.
        """
        going = True
        while going or not self._fits.settled:
            found = next(self._search, None) if going else None
            going = found is not None
            if found is not None:
                self._found = found
            else:
                self._fits.wait(_BREATH)
            self._follow()
            yield self._found

    def _follow(self) -> None:
        """Bring slider and fits to where the search is now."""
        trials = self.trials
        if not trials:
            return
        number = self._choice.follow(trials)
        if not trials[number].failed:
            job = self._found[-1].job
            self._fits.ask(number, job.cube, settings_of(self._found, number))

    def _publish(self, _generation: int, _number: int, found: Found, final: bool) -> None:
        trials = self.trials
        if trials != self._drawn:
            self._drawn = trials
            self.picture.redraw()
        whole = final and not self._board.stopped.is_set()
        share = 1.0 if whole else min(len(trials) / max(self._total, 1), 1.0)
        ended = found[-1].ended.value if found and found[-1].ended is not Ended.RUNNING else ""
        self._board.tell(share, told(trials, self._total, ended), final=final)
        self._tell_trial()

    # --------------------------------------------------------------------------------------------- any thread

    def _chosen(self) -> None:
        self._tell_trial()
        self._board.runner.submit(self.slider.value)

    def _tell_trial(self) -> None:
        """The chosen trial in words, its marks, and its maps as soon as they are there."""
        with self._board.changing:
            trials, number = self.trials, self.slider.value
            if number >= len(trials):
                return
            trial, answer = trials[number], self._fits.get(number)
            self.picture.chosen = number
            self._board.hand.disabled = answer is None
            self._board.words.value = in_words(number, trial, self._fits.complaint(number))
            if trial.failed or self._fits.complaint(number):
                self._shown = None
                self._board.clear()
            elif answer is not None and self._shown != number:
                self._shown = number
                error = float(answer.trace.relative_error[-1])
                named = ordered(answer, self._board.named(answer))
                self._fits.keep(number, named)
                self._board.show(named, {"relative_error": error, "text": f"trial {number}"}, {"trial": number})

    def _draw(self) -> Drawn | None:
        return losses(self._found) if self.trials else None

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = super()._repr_mimebundle_(**options)
        self._board.runner.settled(_PICTURE_WAIT)  # what there is by then is good enough for a picture
        if self.trials:
            data = bundle[0] if isinstance(bundle, tuple) else bundle
            data["image/png"] = encoded(summary(self._found, self._fits.get(self.slider.value)))
        return bundle
