"""Progress bars of a run, which are moved by callbacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mffnb.solvers import State

Callback = Callable[[State], object]


@contextmanager
def bar(wanted: bool, total: int | None) -> Iterator[Callback | None]:
    """Yield a callback that moves a progress bar to the iteration of a state, or None if no bar is wanted.

    The callback may miss states, and it may be used for several runs one after another.
    """
    if not wanted:
        yield None
        return
    reached = 0
    with _made_on_first_use(total=total, unit="it", desc="unmix") as made:

        def show(state: State) -> None:
            nonlocal reached
            shown = made()
            shown.update(state.iteration - (reached if state.iteration >= reached else 0))
            reached = state.iteration
            shown.set_postfix(error=f"{100 * state.relative_error:.2f} %", step=f"{state.step:.0e}", refresh=False)

        yield show


@contextmanager
def counting_callback(wanted: bool, total: int) -> Iterator[Callback | None]:
    """Yield a callback that counts finished starts in a progress bar, or None if no bar is wanted."""
    if not wanted:
        yield None
        return
    with _made_on_first_use(total=total, unit="start", desc="unmix") as made:
        lowest = float("inf")

        def show(state: State) -> None:
            nonlocal lowest
            shown = made()
            lowest = min(lowest, state.relative_error)
            shown.set_postfix(error=f"{100 * lowest:.2f} %", refresh=False)
            shown.update()

        yield show


@contextmanager
def _made_on_first_use(**options: Any) -> Iterator[Callable[[], Any]]:
    """Yield a function that returns a progress bar, which appears on the first call: after all checks have passed."""
    bars: list[Any] = []

    def made() -> Any:
        from tqdm.auto import tqdm  # noqa: PLC0415  pulls in ipywidgets in a notebook

        if not bars:
            bars.append(tqdm(**options))
        return bars[0]

    try:
        yield made
    finally:
        for shown in bars:
            shown.close()


def both(show: Callback | None, callback: Callback | None) -> Callback | None:
    """Return one callback that moves a bar and calls the callback of the user, whose return value it returns."""
    if show is None or callback is None:
        return show or callback

    def call(state: State) -> object:
        show(state)
        return callback(state)

    return call
