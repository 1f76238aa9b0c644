"""How many components, before the user's eyes: a scan that grows, its evidence, its answers, and their tree."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from typing import Any

import ipywidgets

from mffnb.selection.component_tree import Lineage
from mffnb.selection.scan import RankScan
from mffnb.selection.scanning import Scanning, Stage
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.boards.board import Board, ordered
from mffnb.widgets.boards.picture import Drawn, Picture
from mffnb.widgets.boards.rank_pictures import criteria, summary, tree
from mffnb.widgets.controls.pieces import flexible
from mffnb.widgets.explorer import Explorer
from mffnb.widgets.live_view.messages import encoded

_PICTURE_WAIT = 0.5  # seconds a notebook may wait for the picture it keeps when it is saved


class RankExplorer(ipywidgets.VBox):
    """Watch evidence for the number of components gather, choose one, see its maps and spectra.

    The scan of :func:`mffnb.selection.scan_rank` runs in the background. Criteria grow with it; a click on a k, or the
    slider, shows its answer, in which components keep number and colour as k changes; the tree says who splits into
    whom; and in the end stands a recommendation with its reasons. An explorer goes on from the answer that is chosen.

    Parameters
    ----------
    cube
        Spectral image, or its path, as for :func:`mffnb.unmix`; or a :class:`mffnb.selection.RankScan` that is
        finished.
    ks
        Numbers of components to try.
    options
        Of :func:`mffnb.selection.scan_rank`.

    Attributes
    ----------
    scan
        The scan so far; None before its first k is done.
    view
        The live picture of the answer.
    explorer
        The explorer that has taken over; None before.

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
    >>> ranks.close()
    """

    def __init__(self, cube: Any, ks: Iterable[int] = range(2, 9), **options: Any) -> None:
        finished = cube if isinstance(cube, RankScan) else None
        if finished is not None and options:
            raise TypeError(f"a finished scan takes no {next(iter(options))!r}: give the cube to scan it anew")
        self._work = None if finished is not None else Scanning(cube, ks, **options)
        numbers = finished.ks if finished is not None else self._work.numbers if self._work is not None else []
        self.scan: RankScan | None = None
        self._linked: Lineage | None = None
        self._followed = True  # until the user chooses, the newest k is shown
        self._moving = False
        self._numbers = numbers
        self._drawn: tuple[RankScan | None, bool] = None, False
        self._ended = False
        self.slider = ipywidgets.SelectionSlider(
            options=[(str(k), k) for k in numbers], value=numbers[0], description="components k",
            tooltip="Whose maps and spectra are shown", continuous_update=True,
            style={"description_width": "initial"}, layout=flexible(),
        )  # fmt: skip
        self.best = ipywidgets.Button(
            description="recommended", tooltip="Choose the number of components that is recommended", icon="check",
            disabled=True, layout={"width": "auto", "flex": "0 0 auto"},
        )  # fmt: skip
        self._board: Board[None, Stage] = Board(
            self._stages, self._publish, frames_per_second=10.0, explore=self.explore,
            to_explorer=("explore with this k", "Open the explorer below, going on from this answer"),
        )  # fmt: skip
        self.criteria = Picture(self._draw_criteria, "number of components, by the criteria", self.choose)
        self.tree = Picture(self._draw_tree, "number of components, by the tree of components", self.choose)
        self._choice = ipywidgets.HBox(
            [self.slider, self.best, self._board.hand], layout={"align_items": "center", "flex_flow": "row wrap"}
        )
        self._choice.add_class("mffnb-controls")
        self.slider.observe(lambda _: self._moved(), "value")
        self.best.on_click(lambda _: self._choose_best())
        self._board.greet(self.slider, self.best)
        board = self._board
        parts = [
            board.progress,
            board.error,
            self.criteria,
            board.words,
            self._choice,
            board.view,
            self.tree,
            board.place,
        ]
        super().__init__(parts, layout={"align_items": "stretch"})
        if finished is not None:
            self.scan = finished
        board.runner.submit(None)

    @property
    def view(self) -> Any:
        """The live picture of the answer that is chosen."""
        return self._board.view

    @property
    def explorer(self) -> Explorer | None:
        """The explorer that has taken over, or None."""
        return self._board.explorer

    @property
    def k(self) -> int:
        """The number of components that is chosen."""
        return int(self.slider.value)

    @property
    def result(self) -> Unmixing:
        """The answer for the chosen k; ``component`` holds numbers that last as k changes.

        Raises
        ------
        ValueError
            If this k is not done yet.
        """
        scan = self.scan
        if scan is None or self.k not in scan.results:
            raise ValueError(f"k = {self.k} is not done yet: wait() for it, or choose another one")
        return self._named(scan, self.k)

    def choose(self, k: int) -> None:
        """Choose a number of components, as a click or the slider does.

        Raises
        ------
        ValueError
            If it is none of those that are tried.
        """
        values = [value for _, value in self.slider.options]
        if k not in values:
            raise ValueError(f"k = {k} is not in this scan: use one of {', '.join(map(str, values))}")
        self._followed = False
        if k == self.k:
            self._show()
        else:
            self.slider.value = k

    def stop(self) -> None:
        """End the scan; the k that are done are kept."""
        self._board.end()

    def wait(self, timeout: float | None = None) -> None:
        """Block until the scan has ended; raise what it raised.

        Raises
        ------
        TimeoutError
            After ``timeout`` seconds.
        """
        self._board.runner.wait(timeout)

    def explore(self) -> Explorer:
        """Open an explorer below, which goes on from the answer that is chosen, in the same colours."""
        answer = self.result
        return self._board.open_explorer(answer, {} if self.scan is None else self.scan.settings)

    def close(self) -> None:
        """End the scan and remove the widget; what is done is still in ``scan``."""
        if hasattr(self, "_board"):  # what was refused leaves half a widget, which is closed too
            self._board.close()
            for widget in (self.criteria, self.tree, self.slider, self.best, self._choice):
                widget.close()
        super().close()

    # ------------------------------------------------------------------------------------------ worker thread

    def _stages(self, _: None) -> Iterator[Stage]:
        if self._work is None:
            yield Stage(1.0, "a finished scan", self.scan)
            return
        last = Stage(0.0, "")
        for stage in self._work.stages():
            self.scan, last = stage.scan, stage
            yield stage
            if self._board.stopped.is_set():
                yield Stage(last.share, f"stopped: {self._done()}", self.scan)
                return
        yield Stage(1.0, self._done(), self.scan)

    def _done(self) -> str:
        scan = self.scan
        return "nothing was done yet" if scan is None else f"done for k = {', '.join(map(str, scan.ks))}"

    def _publish(self, _generation: int, _: None, stage: Stage, final: bool) -> None:
        self._board.tell(stage.share, stage.text, final=final)
        scan = stage.scan
        if scan is None:
            return
        self._ended = final
        if (scan, final) != self._drawn:
            self._drawn = scan, final
            if self._followed and not final:
                self._move(scan.ks[-1])
            self.criteria.redraw()
            if len(self.tree.spots) != len(scan.ks):
                self.tree.redraw()
            self._show()
        if final:
            self._advise(scan)

    # --------------------------------------------------------------------------------------------- any thread

    def _lineage(self, scan: RankScan) -> Lineage:
        with self._board.changing:
            if self._linked is None or self._linked.results.keys() != scan.results.keys():
                self._linked = scan.lineage()
            return self._linked

    def _named(self, scan: RankScan, k: int) -> Unmixing:
        return ordered(scan.results[k], tuple(self._lineage(scan).families()[k]))

    def _moved(self) -> None:
        if not self._moving:
            self._followed = False
        self._show()

    def _move(self, k: int) -> None:
        """Move the slider where the user did not."""
        with self._board.changing:
            self._moving = True
            try:
                self.slider.value = k
            finally:
                self._moving = False

    def _choose_best(self) -> None:
        if self.scan is not None:
            advice = self.scan.recommend()
            self.choose(advice.k if advice.k in self.scan.results else self._nearest(advice.between[0]))

    def _nearest(self, k: int) -> int:
        assert self.scan is not None
        return min(self.scan.ks, key=lambda one: (abs(one - k), one))

    def _show(self) -> None:
        """The answer that is chosen, and its marks in the pictures."""
        with self._board.changing:
            k, scan = self.k, self.scan
            self.criteria.chosen = self.tree.chosen = k
            there = scan is not None and k in scan.results
            self._board.hand.disabled = not there
            if scan is None or not there:
                return
            error = float(scan.evidence.relative_error.sel(k=k))
            self._board.show(self.result, {"relative_error": error, "text": f"k = {k}"}, {"k": k})

    def _advise(self, scan: RankScan) -> None:
        advice = scan.recommend()
        low, high = advice.between
        head = f"k = {advice.k} is recommended" if advice.k is not None else f"Cannot tell: k between {low} and {high}"
        reasons = "".join(f"<li>{html.escape(reason)}</li>" for reason in advice.reasons)
        few = "" if scan.ks == self._numbers else " of the k that are done"
        self._board.words.value = f"<b>{head}</b>{few}<ul>{reasons}</ul>"
        self.best.disabled = False
        if self._followed:
            self._move(advice.k if advice.k in scan.results else self._nearest(low))

    def _draw_criteria(self) -> Drawn | None:
        scan = self.scan
        return None if scan is None else criteria(scan, self._numbers, ended=self._ended)

    def _draw_tree(self) -> Drawn | None:
        scan = self.scan
        return None if scan is None or len(scan.ks) < 2 else tree(self._lineage(scan))

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = super()._repr_mimebundle_(**options)
        self._board.runner.settled(_PICTURE_WAIT)  # what there is by then is good enough for a picture
        scan = self.scan
        if scan is not None:
            data = bundle[0] if isinstance(bundle, tuple) else bundle
            shown = self.k if self.k in scan.results else scan.ks[-1]
            data["image/png"] = encoded(summary(scan, self._named(scan, shown)))
        return bundle
