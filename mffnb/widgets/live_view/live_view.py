"""Live view widget: component maps and spectra on browser canvases, sent as binary frames."""

from __future__ import annotations

import logging
import pathlib
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import anywidget
import numpy as np
import traitlets

from mffnb.widgets.lifetime import Displayed, bundle, hold_weakly, weakly
from mffnb.widgets.live_view.color_tables import color_tables
from mffnb.widgets.live_view.frame import Frame, encode, encoded

logger = logging.getLogger(__name__)

FINAL_MAP_PIXELS = 1024
"""Longest side of a map in a final frame, in pixels; larger than most screens."""
FINAL_CHANNELS = 4096
"""Plot width in points for the spectra of a final frame."""
COLOR_MAPS = ("component", "viridis", "cividis", "gray")
"""Colour maps; "component" is a ramp from dark to the colour of the component."""
INTENSITY_SCALES = ("linear", "sqrt", "log")
"""Scales of the intensity axis; square root and logarithm show small peaks beside large ones."""
NORMALIZATIONS = ("none", "max", "area", "abundance")
"""Normalisation of the spectra: none, maximum 1, area 1, or times the mean abundance."""


SPECTRA_TRAITS = (
    "intensity_scale", "normalization", "common_scale", "peak_labels", "channel_range", "profile_line",
    "orthogonal", "freedom_bands",
)  # fmt: skip
"""Traits that say how spectra, profile and orthogonal sections are shown; their changes can be undone."""
STYLE_TRAITS = ("color_map", "clip", "gamma", "highlighted", "enlarged", *SPECTRA_TRAITS)
"""Traits of the view that the user changes in the page."""


class LiveView(Displayed, anywidget.AnyWidget):
    """Widget that shows the maps and spectra of the components in the browser.

    Colour map, contrast, highlighting and hovering work in the browser without the kernel. A frame is sent as one
    message, and the browser draws only the newest frame.

    Parameters
    ----------
    on_drawn : callable, optional
        ``on_drawn(sequence)``, called once for each frame that was drawn, on the thread that handles comm messages,
        for example `mffnb.widgets.live_view.runner.Runner.acknowledge`. May be set later.
    tools : sequence of str
        Names of the tools that the page may call, see :mod:`mffnb.widgets.tool`. The values that tool ``name`` shows
        are in the trait ``tool_name``.
    **traits
        Initial values of the traits below.

    Attributes
    ----------
    on_call : callable or None
        ``on_call(name, arguments)``, called for a tool that the page calls.
    failure : Exception or None
        The exception behind `error`, with its traceback.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.widgets.live_view.frame import Frame
    >>> view = LiveView(color_map="viridis")
    >>> frame = Frame(np.ones((1, 4, 6)), np.ones((1, 9)), np.arange(9.0), "m/z (u)", ("a",), ("#2b83d6",))
    >>> view.show(frame)
    1
    >>> view.encoded["header"]["labels"]
    ['a']
    """

    _esm = bundle(pathlib.Path(__file__).parent / "static" / "live_view.js")
    _css = bundle(pathlib.Path(__file__).parent / "live_view.css")

    encoded = traitlets.Dict().tag(sync=True)
    """The newest frame: `header`, and the binary `maps` and `spectra`. It is a single trait, so that it is sent as one
    message even if another thread changes a trait at the same time."""

    color_map = traitlets.Enum(COLOR_MAPS, "component").tag(sync=True)
    """Colour map of the maps."""

    clip = traitlets.Float(0.1, min=0.0, max=10.0).tag(sync=True)
    """Percentage of the brightest pixels that are saturated, so that a single hot pixel does not darken a map."""

    gamma = traitlets.Float(1.0, min=0.2, max=3.0).tag(sync=True)
    """Gamma exponent of the contrast; below 1 makes faint features brighter."""

    intensity_scale = traitlets.Enum(INTENSITY_SCALES, "linear").tag(sync=True)
    """Scale of the intensity axis of the spectra."""

    normalization = traitlets.Enum(NORMALIZATIONS, "none").tag(sync=True)
    """Normalisation of the spectra."""

    common_scale = traitlets.Bool(False).tag(sync=True)
    """Whether all components share one intensity range, and all measured spectra another one; else each has its own."""

    peak_labels = traitlets.Bool(True).tag(sync=True)
    """Whether the highest peaks are labelled with their channel."""

    freedom_bands = traitlets.Bool(True).tag(sync=True)
    """Whether a pale band behind each spectrum shows how far it could turn without a worse fit."""

    channel_range = traitlets.List(traitlets.Float()).tag(sync=True)
    """First and last channel that the plot of the spectra shows, the smaller one first; empty for all."""

    profile_line = traitlets.List(traitlets.Float()).tag(sync=True)
    """Line whose profile is shown: y and x of its start, y and x of its end, and its width; empty for none."""

    orthogonal = traitlets.List(traitlets.Int()).tag(sync=True)
    """Number of the component whose orthogonal sections are shown; empty for none."""

    highlighted = traitlets.List(traitlets.Int()).tag(sync=True)
    """Indices of highlighted components; the others are faded. Empty: no highlight."""

    enlarged = traitlets.Unicode().tag(sync=True)
    """Label of the map that fills the room of all maps; empty for none."""

    error = traitlets.Unicode().tag(sync=True)
    """Error of the last message of the page that failed, as one sentence in the status line; empty for none."""

    watched = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """Identifiers of the widgets whose moves make the picture outdated: the page greys it before Python answers."""

    typed = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """Names of the sliders whose numbers may be typed, for the tool ``set_number``."""

    owner = traitlets.Unicode("explorer").tag(sync=True)
    """Variable by which the hints of the page name the widget that holds the view, as in "explorer.undo()"."""

    activity = traitlets.Dict().tag(sync=True)
    """What is done for the newest settings: `generation`, `text`, `progress` (0 to 1, or None) and `failed`."""

    notices = traitlets.List(traitlets.Dict()).tag(sync=True)
    """Warnings of the run that is shown, each with its `text`, and with `action`, `settings` and `call` if a change of
    settings cures it."""

    unavailable = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """Names of the tools that cannot be called at present: the page hides them."""

    color_tables = traitlets.Dict().tag(sync=True)
    """Red, green, blue bytes of 256 steps for each colour map other than "component"."""

    def __init__(
        self, *, on_drawn: Callable[[int], object] | None = None, tools: Sequence[str] = (), **traits: Any
    ) -> None:
        unknown = set(traits) - set(self.trait_names())
        if unknown:
            raise TypeError(f"LiveView has no option {', '.join(sorted(unknown))}")
        self.on_drawn = on_drawn
        self.on_call: Callable[[str, Mapping[str, Any]], object] | None = None
        self.failure: Exception | None = None
        self._tools = frozenset(tools)
        self._showing = threading.RLock()
        self._sequence = 0
        self._drawn = 0
        self._epoch = 0
        self._generation: int | None = None
        # Use default sizes of map and plot until the browser reports its layout.
        self._map_pixels = 384
        self._plot_points = 1200
        traits.setdefault("color_tables", color_tables())
        # Beside controls in a row, the view takes the remaining width.
        traits.setdefault("layout", {"flex": "1 1 auto", "min_width": "0"})
        # One trait for each tool, so that new values of one tool do not send those of the others again.
        self.add_traits(**{f"tool_{name}": traitlets.Dict().tag(sync=True) for name in tools})
        super().__init__(**traits)
        hold_weakly(self)
        self.on_msg(weakly(self._receive))

    def show(self, frame: Frame) -> int:
        """Send a frame to every display of this view; may be called from any thread.

        Parameters
        ----------
        frame : Frame
            The frame. It is dropped if its generation is older than that of the last frame.

        Returns
        -------
        int
            Sequence number of the frame, passed to `on_drawn`; 0 if the frame was dropped.
        """
        map_pixels, points = (
            (FINAL_MAP_PIXELS, FINAL_CHANNELS) if frame.final else (self._map_pixels, self._plot_points)
        )
        header, maps, spectra = encode(frame, map_pixels, points)
        header["pattern"], patterns = (None, b"") if frame.patterns is None else frame.patterns.encoded()
        with self._showing:
            if self._generation is not None and frame.generation < self._generation:
                return 0
            if frame.generation != self._generation:
                self.error = ""
            self._generation = frame.generation
            self._sequence += 1
            header.update(sequence=self._sequence, epoch=self._epoch)
            self.encoded = {"header": header, "maps": maps, "spectra": spectra, "patterns": patterns}
            return self._sequence

    def clear(self) -> None:
        """Clear the view; the generation numbers of later frames may start again from any number."""
        with self._showing:
            self._epoch += 1
            self._generation = None
            self.encoded = {}

    def show_tool(self, name: str, values: Mapping[str, Any]) -> None:
        """Send the values that a tool shows to every display of this view, if the view offers the tool."""
        if name in self._tools:
            self.set_trait(f"tool_{name}", encoded(values))

    def _receive(self, _widget: object, content: Any, _buffers: object) -> None:
        """Handle a message from the browser; an error must not end in the kernel's message loop, where nobody sees it.

        A message of an unknown form is ignored: it may come from a page of another version.
        """
        try:
            handle = self._parsed(content)
        except (KeyError, TypeError, ValueError):
            logger.debug("Unexpected message from the browser: %r", content)
            return
        try:
            handle()
        except Exception as error:
            logger.debug("A message from the browser failed: %r", content, exc_info=error)
            self.failure = error
            text = " ".join(str(error).split())
            # A refusal is a sentence for the user; other errors are for a report, where their type helps.
            known = isinstance(error, (ValueError, ImportError))
            self.error = ""  # the page shows a repeated refusal again
            self.error = text if known else f"{type(error).__name__}: {text}"

    def _parsed(self, content: Any) -> Callable[[], object]:
        """Return the call that a message of the browser requests."""
        kind = content["type"]
        if kind == "drawn":
            return partial(self._acknowledge, int(content["sequence"]))
        if kind == "size":
            return partial(self._resize, int(content["map"]), int(content["plot"]))
        if kind == "call" and content["tool"] in self._tools:
            return partial(self._call, content["tool"], dict(content["arguments"]))
        raise ValueError(f"no message {kind!r}")

    def _resize(self, map_pixels: int, plot_points: int) -> None:
        """Store the sizes of map and plot in the page."""
        self._map_pixels = int(np.clip(map_pixels, 64, FINAL_MAP_PIXELS))
        self._plot_points = int(np.clip(plot_points, 200, FINAL_CHANNELS))

    def _call(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Call a tool; if it succeeds, the error of an earlier call is no longer shown."""
        if self.on_call is not None:
            self.on_call(name, arguments)
        self.error = ""

    def _acknowledge(self, sequence: int) -> None:
        """Report a frame that the browser has drawn to `on_drawn`, once for each frame."""
        with self._showing:
            # If the view has several displays, only the first report of a frame counts.
            if sequence <= self._drawn:
                return
            self._drawn = sequence
        if self.on_drawn is not None:
            self.on_drawn(sequence)
