"""The live explorer: a widget with sliders, abundance maps and spectra that a background solver updates."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import ipywidgets
import xarray as xr

from mffnb.cubes.as_cube import as_cube, is_several
from mffnb.cubes.spectrum_names import spectrum_names
from mffnb.cubes.tiles import tiles_of
from mffnb.errors import UnsupportedCombinationError
from mffnb.io.read import read
from mffnb.keywords import checks_keywords
from mffnb.parallel import Cluster
from mffnb.plots.palette import component_colors
from mffnb.preprocessing import Step
from mffnb.protocols.similarity import Similarity
from mffnb.protocols.terms import Term
from mffnb.unmixing.freedom import Freedom
from mffnb.unmixing.joint import JointUnmixing
from mffnb.unmixing.joint_mosaic import is_mosaic, joint_of_mosaic, mosaic_input, mosaic_of_joint
from mffnb.unmixing.pictures import warn_if_picture
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.appearance import Appearance
from mffnb.widgets.controls.controls import Controls
from mffnb.widgets.controls.follow_button import FollowButton
from mffnb.widgets.history import History
from mffnb.widgets.lifetime import Displayed, hold_weakly
from mffnb.widgets.live_fit import LiveFit
from mffnb.widgets.live_view.live_view import LiveView
from mffnb.widgets.pins import Pin
from mffnb.widgets.rank_evidence import RankEvidence
from mffnb.widgets.regions import Region
from mffnb.widgets.saving.session_file import Saved, is_session
from mffnb.widgets.session.engine_session import EngineSession
from mffnb.widgets.session.followed_session import FollowedFile, FollowedSession
from mffnb.widgets.session.held import labelled
from mffnb.widgets.session.parameters import Parameters
from mffnb.widgets.session.session import Session
from mffnb.widgets.session.solved import Solved
from mffnb.widgets.session.wording import settings_text
from mffnb.widgets.suggested_opening import suggested_opening
from mffnb.widgets.tool import Stage
from mffnb.widgets.tools import TOOLS, ToolMethods

__all__ = ["Explorer", "explore"]

OFFERED_COLORS = 24  # those of the palette that colour-blind readers can distinguish


class Explorer(ToolMethods, Displayed, ipywidgets.VBox):
    """Unmix a spectral image interactively: sliders change the settings, endmembers and abundance maps follow.

    Every move of a slider starts a new run in the background from the last state, and the picture is updated while it
    runs. Components keep their position, number and colour for as long as they exist.

    Parameters
    ----------
    cube
        Spectral image, as for :func:`mffnb.unmix`; or a list of images, maps or lines, which are unmixed jointly and
        shown side by side.
    k, sparsity, smoothness, volume, sum_to_one, gain, similarity
        Initial values of the controls; names are those of :func:`mffnb.unmix`.
    known
        Known endmembers, as for :func:`mffnb.unmix`: components 0, 1, ..., held until ``release`` lets them move. They
        have the names that the user gave.
    preprocess
        Steps of :mod:`mffnb.preprocessing`, each with a switch; picture and result are in physical units.
    channel
        Channel dimension(s), the last one if None.
    mask, weights, image_weights
        As for :func:`mffnb.unmix`.
    start
        A result for this image to start from; its components keep their numbers, and names and colours that the user
        has given them.
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
        image_weights: Sequence[float] | None = None,
        preprocess: Sequence[Step] = (),
        channel: str | Sequence[str] | None = None,
        abundance_terms: Sequence[Term] = (),
        endmember_terms: Sequence[Term] = (),
        start: Unmixing | JointUnmixing | None = None,
        max_components: int = 12,
        random_state: int = 0,
        cluster: Cluster | None = None,
        **options: Any,
    ) -> None:
        if is_several(cube):
            if cluster is not None:
                raise UnsupportedCombinationError("several images are explored in one process: leave out cluster=")
            given = {"channel": channel, "mask": mask, "weights": weights, "preprocess": preprocess}
            given |= {"similarity": similarity, "image_weights": image_weights}
            cube, changed = mosaic_input(cube, given)
            mask, weights = changed["mask"], changed["weights"]
        elif image_weights is not None:
            raise ValueError("image_weights needs a list of images: leave it out for one image")
        if isinstance(start, JointUnmixing):
            start = mosaic_of_joint(start, cube) if isinstance(cube, xr.DataArray) and tiles_of(cube) else start.shared
        begin = Parameters(k, sparsity, smoothness, volume, sum_to_one, gain, similarity)
        options |= {"mask": mask, "weights": weights, "known": known, "preprocess": preprocess, "seed": random_state}
        options |= {"abundance_terms": abundance_terms, "endmember_terms": endmember_terms}
        options |= {} if start is None else {"start": start}
        self.session = _session(cube, channel, cluster, options)
        self.controls = Controls(
            begin,
            max_components=max_components,
            min_components=len(self.session.passed),
            smooth=self.session.matrix.shape[0] > 1,
            automatic=self.session.automatic,
            own=self.session.own.term_knobs,
            menu_knobs=self.session.own.menu_knobs_by_label,
            steps=self.session.source.steps,
            weights=self.session.source.task.weights,
            follow_button=FollowButton() if isinstance(self.session, FollowedSession) else None,
        )
        # Tools need the pixels in this process, so that the page offers none where engines hold them.
        self.view = LiveView(tools=tuple(TOOLS) if cluster is None else ())
        self._error = ipywidgets.HTML()
        path = cube.path if isinstance(cube, Saved) else None
        path = os.path.abspath(cube) if isinstance(cube, (str, os.PathLike)) else path
        self.view.watched, self.view.typed = self.controls.watched, list(self.controls.weights)
        self._fit = LiveFit(
            self.session, self.controls, self.view, self._error, path, follow_button=self.controls.follow_button
        )
        if not isinstance(cube, Saved):
            look, source = Appearance() if start is None else Appearance.of(start), self.session.source
            self._fit.appearance = look.with_known(spectrum_names(source.known, source.cube))
        self._fit.show_tool("set_color", recorded=False, palette=component_colors(OFFERED_COLORS))
        super().__init__([self.controls, self._error, self.view])
        self.add_class("mffnb-explorer")  # the part of the page that fills the screen on request
        hold_weakly(self, self._error)
        if isinstance(cube, Saved):
            self._fit.restore(cube.state)
        else:
            self._fit.submit()

    def __del__(self) -> None:
        # Controls and view close themselves when they are dropped: a container may still hold them.
        ipywidgets.Widget.close(self)

    def __repr__(self) -> str:
        return f"<explorer: {settings_text(self.controls.parameters)}>"

    @property
    def stage(self) -> Stage:
        """What the tools use of the explorer."""
        return self._fit

    @property
    def result(self) -> Any:
        """The present result with labels; call :meth:`wait` first for that of the finished run.

        It is an :class:`mffnb.Unmixing`; of a list of images, a :class:`mffnb.JointUnmixing`.
        """
        found = self._fit.result
        return joint_of_mosaic(found) if is_mosaic(found) else found

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the run for the present slider values has ended, and raise its error if it failed.

        Raises
        ------
        TimeoutError
            If the run has not ended after ``timeout`` seconds.
        """
        self._fit.runner.wait(timeout)
        self._fit.picture.finish()

    def start_afresh(self) -> None:
        """Restart the run from the data; components that are found again keep their position and colour."""
        self._fit.start_afresh()

    def stop(self) -> None:
        """End the present run; the result so far is kept, and the next run starts from it."""
        self.session.stop()

    @property
    def following(self) -> bool:
        """Whether a growing file is followed at present, see :func:`explore`."""
        return isinstance(self.session, FollowedSession) and self.session.following

    def follow_again(self) -> None:
        """Follow a growing file again after ``stop``, or after a pause that was longer than ``patience``.

        It continues with the frame after the last one that was followed; with other settings than before, with the
        first frame. Names, colours, regions and pins stay; undo begins anew with the next end. Where the file is
        followed already, nothing changes.

        Raises
        ------
        ValueError
            If all frames of the measurement are here, or if no file is followed.
        UnsupportedCombinationError
            For settings that need all frames, such as smoothness or a held component.

        Examples
        --------
        >>> import h5py, tempfile, pathlib
        >>> import mffnb as mf
        >>> cube = mf.datasets.raman_map(seed=0).cube.values
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "scan.h5"
        >>> with h5py.File(path, "w", libver="latest") as file:      # in practice another process
        ...     _ = file.create_dataset("rows", data=cube[:3], maxshape=(None, *cube.shape[1:]))
        >>> explorer = mf.explore(path, 2, follow=True, patience=0.0)
        >>> explorer.wait()
        >>> with h5py.File(path, "a", libver="latest") as file:
        ...     file["rows"].resize(5, axis=0)
        ...     file["rows"][3:] = cube[3:5]
        >>> explorer.follow_again()
        >>> explorer.wait()
        >>> explorer.result.abundances.shape[1], explorer.following
        (5, False)
        >>> explorer.close()
        """
        self._fit.follow_again()

    @property
    def settled(self) -> bool:
        """Whether the run for the present settings has ended."""
        return self._fit.settled

    def gesture(self) -> AbstractContextManager[None]:
        """Record all that is changed in this context as one step, which ``undo`` takes back.

        Examples
        --------
        >>> import mffnb as mf
        >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
        >>> explorer.wait()
        >>> with explorer.gesture():
        ...     explorer.rename(0, "lignin")
        ...     explorer.hide(1)
        >>> explorer.undo()
        >>> dict(explorer.names), sorted(explorer.appearance.hidden)
        ({}, [])
        >>> explorer.close()
        """
        return self._fit.gesture()

    @property
    def history(self) -> History:
        """States after each gesture, with their settings and answers; ``undo`` and ``redo`` move in it."""
        return self._fit.history

    @property
    def names(self) -> Mapping[int, str]:
        """Names that ``rename`` has given to components, by number."""
        return self._fit.appearance.names

    @property
    def settings(self) -> Parameters:
        """The present settings: values of the controls, held components and the pixels of the fit."""
        return self.controls.parameters

    def change(self, appearance: Appearance | None = None, **settings: Any) -> None:
        """Start a run from the last state with changed settings, or with the present ones if none is given."""
        with self.gesture():
            self._fit.change(appearance, **settings)

    @property
    def appearance(self) -> Appearance:
        """Names, colours, visibility and order of the components, by number."""
        return self._fit.appearance

    def set_appearance(self, appearance: Appearance) -> None:
        """Show the components in another way."""
        with self.gesture():
            self._fit.set_appearance(appearance)

    def continue_from(self, solved: Solved, appearance: Appearance | None = None) -> None:
        """Run on from an edited state, see ``merge`` and ``split``."""
        with self.gesture():
            self._fit.continue_from(solved, appearance)

    @property
    def contrast(self) -> tuple[float, float]:
        """Percentage of the brightest pixels that the page saturates, and exponent of its contrast."""
        return self._fit.contrast

    @property
    def color_map(self) -> str:
        """Colour map of the maps in the page; "component" for the colour of each component."""
        return self._fit.color_map

    def send_file(self, name: str, content: bytes, request: int) -> None:
        """Send a file to the page, see :class:`mffnb.widgets.tool.Stage`."""
        self._fit.send_file(name, content, request)

    @property
    def known(self) -> xr.DataArray | None:
        """Held spectra as :func:`mffnb.unmix` takes them in ``known=``, ("component", channel dims); None without any.

        They are in the units and on the grid of the cube before preprocessing.
        """
        held = self.settings.held_or(self.session.passed)
        return labelled(held) if held else None

    @property
    def pins(self) -> dict[str, Pin]:
        """Pixels whose spectra the page keeps, by name; ``probe`` adds one, ``drop_pin`` removes it."""
        return self._fit.pins

    @property
    def regions(self) -> dict[str, Region]:
        """Regions of the image, by name; ``region`` adds one, ``drop_region`` removes it."""
        return self._fit.regions

    @property
    def overlays(self) -> dict[str, xr.DataArray]:
        """Images of the same area that the user has passed to tools, by the name of the tool."""
        return self._fit.overlays

    @property
    def rank_evidence(self) -> RankEvidence:
        """Evidence for k that is computed in the background; see ``evidence`` and ``fill_evidence``."""
        return self._fit.rank_evidence

    @property
    def kept(self) -> dict[str, Unmixing]:
        """Answers that ``keep`` has kept for comparison, by name."""
        return self._fit.kept

    @property
    def section(self) -> Mapping[Hashable, int]:
        """Index of the section of a stack that the maps show, by dimension; see ``show_section``."""
        return self._fit.section

    def set_section(self, section: Mapping[Hashable, int]) -> None:
        """Show another section of a stack, see ``show_section``."""
        with self.gesture():
            self._fit.set_section(section)

    @property
    def path(self) -> str | None:
        """Path of the file that is explored; None for a cube from memory."""
        return self._fit.path

    def show_entry(self, position: int) -> None:
        """Show an entry of the history: its settings, its answer and its workspace."""
        self._fit.show_entry(position)

    @property
    def spectra_view(self) -> Mapping[str, Any]:
        """How the page shows the spectra, see :class:`mffnb.widgets.tool.Stage`; ``show_spectra`` changes it."""
        return self._fit.spectra_view

    def set_spectra_view(self, **traits: Any) -> None:
        """Change how the page shows the spectra, see :class:`mffnb.widgets.tool.Stage`."""
        self._fit.set_spectra_view(**traits)

    def show_freedom(self, found: Freedom | str, *, complete: bool = True) -> None:
        """Show how far each spectrum of the answer could turn, see ``freedom``."""
        self._fit.show_freedom(found, complete=complete)

    def undo_pending(self, *, redo: bool = False) -> bool:
        """Undo or redo a gesture that was made since the present run began, see :class:`mffnb.widgets.tool.Stage`."""
        return self._fit.undo_pending(redo=redo)

    def set_exactly(self, control: str, value: float) -> None:
        """Set a weight to exactly this number, see ``set_number``."""
        self._fit.set_exactly(control, value)

    @property
    def notices(self) -> list[str]:
        """Warnings of the run that is shown, one sentence each."""
        return [one["text"] for one in self.view.notices]

    def stored(self) -> dict[str, Any]:
        """Return the state of the explorer as values that a session holds, see :class:`mffnb.widgets.tool.Stage`."""
        return self._fit.stored()

    def show_tool(
        self, name: str, *, follow: bool | Mapping[str, Any] = False, recorded: bool = True, **values: Any
    ) -> None:
        """Send the values that a tool shows to the page, see :class:`mffnb.widgets.tool.Stage`."""
        self._fit.show_tool(name, follow=follow, recorded=recorded, **values)

    def shown_values(self, name: str) -> Mapping[str, Any]:
        """Return the values that a tool has shown last, see :class:`mffnb.widgets.tool.Stage`."""
        return self._fit.shown_values(name)

    def close(self) -> None:
        """End the background thread and remove the widget; the last result stays available."""
        if hasattr(self, "_fit"):  # an error in the constructor leaves an incomplete widget, which is closed too
            self._fit.close()
            for widget in (self.controls, self._error, self.view):
                widget.close()
        super().close()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Return the notebook output of the explorer, after an output with its static picture."""
        self._fit.picture.display()
        return super()._repr_mimebundle_(**options)


def _session(cube: Any, channel: Any, engines: Cluster | None, options: dict[str, Any]) -> Session | EngineSession:
    """Create the session that solves in this process or, with ``engines``, on a cluster."""
    if isinstance(cube, FollowedFile):
        if engines is not None:
            raise UnsupportedCombinationError("a growing file is followed in one process: leave out cluster=")
        return FollowedSession(cube, channel, **options)
    if engines is not None:
        session = EngineSession(cube, channel, engines, **options)
        warn_if_picture(session.data.layout.template, channel, ())
        return session
    if isinstance(cube, Saved):
        return Session(cube.cube, channel, **options)
    data = read(cube) if isinstance(cube, (str, os.PathLike)) else as_cube(cube)
    warn_if_picture(data, channel, options.get("preprocess"))
    return Session(data, channel, **options)


def explore(cube: Any, k: int | None = None, *, follow: bool = False, **options: Any) -> Explorer:
    """Open the live explorer on a spectral image with k components; see :class:`Explorer` for the options.

    A list of images, or of their paths, is unmixed jointly: the maps of all images stand side by side above the shared
    spectra, and ``explorer.result`` is a :class:`mffnb.JointUnmixing`.

    Without k, the data decide on k and on all that is left at its default, as in :func:`mffnb.unmix`; a line in the
    page says so, and ``explorer.suggest()`` lists the reasons. With ``start=``, k is 4 unless it is given.

    The path of a session, which :meth:`Explorer.save` has written, restores that session with all its settings.

    With ``follow=True``, the path is an HDF5 file that another process writes: maps fill up as frames arrive, see
    :func:`mffnb.follow`, of which ``dataset``, ``frames``, ``patience`` and ``interval`` are options too. When the file
    is complete, or ``stop`` is called, the explorer fits all frames so far, and is an ordinary one from then on; its
    ``follow_again`` goes on to follow the file.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3, sparsity=1e-3)
    >>> explorer.wait()
    >>> explorer.result.outcome.name
    'CONVERGED'
    >>> explorer.close()
    """
    if k is not None:
        options = {"k": k, **options}
    if follow:
        file, options = FollowedFile.of(cube, options)
        return Explorer(file, **options)
    if isinstance(cube, (str, os.PathLike)) and is_session(cube):
        if options:
            raise TypeError(
                f"a session has its own settings: leave {next(iter(options))!r} out, and change it afterwards"
            )
        saved = Saved.read(cube)
        return Explorer(saved, **saved.settings)
    if "k" in options or options.get("start") is not None:
        return Explorer(cube, **options)
    if is_several(cube) and options.get("cluster") is None:
        cube, options = mosaic_input(cube, options)
    options, notice = suggested_opening(cube, options)
    explorer = Explorer(cube, **options)
    explorer._fit.announce_opening(notice)
    return explorer
