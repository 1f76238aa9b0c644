"""Frames of the live view: a state of the solver becomes maps, spectra and status of the page."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence

import numpy as np
import xarray as xr

from mffnb.widgets.appearance import Appearance
from mffnb.widgets.live_view.frame_builder import FrameBuilder
from mffnb.widgets.live_view.live_view import LiveView
from mffnb.widgets.session.bands import ends_of
from mffnb.widgets.session.engine_session import EngineSession
from mffnb.widgets.session.live_data import LiveImage
from mffnb.widgets.session.progress import outcome_text, progress_text, share_done
from mffnb.widgets.session.solved import Solved
from mffnb.widgets.tool import LocalSession


class Frames:
    """Shows states of a session in a live view.

    Parameters
    ----------
    session
        The image and the solver.
    view
        Returns the live view; None if it was dropped.
    """

    def __init__(self, session: LocalSession | EngineSession, view: Callable[[], LiveView | None]) -> None:
        self._session, self._view = session, view
        self._framed: tuple[LiveImage, FrameBuilder] | None = None
        self._numbers: list[int] = []

    def show(
        self,
        published: tuple[int, Solved, bool],
        look: Appearance,
        section: Mapping[Hashable, int],
    ) -> None:
        """Show a state in the live view, with the parameters of the run that computed it.

        Parameters
        ----------
        published
            Number of the run, its state, and whether it is the last one.
        look
            Names, colours, visibility and order of the components.
        section
            Section of a stack that the maps show.
        """
        generation, solved, final = published
        view = self._view()
        if view is None:
            return
        framing, state = self._framing(solved.data), solved.state
        self._move_highlights(view, [solved.names[row] for row in look.rows(solved.names)])
        held = solved.parameters.held_or(self._session.passed)
        abundances, endmembers, gain = self._factors(solved)
        view.show(
            framing.frame(
                abundances,
                endmembers,
                solved.names,
                gain=gain,
                status={
                    "iteration": state.iteration if solved.followed is None else None,
                    "relative_error": state.relative_error,
                    "objective": state.objective,
                    "outcome": outcome_text(solved),
                    "milliseconds": 1e3 * state.seconds,
                    "text": progress_text(solved),
                    "progress": share_done(solved),
                },
                generation=generation,
                parameters=solved.parameters.as_dict() | ({} if solved.origin is None else dict(solved.origin.place)),
                final=final,
                held={one.number for one in held},
                passed={one.number for one in held if one.passed},
                bands=ends_of(solved.bands, framing.used_channels),
                section=section,
                appearance=look,
            )
        )

    def expect(self, names: Sequence[int], look: Appearance) -> None:
        """Take the highlighted places as those of these components, because undo has restored them."""
        self._numbers = [names[row] for row in look.rows(names)]

    def _move_highlights(self, view: LiveView, numbers: list[int]) -> None:
        """Let highlighted components, which the page knows by their places, stay highlighted at other places."""
        before, self._numbers = self._numbers, numbers
        if before != numbers and view.highlighted:
            marked = [before[place] for place in view.highlighted if place < len(before)]
            view.highlighted = [numbers.index(number) for number in marked if number in numbers]

    def _framing(self, data: LiveImage) -> FrameBuilder:
        """Return the builder of frames for an image, which is made once for each image."""
        if self._framed is None or self._framed[0] is not data:
            pixels, channels = data.matrix.shape
            image = data.layout.map(np.zeros(pixels), "abundance")
            self._framed = (data, FrameBuilder(image, data.layout.endmembers(np.zeros((1, channels)))))
        return self._framed[1]

    def _factors(self, solved: Solved) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray | None]:
        """Return labelled maps, spectra and gains of a state in physical units."""
        if solved.data.image.chain is None:
            layout, state = solved.data.layout, solved.state
            gain = None if state.gain is None else layout.map(state.gain, "gain")
            return layout.abundances(state.abundances), layout.endmembers(state.endmembers), gain
        result = self._session.result(solved)
        return result.abundances, result.endmembers, result.gain
