"""Widget for a hyperparameter search: finished trials, their maps, and an explorer with the settings of a trial."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import ipywidgets
from matplotlib.figure import Figure

from mffnb.cubes.tiles import tiles_of
from mffnb.keywords import checks_keywords
from mffnb.tuning.search_loop import SettingsSearch
from mffnb.tuning.staging import StagedSearch
from mffnb.tuning.trials import Trial
from mffnb.tuning.tuning import Ended, Tuning
from mffnb.unmixing.joint_mosaic import is_mosaic, joint_of_mosaic
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.unmix import unmix
from mffnb.widgets.appearance import visible
from mffnb.widgets.boards.board import Board
from mffnb.widgets.boards.board_widget import BoardWidget
from mffnb.widgets.boards.known_components import KnownComponents
from mffnb.widgets.boards.picture import Picture, RenderedFigure
from mffnb.widgets.boards.search_calls import call_of_trial
from mffnb.widgets.boards.shown_images import ShownImages, check_explored, check_shown
from mffnb.widgets.boards.trial_choice import TrialChoice
from mffnb.widgets.boards.trial_fits import TrialFits
from mffnb.widgets.boards.trial_html import trial_html
from mffnb.widgets.boards.trial_pictures import progress_text, search_figure, settings_of, summary
from mffnb.widgets.explorer import Explorer
from mffnb.widgets.lifetime import hold_weakly, weakly
from mffnb.widgets.session.search_answer import SearchAnswer, SearchCall, with_component_numbers

__all__ = ["TuningMonitor"]

_POLL_SECONDS = 0.02  # time between two checks whether a fit is finished, in seconds

Found = tuple[Tuning, ...]


class TuningMonitor(BoardWidget):
    """Widget that shows a hyperparameter search while it runs, with the maps of any trial.

    The search of :func:`mffnb.tuning.tune` runs in the background, with identical trials. Every trial is a point in
    three figures: loss against trial, settings against each other, error against sparseness. A click on a point, or the
    slider, shows the maps for the settings of the trial in the view of the explorer, with its tools, history and names:
    ``monitor.probe(y=, x=)``, ``monitor.residual_map()``, ``monitor.rename(0, "lignin")``. Before that the best trial
    so far is shown. The settings of a trial can be passed to an explorer, for the tools that start a run.

    Parameters
    ----------
    cube, space, objective
        As for :func:`mffnb.tuning.tune`; or only a finished :class:`mffnb.tuning.Tuning`. Several images, maps or
        lines, are shown side by side, without ``tie``.
    algorithm, max_evals, executor, window, path, seed, patience, options
        As for :func:`mffnb.tuning.tune`. With ``path`` every trial is stored on disk, and the trials of an earlier run
        are shown immediately.

    Attributes
    ----------
    search
        The search so far, a :class:`mffnb.tuning.Tuning`; for a staged search that of the last stage.
    stages
        Results of all stages of a staged search.
    view
        Live view of the selected trial.
    explorer
        The explorer opened from the selected trial; None before.

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

    @checks_keywords(unmix)
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
                raise TypeError("a finished search takes no other arguments: give a cube and a space for a new one")
            finished: Found = (cube,)
            self._open(lambda _stop, _pool: (one for one in [finished]), len(cube.trials), cube=cube.job.source)
            return
        search = SettingsSearch(
            cube, space, objective, algorithm, max_evals, executor, window, path, seed, patience, None, options
        )
        search.warn_if_picture()
        check_shown(options, space)
        _ = ShownImages.of(search.job)  # images that cannot be shown are refused now, before the search starts
        self._open(
            lambda stop, pool: ((one,) for one in search.with_executor(pool, stop).states()), max_evals, executor,
            cube=cube,
        )  # fmt: skip

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
        """Show a staged search (:func:`mffnb.tuning.staged`): first sparsity, then smoothness; same keywords.

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
        space = {"sparsity": [0.0, 1.0]}  # a valid placeholder; each stage has its own space
        search = SettingsSearch(
            cube, space, objective, algorithm, max_evals, executor, window, path, seed, patience, None, options
        )
        check_shown(options)
        _ = ShownImages.of(search.job)
        # check the ranges now, so that invalid ones raise an error before the search starts
        _ = StagedSearch(search, sparsity, smoothness)
        monitor = cls.__new__(cls)
        monitor._open(
            lambda stop, pool: StagedSearch(search.with_executor(pool, stop), sparsity, smoothness).states(),
            2 * max_evals,
            executor,
            cube=cube,
        )
        return monitor

    def _open(
        self,
        states: Callable[[Callable[[], bool], Executor | None], Generator[Found]],
        total: int,
        executor: Any = None,
        *,
        cube: Any,
    ) -> None:
        """Create the widgets and start the search.

        ``states`` is called with a stop function and an executor, and iterates over the states of the search.
        """
        self._total = total
        self._found: Found = ()
        self._drawn: tuple[Trial, ...] | None = None
        self._by_user = False  # whether the user has selected the trial that is to be shown
        self._known = KnownComponents()
        self._orders: dict[int, tuple[int, ...]] = {}
        self._answers: dict[int, tuple[Unmixing, SearchAnswer]] = {}
        # One thread for the trials gives the same trials as no executor, and keeps the worker free to react to clicks.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="mffnb-trial") if executor is None else None
        self._fits = TrialFits()
        self._images: ShownImages | None = None
        advance = weakly(self._advance)
        self._board: Board[int, Found] = Board(
            lambda _: _states(advance), self._publish, frames_per_second=3.0, explore=weakly(self.explore),
            selected=weakly(self._returned), summary=weakly(self._summary),
            opener="mf.TuningMonitor", owner="monitor", cube=cube,
            to_explorer=("use these settings", "Open an explorer below with the settings of this trial"),
            stopped=threading.Event(),
        )  # fmt: skip
        self._search = states(self._board.stopped.is_set, self._pool or executor)
        self.picture = Picture(weakly(self._draw), "trial", weakly(self._choose))
        self._choice = TrialChoice(self._board.lock, weakly(self._present_trials), weakly(self._chosen))
        self.slider, self.best = self._choice.slider, self._choice.best
        self._row = ipywidgets.HBox(
            [self.slider, self.best, self._board.explore_button],
            layout={"align_items": "center", "flex_flow": "row wrap"},
        )
        self._row.add_class("mffnb-choice")
        self._board.refresh_when_drawn(self.slider, self.best)
        board = self._board
        above = [board.progress, board.error, self.picture, self._row, board.description]
        super().__init__([*above, board.view_error, board.view, board.explorer_box], layout={"align_items": "stretch"})
        self.add_class("mffnb-board")
        self._parts = (self.picture, self.slider, self.best, self._row)
        hold_weakly(self, *self._parts)
        board.runner.submit(0)

    @property
    def stages(self) -> Found:
        """Results of all stages of the search so far; a single one unless the search is staged."""
        return self._found

    @property
    def search(self) -> Tuning:
        """The result of the search so far; for a staged search that of the last stage.

        Raises
        ------
        ValueError
            If the search has not started.
        """
        if not self._found:
            raise ValueError("the search has not started: call wait() first")
        return self._found[-1]

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Trials of all stages so far, in the order of the slider."""
        return tuple(trial for stage in self._found for trial in stage.trials)

    def _present_trials(self) -> tuple[Trial, ...]:
        return self.trials

    @property
    def trial(self) -> Trial:
        """The selected trial, whose maps are shown.

        Raises
        ------
        ValueError
            If no trial has finished.
        """
        return self._selected()[1]

    @property
    def result(self) -> Any:
        """The result for the settings of the selected trial; call :meth:`wait` first.

        It is an :class:`mffnb.Unmixing`; of several images, a :class:`mffnb.JointUnmixing`. Names and colours that the
        user has given are its coordinates ``label`` and ``color``.

        Raises
        ------
        ValueError
            If the trial failed, or its fit has not finished.
        """
        found = self._result_of(*self._selected())
        return joint_of_mosaic(found) if is_mosaic(found) else found

    def _selected(self) -> tuple[int, Trial]:
        """Return index and trial of the slider's present position."""
        trials = self.trials
        if not trials:
            raise ValueError("no trial has finished: call wait() first")
        number = min(int(self.slider.value), len(trials) - 1)
        return number, trials[number]

    def _result_of(self, number: int, trial: Trial) -> Unmixing:
        """Return the result for the settings of a trial; raise an error if there is none."""
        if trial.failed:
            raise ValueError(f"trial {number} failed: {trial.message}")
        answer = self._fits.get(number)
        if answer is None:
            raise ValueError(f"the maps of trial {number} are not available yet: call wait() first")
        return self._board.named(self._searched(number, answer))

    def choose(self, number: int) -> None:
        """Select a trial by its index in :attr:`trials`, as a click or the slider does.

        Raises
        ------
        ValueError
            If the index is out of range.
        """
        if not 0 <= number < len(self.trials):
            raise ValueError(f"there is no trial {number}: {len(self.trials)} have finished so far")
        self._choice.choose(number)

    def _choose(self, value: int) -> None:
        """Select what was clicked in a figure."""
        self._board.call_and_show_error(self.choose, value)

    def explore(self) -> Explorer:
        """Open an explorer below, which starts from the result and the settings of the selected trial.

        Raises
        ------
        UnsupportedCombinationError
            If the trial has ``sparse_images``, which an explorer does not have.
        """
        number, trial = self._selected()  # read once: the slider may follow a better trial in the meantime
        settings = self._shown_images.settings(settings_of(self._found, number))
        check_explored(settings)
        return self._board.open_explorer(self._result_of(number, trial), settings)

    def _end(self, patience: float) -> None:
        """Stop the search and the fits; finished trials stay in ``search``."""
        super()._end(patience)
        self._fits.close()
        with suppress(ValueError):  # closing a generator that the worker thread still runs raises ValueError
            self._search.close()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    # ------------------------------------------------------------------------- called on the worker thread

    def _advance(self) -> tuple[Found, bool]:
        """Return the search after its next step, and whether it goes on or the selected trial is being fitted.

        The search iterator is never closed: after a new selection the next call continues it.
        """
        found = next(self._search, None)
        if found is not None:
            self._found = found
        else:
            self._fits.wait(_POLL_SECONDS)
        self._follow()
        return self._found, found is not None or not self._fits.settled

    def _follow(self) -> None:
        """Extend the slider to the trials so far, and request the fit of the selected trial."""
        trials = self.trials
        if not trials:
            return
        number = self._choice.follow(trials)
        if not trials[number].failed:
            self._fits.request(number, self._shown_images, settings_of(self._found, number))

    def _publish(self, _generation: int, _number: int, found: Found, final: bool) -> None:
        """Redraw the figures after new trials, and show the progress of the search."""
        trials = self.trials
        if trials != self._drawn:
            self._drawn = trials
            self.picture.redraw()
        whole = final and not self._board.stopped.is_set()
        share = 1.0 if whole else min(len(trials) / max(self._total, 1), 1.0)
        ended = found[-1].ended.value if found and found[-1].ended is not Ended.RUNNING else ""
        self._board.show_progress(share, progress_text(trials, self._total, ended), final=final)
        self._show_trial()

    # ----------------------------------------------------------------------------- called on any thread

    def _chosen(self) -> None:
        """Show the trial that the user has selected, and request its fit."""
        self._by_user = True
        self._show_trial()
        self._board.runner.submit(self.slider.value)

    def _show_trial(self) -> None:
        """Show the text of the selected trial, mark its points in the figure, and show its maps once it is fitted."""
        with self._board.lock:
            trials, number = self.trials, self.slider.value
            if number >= len(trials):
                return
            trial, answer, failed = trials[number], self._fits.get(number), self._fits.error_message(number)
            self._describe(number, trial)
            if trial.failed or failed:
                reason = trial.message if trial.failed else f"its maps cannot be shown: {failed}"
                self._board.clear(f"trial {number} has no maps: {reason}")
            elif answer is not None:
                self._board.show(self._searched(number, answer), step=self._by_user)
            else:
                self._board.expect(f"trial {number}")
                return
            self._by_user = False

    def _describe(self, number: int, trial: Trial) -> None:
        """Show the text of a trial, mark its points, and say whether an explorer can be opened from it."""
        self.picture.chosen = number
        self._board.explore_button.disabled = self._fits.get(number) is None
        self._board.description.value = trial_html(number, trial, self._fits.error_message(number))

    def _searched(self, number: int, fitted: Unmixing) -> SearchAnswer:
        """Return the fit of a trial with persistent component numbers; the same object for the same fit."""
        with self._board.lock:
            made = self._answers.get(number)
            if made is None or made[0] is not fitted:
                given, order = settings_of(self._found, number), self._orders.get(number)
                settings = self._shown_images.settings(given)
                order = self._orders[number] = order or self._known.numbers(fitted)
                named = with_component_numbers(fitted, order)
                made = fitted, SearchAnswer(named, settings, order, self._call(given, settings), {"trial": number})
                self._answers = {one: each for one, each in self._answers.items() if self._fits.get(one) is each[0]}
                self._answers[number] = made
            return made[1]

    def _call(self, given: dict[str, Any], settings: dict[str, Any]) -> SearchCall:
        """Return the call that finds the answer of a trial again; several images keep the keywords of their list."""
        several = bool(tiles_of(self._shown_images.cube))
        return call_of_trial(given if several else settings, joint=several)

    @property
    def _shown_images(self) -> ShownImages:
        """The images of the search, as the view shows them."""
        if self._images is None:
            self._images = ShownImages.of(self._found[-1].job)
        return self._images

    def _returned(self, answer: SearchAnswer) -> None:
        """Select the trial of an answer that undo or the history shows."""
        number = answer.place["trial"]
        with self._board.lock:
            self._by_user = False
            if self._fits.get(number) is None:  # it was too old to be kept
                self._fits.store(number, answer.result)
                self._answers[number] = answer.result, answer
            self._choice.select(number)
            self._board.returned(answer)
            self._describe(number, self.trials[number])

    def _draw(self) -> RenderedFigure | None:
        """Return the figure of the search with the trials so far."""
        return search_figure(self._found) if self.trials else None

    def _summary(self) -> Figure | None:
        """Return a figure with the trials and the selected result; None before the first trial has finished."""
        number = self.slider.value
        answer = self._fits.get(number)
        named = None if answer is None else visible(self._board.named(self._searched(number, answer)))
        return summary(self._found, named) if self.trials else None


def _states(advance: Callable[[], tuple[Found, bool] | None]) -> Iterator[Found]:
    """Yield the search so far until it has ended and the selected trial is fitted, or the monitor is dropped."""
    running = True
    while running and (step := advance()) is not None:
        found, running = step
        yield found
