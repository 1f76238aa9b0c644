"""Widget for choosing the number of components: running rank scan, criteria, maps for each k, component tree."""

from __future__ import annotations

import html
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import ipywidgets
from matplotlib.figure import Figure

from mffnb.cubes.as_cube import is_several
from mffnb.keywords import checks_keywords
from mffnb.selection.component_tree import Lineage
from mffnb.selection.scan import RankScan
from mffnb.selection.scanning import Scanning, Stage
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.appearance import visible
from mffnb.widgets.boards.board import Board
from mffnb.widgets.boards.board_widget import BoardWidget
from mffnb.widgets.boards.picture import Picture, RenderedFigure
from mffnb.widgets.boards.rank_pictures import criteria, summary, tree
from mffnb.widgets.boards.search_calls import call_of_scan
from mffnb.widgets.controls.elements import flexible
from mffnb.widgets.explorer import Explorer
from mffnb.widgets.lifetime import hold_weakly, weakly
from mffnb.widgets.session.search_answer import SearchAnswer, with_component_numbers

__all__ = ["RankExplorer"]


class RankExplorer(BoardWidget):
    """Widget for choosing the number of components k while a rank scan runs.

    The scan of :func:`mffnb.selection.scan_rank` runs in the background, and the criteria are updated after each k. A
    click on a k, or the slider, shows its maps and spectra in the view of the explorer, with its tools, history and
    names: ``ranks.probe(y=, x=)``, ``ranks.residual_map()``, ``ranks.rename(0, "lignin")``. Components keep number,
    name and colour as k changes. The tree shows which component splits into which. At the end the recommended k is
    shown with its reasons. An explorer can be opened from the selected result, for the tools that start a run.

    Parameters
    ----------
    cube
        Spectral image or its path, as for :func:`mffnb.unmix`, or a finished :class:`mffnb.selection.RankScan`.
    ks
        Numbers of components to try.
    options
        Keywords of :func:`mffnb.selection.scan_rank`.

    Attributes
    ----------
    scan
        The scan so far; None before the first k is done.
    view
        Live view of the selected result.
    explorer
        The explorer opened from the selected result; None before.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60)).cube
    >>> ranks = mf.RankExplorer(cube, range(2, 5), n_init=2, splits=2, random_state=0)
    >>> ranks.wait()
    >>> ranks.scan.recommend().k, ranks.k
    (3, 3)
    >>> ranks.choose(4)
    >>> ranks.result.abundances.sizes["component"]
    4
    >>> ranks.wait()
    >>> sorted(ranks.probe(pixel=(3, 4)))
    ['contributions', 'measured', 'model', 'residual']
    >>> ranks.close()
    """

    @checks_keywords(Scanning)
    def __init__(self, cube: Any, ks: Iterable[int] = range(2, 9), **options: Any) -> None:
        finished = cube if isinstance(cube, RankScan) else None
        if finished is not None and options:
            raise TypeError(f"a finished scan takes no {next(iter(options))!r}: give the cube to scan it again")
        if is_several(cube):
            raise TypeError("the rank explorer takes one image: scan a list by mf.selection.scan_rank(list)")
        scanning = finished or Scanning(cube, ks, **options)
        numbers = scanning.ks if isinstance(scanning, RankScan) else scanning.numbers
        self.scan: RankScan | None = None
        self._tree_of_scan: Lineage | None = None
        self._follows = True  # the explorer shows the newest k until the user selects one
        self._mover: int | None = None  # the thread that moves the slider from the program
        self._numbers = numbers
        self._answers: dict[int, SearchAnswer] = {}
        self._drawn: tuple[RankScan | None, bool] = None, False
        self._ended = False
        self.slider = ipywidgets.SelectionSlider(
            options=[(str(k), k) for k in numbers], value=numbers[0], description="components k",
            tooltip="Number of components of the maps and spectra shown", continuous_update=True,
            style={"description_width": "initial"}, layout=flexible(),
        )  # fmt: skip
        self.best = ipywidgets.Button(
            description="recommended", tooltip="Select the recommended number of components", icon="check",
            disabled=True, layout={"width": "auto", "flex": "0 0 auto"},
        )  # fmt: skip
        # The scan runs without a reference to this widget, so that a widget that is dropped ends its scan.
        keep, stopped = weakly(self._keep), threading.Event()
        self._board: Board[None, Stage] = Board(
            lambda _: _stages(scanning, stopped, keep), self._publish, frames_per_second=10.0,
            explore=weakly(self.explore), selected=weakly(self._returned), summary=weakly(self._summary),
            opener="mf.RankExplorer", owner="ranks", cube=None if finished is not None else cube,
            to_explorer=("explore with this k", "Open an explorer below that starts from this result"),
            stopped=stopped,
        )  # fmt: skip
        self.criteria = Picture(
            weakly(self._draw_criteria), "number of components, by the criteria", weakly(self._choose)
        )
        self.tree = Picture(
            weakly(self._draw_tree), "number of components, by the tree of components", weakly(self._choose)
        )
        self._choice = ipywidgets.HBox(
            [self.slider, self.best, self._board.explore_button],
            layout={"align_items": "center", "flex_flow": "row wrap"},
        )
        self._choice.add_class("mffnb-choice")
        moved, choose_recommended = weakly(self._moved), weakly(self._choose_recommended)
        self.slider.observe(lambda _: moved(), "value")
        self.best.on_click(lambda _: choose_recommended())
        self._board.refresh_when_drawn(self.slider, self.best)
        board = self._board
        parts = [
            board.progress,
            board.error,
            self.criteria,
            board.description,
            self._choice,
            board.view_error,
            board.view,
            self.tree,
            board.explorer_box,
        ]
        super().__init__(parts, layout={"align_items": "stretch"})
        self.add_class("mffnb-board")
        self._parts = (self.criteria, self.tree, self.slider, self.best, self._choice)
        hold_weakly(self, *self._parts)
        if finished is not None:
            self.scan = finished
        board.runner.submit(None)

    @property
    def k(self) -> int:
        """The selected number of components."""
        return int(self.slider.value)

    @property
    def result(self) -> Unmixing:
        """The result for the selected k; its ``component`` coordinate holds numbers that persist as k changes.

        Names and colours that the user has given are its coordinates ``label`` and ``color``.

        Raises
        ------
        ValueError
            If this k is not finished yet.
        """
        k, scan = self.k, self.scan
        if scan is None or k not in scan.results:
            raise ValueError(f"k = {k} is not finished yet: call wait(), or select another k")
        return self._board.named(self._answer(scan, k))

    def choose(self, k: int) -> None:
        """Select the number of components that is shown, as a click or the slider does.

        Raises
        ------
        ValueError
            If k is not in the scan.
        """
        values = [value for _, value in self.slider.options]
        if k not in values:
            raise ValueError(f"k = {k} is not in this scan: use one of {', '.join(map(str, values))}")
        self._follows = False
        if k == self.k:
            self._show(step=True)
        else:
            self.slider.value = k

    def _choose(self, value: int) -> None:
        """Select what was clicked in a figure."""
        self._board.call_and_show_error(self.choose, value)

    def explore(self) -> Explorer:
        """Open an explorer below, which starts from the selected result with the same component colours."""
        answer = self.result
        return self._board.open_explorer(answer, {} if self.scan is None else self.scan.settings)

    # ------------------------------------------------------------------------- called on the worker thread

    def _keep(self, scan: RankScan | None) -> None:
        """Keep the scan so far."""
        self.scan = scan

    def _publish(self, _generation: int, _: None, stage: Stage, final: bool) -> None:
        """Show the progress of the scan, and redraw the figures when a k is finished."""
        self._board.show_progress(stage.share, stage.text, final=final)
        scan = stage.scan
        if scan is None:
            return
        self._ended = final
        if (scan, final) != self._drawn:
            self._drawn = scan, final
            if self._follows and not final:
                self._move(scan.ks[-1])
            self.criteria.redraw()
            if len(self.tree.spots) != len(scan.ks):
                self.tree.redraw()
            self._show(step=not self._follows)
        if final:
            self._advise(scan)

    # ----------------------------------------------------------------------------- called on any thread

    def _lineage(self, scan: RankScan) -> Lineage:
        """Return the component tree of the scan, which is computed once for each new k."""
        with self._board.lock:
            if self._tree_of_scan is None or self._tree_of_scan.results.keys() != scan.results.keys():
                self._tree_of_scan = scan.lineage()
            return self._tree_of_scan

    def _answer(self, scan: RankScan, k: int) -> SearchAnswer:
        """Return the answer for k with persistent component numbers; the same object whenever it is asked for."""
        with self._board.lock:
            if k not in self._answers:
                numbers = tuple(self._lineage(scan).families()[k])
                self._answers[k] = SearchAnswer(
                    with_component_numbers(scan.results[k], numbers),
                    {**scan.settings, "random_state": scan.parameters.get("random_state")},
                    numbers,
                    call_of_scan(scan, k),
                    {},
                )
            return self._answers[k]

    def _moved(self) -> None:
        """Show the k that the user has selected with the slider."""
        if self._mover != threading.get_ident():
            self._follows = False
            self._show(step=True)

    def _returned(self, answer: SearchAnswer) -> None:
        """Select the k of an answer that undo or the history shows."""
        self._follows = False
        self._move(len(answer.result.endmembers))
        self._board.returned(answer)
        self._mark(self.k, there=True)

    def _move(self, k: int) -> None:
        """Move the slider from the program; unlike a move by the user, this does not count as a selection."""
        with self._board.lock:
            self._mover = threading.get_ident()  # the user may move the slider on another thread at the same time
            try:
                self.slider.value = k
            finally:
                self._mover = None

    def _choose_recommended(self) -> None:
        """Select the recommended k, or the finished k that is nearest to it."""
        if self.scan is not None:
            advice = self.scan.recommend()
            self.choose(advice.k if advice.k in self.scan.results else self._nearest(advice.between[0]))

    def _nearest(self, k: int) -> int:
        """Return the finished k that is nearest to a given number."""
        assert self.scan is not None
        return min(self.scan.ks, key=lambda one: (abs(one - k), one))

    def _show(self, *, step: bool) -> None:
        """Show the selected result in the live view, and mark its k in the figures.

        ``step`` says whether the user has selected it, so that undo returns to the one before.
        """
        with self._board.lock:
            k, scan = self.k, self.scan
            there = scan is not None and k in scan.results
            self._mark(k, there=there)
            if scan is not None and there:
                self._board.show(self._answer(scan, k), step=step)
            elif step and not self._ended:
                self._board.expect(f"k = {k}, which the scan has not reached yet")
            elif step:
                done = "none" if scan is None else ", ".join(map(str, scan.ks))
                self._board.expect(f"k = {k} is not finished: select another k (finished: {done})", coming=False)

    def _mark(self, k: int, *, there: bool) -> None:
        """Mark a k in the figures, and say whether an explorer can be opened from its result."""
        self.criteria.chosen = self.tree.chosen = k
        self._board.explore_button.disabled = not there

    def _advise(self, scan: RankScan) -> None:
        """Show the recommended k with its reasons, and select it unless the user has selected a k."""
        advice = scan.recommend()
        low, high = advice.between
        head = f"k = {advice.k} is recommended" if advice.k is not None else f"Undetermined: k between {low} and {high}"
        reasons = "".join(f"<li>{html.escape(reason)}</li>" for reason in advice.reasons)
        few = "" if scan.ks == self._numbers else ", from the finished k only"
        self._board.description.value = f"<b>{head}</b>{few}<ul>{reasons}</ul>"
        if advice.k is None:  # a button "recommended" would contradict the text
            self.best.description = f"k = {self._nearest(low)}"
            self.best.tooltip = "Select the smallest number of components that the criteria leave possible"
        self.best.disabled = False
        if self._follows:
            self._move(advice.k if advice.k in scan.results else self._nearest(low))
            self._show(step=False)

    def _draw_criteria(self) -> RenderedFigure | None:
        """Return the figure of the criteria of the present scan."""
        scan = self.scan
        return None if scan is None else criteria(scan, self._numbers, ended=self._ended)

    def _draw_tree(self) -> RenderedFigure | None:
        """Return the figure of the component tree; None before two k are finished."""
        scan = self.scan
        return None if scan is None or len(scan.ks) < 2 else tree(self._lineage(scan))

    def _summary(self) -> Figure | None:
        """Return a figure with the criteria and the selected result; None before the first k is finished."""
        scan = self.scan
        if scan is None:
            return None
        k = self.k
        answer = self._answer(scan, k if k in scan.results else scan.ks[-1])
        return summary(scan, visible(self._board.named(answer)))


def _stages(
    scanning: Scanning | RankScan, stopped: threading.Event, keep: Callable[[RankScan | None], object]
) -> Iterator[Stage]:
    """Run a scan; yield its stages until it ends or is stopped, after passing the scan so far to ``keep``."""
    if isinstance(scanning, RankScan):
        yield Stage(1.0, "a finished scan", scanning)
        return
    scan = None
    for stage in scanning.stages():
        scan = stage.scan
        keep(scan)
        yield stage
        if stopped.is_set():
            yield Stage(stage.share, f"stopped: {_finished_text(scan)}", scan)
            return
    yield Stage(1.0, _finished_text(scan), scan)


def _finished_text(scan: RankScan | None) -> str:
    """Return a text that lists the finished k."""
    return "no k is finished" if scan is None else f"done for k = {', '.join(map(str, scan.ks))}"
