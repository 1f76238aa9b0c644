"""The live explorer: a widget with sliders, abundance maps and spectra that a background solver updates."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import ipywidgets
import numpy as np
import xarray as xr

from mffnb.cubes.as_cube import as_cube
from mffnb.io.read import read
from mffnb.keywords import checks_keywords
from mffnb.parallel import Cluster
from mffnb.preprocessing import Step
from mffnb.protocols.similarity import Similarity
from mffnb.protocols.terms import Term
from mffnb.unmixing.auto_volume import doubt
from mffnb.unmixing.pictures import warn_if_picture
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.controls.controls import Controls
from mffnb.widgets.live_view.frame_builder import FrameBuilder
from mffnb.widgets.live_view.live_view import LiveView
from mffnb.widgets.live_view.messages import error_html, png_base64
from mffnb.widgets.live_view.runner import Runner
from mffnb.widgets.session.bands import ends_of
from mffnb.widgets.session.engine_session import EngineSession
from mffnb.widgets.session.live_data import LiveImage
from mffnb.widgets.session.parameters import Parameters
from mffnb.widgets.session.session import Session
from mffnb.widgets.session.solved import Solved

__all__ = ["Explorer", "explore"]

# The state of the controls is sent to the browser again after the first frames. ipykernel handles the messages of a
# slider on the thread that last wrote to it. At first this is the main thread, which a running cell blocks. Writing to
# the slider while a message of the browser is handled moves it to a message thread. This is repeated, since the first
# messages may come before that thread exists.
_GREETINGS = 4
_PICTURE_WAIT = 0.5  # longest time in seconds to wait for the static picture that a saved notebook holds


class Explorer(ipywidgets.VBox):
    """Unmix a spectral image interactively: sliders change the settings, endmembers and abundance maps follow.

    Every move of a slider starts a new run in the background from the last state, and the picture is updated while it
    runs. Components keep their position, number and colour for as long as they exist.

    Parameters
    ----------
    cube
        Spectral image, as for :func:`mffnb.unmix`.
    k, sparsity, smoothness, volume, sum_to_one, gain, similarity
        Initial values of the controls; names are those of :func:`mffnb.unmix`.
    known
        Known endmembers, as for :func:`mffnb.unmix`; they are always the first components.
    preprocess
        Steps of :mod:`mffnb.preprocessing`, each with a switch; picture and result are in physical units.
    channel
        Channel dimension(s), the last one if None.
    mask, weights
        As for :func:`mffnb.unmix`.
    start
        A result for this image to start from; its components keep their numbers and colours.
    abundance_terms, endmember_terms
        Penalties and constraints as objects. Fields that :func:`mffnb.knobs.knob` describes get a slider, whose name
        for ``controls.set`` is its label.
    max_components
        Upper end of the slider for k.
    random_state
        Seed of the start values that are computed from the data.
    cluster
        A running :func:`mffnb.parallel.cluster` with ``mpi=True``, over whose engines the pixels are distributed: pass
        the path of a file. While they run, maps and ``result`` are averaged over blocks of pixels; at the end they have
        all pixels.
    options
        ``solver``, ``max_iter`` and ``tol`` of every run.

    Attributes
    ----------
    controls
        The sliders; ``controls.set(k=5)`` moves one, ``controls.set(bands=True)`` shows uncertainty bands of 90 %
        behind the spectra, from replicas of the noise (see :func:`mffnb.selection.stability`).
    view
        The live view of maps and spectra.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> explorer.wait()
    >>> explorer.controls.set(k=4)
    >>> explorer.wait()
    >>> explorer.result.abundances.sizes["component"]
    4
    >>> explorer.close()
    """

    @checks_keywords(also=("solver", "max_iter", "tol"))
    def __init__(
        self,
        cube: Any,
        *,
        k: int = 4,
        sparsity: float = 0.0,
        smoothness: float = 0.0,
        volume: float | str = 0.0,
        sum_to_one: bool = False,
        gain: bool = False,
        similarity: str | Similarity = "frobenius",
        known: Any = None,
        weights: Any = None,
        mask: Any = None,
        preprocess: Sequence[Step] = (),
        channel: str | Sequence[str] | None = None,
        abundance_terms: Sequence[Term] = (),
        endmember_terms: Sequence[Term] = (),
        start: Unmixing | None = None,
        max_components: int = 12,
        random_state: int = 0,
        cluster: Cluster | None = None,
        **options: Any,
    ) -> None:
        begin = Parameters(k, sparsity, smoothness, volume, sum_to_one, gain, similarity)
        options |= {"mask": mask, "weights": weights, "known": known, "preprocess": preprocess, "seed": random_state}
        options |= {"abundance_terms": abundance_terms, "endmember_terms": endmember_terms}
        options |= {} if start is None else {"start": start}
        self.session = _session(cube, channel, cluster, options)
        self.controls = Controls(
            begin,
            max_components=max_components,
            min_components=self.session.data.known,
            smooth=self.session.matrix.shape[0] > 1,
            automatic=self.session.automatic,
            own=self.session.own.dials,
            offered=self.session.own.by_offer,
            steps=self.session.source.steps,
        )
        self.view = LiveView()
        self._error = ipywidgets.HTML()
        self._runner: Runner[Parameters, Solved] = Runner(self.session.solve, self._publish, on_error=self._complain)
        self._framed: tuple[LiveImage, FrameBuilder] | None = None
        self.view.on_drawn = self._drawn
        self._greetings = _GREETINGS
        self._shown: Solved | None = None
        self.controls.on_change(self._submit)
        self.controls.restart_button.on_click(lambda _: self.start_afresh())
        self.controls.stop_button.on_click(lambda _: self.stop())
        super().__init__([self.controls, self._error, self.view])
        self._submit()

    @property
    def result(self) -> Unmixing:
        """The present result with labels; call :meth:`wait` first for that of the finished run."""
        while self.session.last is None and not self._runner.settled(0.02):
            pass  # wait for the first state, which comes within milliseconds, and not for the end of the run
        solved = self.session.last
        if solved is None:
            self.wait()  # there is no state: raise the error of the run
            raise RuntimeError("the explorer was closed before it had solved anything")
        return self.session.result(solved)

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the run for the present slider values has ended, and raise its error if it failed.

        Raises
        ------
        TimeoutError
            If the run has not ended after ``timeout`` seconds.
        """
        self._runner.wait(timeout)

    def start_afresh(self) -> None:
        """Restart the run from the data; components that are found again keep their position and colour."""
        self.session.start_afresh()
        self._submit()

    def stop(self) -> None:
        """End the present run; the result so far is kept, and the next run starts from it."""
        self.session.stop()

    def close(self) -> None:
        """End the background thread and remove the widget; the last result stays available."""
        if hasattr(self, "_runner"):  # an error in the constructor leaves an incomplete widget, which is closed too
            self._runner.close()
            if isinstance(self.session, EngineSession):
                self.session.close()
            self.view.on_drawn = None  # otherwise the widget registry keeps the cube in memory
            for widget in (self.controls, self._error, self.view):
                widget.close()
        super().close()

    def _submit(self) -> None:
        self.session.go_on()
        self._runner.submit(self.controls.parameters)

    def _publish(self, generation: int, parameters: Parameters, solved: Solved, final: bool) -> bool:
        self._error.value = ""
        if solved is self._shown and not final:
            return False  # there is nothing new to show: a replica or an engine is still computing
        self._shown = solved
        framing, state = self._framing(solved.data), solved.state
        self.view.show(
            framing.frame(
                *self._factors(solved),
                solved.names,
                status={
                    "iteration": state.iteration,
                    "relative_error": state.relative_error,
                    "objective": state.objective,
                    "outcome": _ended(solved),
                    "milliseconds": 1e3 * state.seconds,
                    "text": "" if solved.bands is None else solved.bands.text,
                },
                generation=generation,
                parameters=parameters.as_dict(),
                final=final,
                known=solved.data.known,
                bands=ends_of(solved.bands, framing.used_channels),
            )
        )
        return True

    def _framing(self, data: LiveImage) -> FrameBuilder:
        if self._framed is None or self._framed[0] is not data:
            blanks = (np.zeros((1, size)) for size in data.matrix.shape)
            self._framed = (
                data,
                FrameBuilder(data.layout.abundances(next(blanks))[0], data.layout.endmembers(next(blanks))[0]),
            )
        return self._framed[1]

    def _factors(self, solved: Solved) -> tuple[xr.DataArray, xr.DataArray]:
        """Return labelled maps and spectra of a state in physical units."""
        if solved.data.image.chain is None:
            layout, state = solved.data.layout, solved.state
            return layout.abundances(state.abundances), layout.endmembers(state.endmembers)
        result = self.session.result(solved)
        return result.abundances, result.endmembers

    def _drawn(self, _sequence: int) -> None:
        self._runner.acknowledge()
        if self._greetings > 0:
            self._greetings -= 1
            self.controls.resend_state()

    def _complain(self, error: BaseException) -> None:
        self._error.value = error_html(error)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = super()._repr_mimebundle_(**options)
        picture = self._picture()
        if picture is not None:
            data = bundle[0] if isinstance(bundle, tuple) else bundle
            data["image/png"] = picture
        return bundle

    def _picture(self) -> str | None:
        """Return a static picture of the explorer, for a notebook that is read without a kernel."""
        # wait a moment for the run; an unfinished run gives the picture of its present state
        self._runner.settled(_PICTURE_WAIT)
        if self.session.last is None:
            return None
        return png_base64(self.result.plot())


def _session(cube: Any, channel: Any, engines: Cluster | None, options: dict[str, Any]) -> Session | EngineSession:
    """Create the session that solves in this process or, with ``engines``, on a cluster."""
    if engines is not None:
        session = EngineSession(cube, channel, engines, **options)
        warn_if_picture(session.data.layout.template, channel, (), stacklevel=5)  # 5 is the caller of explore
        return session
    data = read(cube) if isinstance(cube, (str, os.PathLike)) else as_cube(cube)
    warn_if_picture(data, channel, options.get("preprocess"), stacklevel=5)
    return Session(data, channel, **options)


def explore(cube: Any, **options: Any) -> Explorer:
    """Open the live explorer on a spectral image; see :class:`Explorer` for the options.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3, sparsity=1e-3)
    >>> explorer.wait()
    >>> explorer.result.outcome.name
    'CONVERGED'
    >>> explorer.close()
    """
    return Explorer(cube, **options)


def _ended(solved: Solved) -> str:
    """Return a text on how a run ended, with the decisions of the rule for volume="auto" if it was used."""
    words = [solved.state.outcome.name.lower().replace("_", " ")]
    if solved.found is not None:
        words.append("fractions sum to one" if solved.found.gain is None else "fractions up to a gain")
        words.append(doubt(solved.found.disagreement))
    return ", ".join(word for word in words if word)
