"""Controls of the live explorer, created from the knobs that the penalties and constraints of a model declare."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import ipywidgets
import numpy as np

from mffnb.estimators.names import SIMILARITIES
from mffnb.knobs import knobs
from mffnb.penalties import MinimumVolume, Smoothness, Sparsity
from mffnb.preprocessing import Step
from mffnb.protocols.capabilities import traits_of
from mffnb.protocols.similarity import Similarity
from mffnb.unmixing.auto_counts import POISSON
from mffnb.widgets.controls.elements import (
    Slider,
    checkbox,
    dropdown,
    flexible,
    group,
    knob_slider,
    move_to,
    move_to_nearest,
    relabel,
    set_disabled,
    switch,
)
from mffnb.widgets.controls.follow_button import FollowButton
from mffnb.widgets.lifetime import Displayed, hold_weakly, weakly
from mffnb.widgets.session.held import numbers
from mffnb.widgets.session.parameters import AUTO, Parameters, TermKnob

_OFF, _SUM, _GAIN = "off", "sum to one", "up to a gain"
_AUTO_LABEL = "from the data"
_LEAST_SQUARES = traits_of(SIMILARITIES["frobenius"]).label or "frobenius"
_NO_TERM, _ADDED = "add a term", "\N{CHECK MARK}"
_SPARSITY_DISABLED = "Disabled: fractions have a constant L1 norm, so sparsity has no effect. Set fractions to off."
_VOLUME_DISABLED = "Disabled: the volume depends on the scale. Choose fractions first: sum to one, or up to a gain."
_VOLUME_IS_AUTOMATIC = "Disabled: auto selects the weight from the data. Switch auto off to set it."
_NEEDS_ALL_FRAMES = "Disabled: it needs all frames, and the file is followed. Wait for its end, or stop following."
_AUTO_IS_ON = "Disabled: auto uses only the geometry of the data. Switch auto off to use this."


class Controls(Displayed, ipywidgets.VBox):
    """Controls of the live explorer: sliders for k and each knob, menus for fractions and similarity, two buttons.

    The buttons restart the run from the data and stop it.

    Parameters
    ----------
    parameters
        Initial values of the controls.
    max_components
        Upper end of the slider for k.
    min_components
        Lower end of the slider for k until components are held or released: the number of known endmembers.
    smooth
        Whether to show the smoothness slider; it needs more than one pixel.
    automatic
        Whether to show the switch ``auto`` of the automatic volume weight.
    own
        Knobs of penalties and constraints that the user passed as objects.
    menu_knobs
        Knobs of the penalties and constraints in the menu, by the menu label.
    steps
        Preprocessing steps; each gets a switch.
    weights
        Weights of the misfit, which the entry of least squares names if they are Poisson weights.
    follow_button
        Button beside "stop" that ends and begins the following of a growing file; None for other images.
    """

    def __init__(
        self,
        parameters: Parameters,
        *,
        max_components: int,
        min_components: int = 1,
        smooth: bool = True,
        automatic: bool = True,
        own: Sequence[TermKnob] = (),
        menu_knobs: Mapping[str, Sequence[TermKnob]] = MappingProxyType({}),
        steps: Sequence[Step] = (),
        weights: Any = None,
        follow_button: FollowButton | None = None,
    ) -> None:
        self._poisson = isinstance(weights, str) and weights == POISSON
        self._min_components, self._held, self._area = min_components, parameters.held, parameters.area
        self._fixed = parameters.fixed
        least = self._least(parameters)
        if parameters.k < least:
            raise ValueError(f"{least} endmembers are known and k is {parameters.k}: raise k, or drop some of them")
        self.k = ipywidgets.IntSlider(
            value=parameters.k,
            min=least,
            max=max(max_components, parameters.k),
            description="components",
            tooltip="k: number of endmembers",
            continuous_update=True,
            style={"description_width": "initial"},
            layout=flexible(3),  # its name and its steps need more room than those of the weights
        )
        volume = parameters.volume
        self.sparsity = knob_slider(knobs(Sparsity)[0], parameters.sparsity)
        self.smoothness = knob_slider(knobs(Smoothness)[0], parameters.smoothness)
        self.volume = knob_slider(
            knobs(MinimumVolume)[0], 0.0 if isinstance(parameters.volume, str) else parameters.volume
        )
        self.auto = checkbox("auto", volume == AUTO, "find the spectra by the geometry of the data alone")
        self.own = {dial.name: knob_slider(dial.knob, parameters.own.get(dial.name, dial.knob.value)) for dial in own}
        self.menu_sliders = {
            label: {dial.name: knob_slider(dial.knob, dial.knob.value) for dial in dials}
            for label, dials in menu_knobs.items()
        }
        self._added: list[str] = []
        self.add = dropdown(
            "terms", [(_NO_TERM, ""), *((label, label) for label in self.menu_sliders)], "",
            "add a penalty or a constraint with its sliders; select it again to remove it",
        )  # fmt: skip
        self.fractions = dropdown(
            "fractions", [(one, one) for one in (_OFF, _SUM, _GAIN)], _fractions(parameters), "whether the abundances "
            "of a pixel sum to one, exactly or up to a factor for each pixel (illumination, thickness, ion current)"
        )  # fmt: skip
        self.similarity = dropdown(
            "noise", _similarities(parameters.similarity), parameters.similarity,
            "measure of the misfit: least squares for constant noise, Kullback-Leibler for counts, Huber for "
            "outliers; auto takes least squares, with Poisson weights for counts",
        )  # fmt: skip
        self.steps = tuple(switch(step) for step in steps)
        self.restart_button = ipywidgets.Button(
            description="restart",
            tooltip="Discard the current maps and restart from the data with these settings",
            icon="refresh",
            layout={"width": "9em", "flex": "0 0 auto"},
        )
        self.stop_button = ipywidgets.Button(
            description="stop",
            tooltip="Stop this run and keep its result; the next change of a slider continues from it",
            icon="stop",
            layout={"width": "6em", "flex": "0 0 auto"},
        )
        self.bands = ipywidgets.ToggleButton(
            value=parameters.bands,
            description="bands",
            tooltip="Repeat the fit with simulated noise (bootstrap) and show 90 % bands of the spectra",
            icon="area-chart",
            layout={"width": "7em", "flex": "0 0 auto"},
        )
        self.follow_button = follow_button
        self._buttons = (self.restart_button, self.stop_button, *([] if follow_button is None else [follow_button]))
        self._tooltips = {one: one.tooltip for one in (self.auto, self.similarity, self.bands)}
        self._setting = False
        self._on_change: list[Callable[[], object]] = []
        self._on_restart: list[Callable[[], object]] = []
        self._on_stop: list[Callable[[], object]] = []
        self._menu = (self.add,) if self.menu_sliders else ()
        self._below = ipywidgets.Box(
            layout={"flex": "1 1 100%", "margin": "0"}
        )  # the page puts the evidence for k there
        self._below.add_class("mffnb-below-model")
        self._model_sliders = (self.k, self.sparsity, *([self.smoothness] if smooth else []), *self.own.values())
        self._model = group("Model", *self._model_sliders, *self._menu, self._below)
        self._groups = (
            self._model,
            group("Physics", self.similarity, self.fractions, self.volume, *([self.auto] if automatic else [])),
            *([group("Data", *self.steps)] if self.steps else []),
            group("Run", self.bands, *self._buttons),
        )
        super().__init__(self._groups)
        self.add_class("mffnb-settings")  # live_view.css contains the styles of this class
        hold_weakly(self, *self._parts)
        toggle, update_disabled, notify = weakly(self._toggle), weakly(self._update_disabled), weakly(self._notify)
        self.add.observe(lambda change: toggle(change.new), "value")
        for control in (self.fractions, self.auto, self.smoothness, self.similarity, self.bands):
            control.observe(lambda _: update_disabled(), "value")
        if follow_button is not None:
            follow_button.observe(lambda _: update_disabled(), "following")
        for control in self._value_controls:
            control.observe(lambda _: notify(), "value")
        restart, stop = weakly(self._restart), weakly(self._stop)
        self.restart_button.on_click(lambda _: restart())
        self.stop_button.on_click(lambda _: stop())
        self._update_disabled()

    @property
    def parameters(self) -> Parameters:
        """The current values of all controls; the value of a disabled control counts as zero."""
        chosen, auto = self.fractions.value, self.auto.value
        fractions = chosen != _OFF
        return Parameters(
            self.k.value,
            0.0 if fractions or auto else self.sparsity.value,
            0.0 if auto else self.smoothness.value,
            AUTO if auto else self.volume.value if fractions else 0.0,
            chosen == _SUM,
            chosen == _GAIN,
            "frobenius" if auto else self.similarity.value,
            {name: slider.value for name, slider in (self.own | self._added_sliders()).items()},
            tuple(button.value for button in self.steps),
            self.bands.value,
            self._held,
            self._area,
            self._fixed,
        )

    @property
    def max_components(self) -> int:
        """Largest k of the slider."""
        return int(self.k.max)

    def _least(self, wanted: Parameters) -> int:
        """Return the smallest k: the number of components that are held or have known abundances in regions."""
        held = range(self._min_components) if wanted.held is None else numbers(wanted.held)
        return max(1, len({*held, *(one.component for one in wanted.fixed)}))

    def set(self, **values: Any) -> None:
        """Set several controls with a single callback; a number is rounded to the nearest step of its slider.

        Parameters
        ----------
        values
            Fields of :class:`Parameters`, including ``volume="auto"``, and knobs of user-defined terms.

        Raises
        ------
        TypeError
            If a name is not a control.
        """
        own_sliders = {**self.own, **{name: one for part in self.menu_sliders.values() for name, one in part.items()}}
        named = [*(name for name in Parameters.__dataclass_fields__ if name != "own"), *own_sliders]
        unknown = set(values) - set(named)
        if unknown:
            raise TypeError(f"there is no control {sorted(unknown)[0]!r}: use {', '.join(named)}")
        own = {name: values.pop(name) for name in own_sliders if name in values}
        if values.get("sum_to_one"):
            values.setdefault("gain", False)  # sum-to-one and gain exclude each other
        wanted = replace(self.parameters, **values)  # raises an error for invalid values before any control moves
        least = self._least(wanted)
        if not least <= wanted.k <= self.k.max:
            few = wanted.k < least
            advice = f"{least} are known" if few else f"open the explorer with max_components={wanted.k}"
            raise ValueError(f"k={wanted.k} is beyond the slider: {advice}")
        if wanted.similarity not in [choice for _, choice in self.similarity.options]:
            raise ValueError(f"similarity={wanted.similarity!r} is not in the menu: open the explorer with it")
        if len(wanted.steps) != len(self.steps):
            raise ValueError(f"steps needs one switch for each of the {len(self.steps)} steps, got {wanted.steps!r}")
        self._setting = True
        try:
            self._move(wanted, frozenset(values))
            for name, value in own.items():
                move_to_nearest(own_sliders[name], value)
            for label, part in self.menu_sliders.items():
                if label not in self._added and own.keys() & part.keys():
                    self._toggle(label)
        finally:
            self._setting = False
        if values or own:
            self._notify()

    def set_exactly(self, control: str, value: float) -> None:
        """Set a weight to exactly this number, with a single callback; its slider gets another step.

        Parameters
        ----------
        control
            Description of the slider.
        value
            The number.

        Raises
        ------
        ValueError
            If the number is negative or not finite, if there is no such slider, or if it is disabled.
        """
        sliders = self.weights
        slider = sliders.get(control)
        if slider is None:
            raise ValueError(f"there is no slider {control!r}: use {', '.join(sliders)}")
        if slider.disabled:
            raise ValueError(f"{control}: {slider.tooltip}")
        whole = all(isinstance(step, int) for _, step in slider.options)
        if not (np.isfinite(value) and value >= 0) or (whole and value != int(value)):
            raise ValueError(f"{control} must be a {'whole' if whole else 'finite'} number >= 0, got {value!r}")
        if value == slider.value:
            return
        self._setting = True
        try:
            move_to(slider, int(value) if whole else float(value))
        finally:
            self._setting = False
        self._notify()

    @property
    def positions(self) -> dict[str, float]:
        """Positions of all sliders of weights by name, also of those that are disabled or not shown."""
        return {name: one.value for name, one in self._weight_sliders.items()}

    @property
    def _weight_sliders(self) -> dict[str, Slider]:
        menu = {name: one for part in self.menu_sliders.values() for name, one in part.items()}
        return {"sparsity": self.sparsity, "smoothness": self.smoothness, "volume": self.volume, **self.own, **menu}

    def show(self, parameters: Parameters, positions: Mapping[str, float] = MappingProxyType({})) -> None:
        """Move all controls to these parameters, with a single callback; terms of the menu are added or removed.

        Parameters
        ----------
        parameters
            The settings.
        positions
            Positions of sliders that have no effect with these settings, as in :attr:`positions`.
        """
        self._setting = True
        try:
            self._move(parameters, frozenset(Parameters.__dataclass_fields__), move_to)
            wanted = self._labels_of(parameters.own)
            for label in {*self._added} ^ {*wanted}:
                self._toggle(label)
            if self._added != wanted:
                self._added = wanted
                self._show_terms()
            for name, slider in (self.own | self._added_sliders()).items():
                move_to(slider, parameters.own[name])
            for name, value in positions.items():
                move_to(self._weight_sliders[name], value)
        finally:
            self._setting = False
        self._notify()

    @property
    def weights(self) -> dict[str, Slider]:
        """Sliders of weights, by the name beside them."""
        return {one.description: one for one in self._value_controls if isinstance(one, Slider)}

    @property
    def watched(self) -> list[str]:
        """Identifiers of the widgets whose moves start a run."""
        return [one.model_id for one in self._value_controls if one.comm is not None]

    def resend_state(self) -> None:
        """Send the state of every control to the browser without changing it."""
        for control in (*self._value_controls, self.add, *self._buttons):
            control.send_state("tooltip")

    def on_change(self, callback: Callable[[], object]) -> None:
        """Register a callback without arguments, called whenever a control changes."""
        self._on_change.append(callback)

    def on_restart(self, callback: Callable[[], object]) -> None:
        """Register a callback without arguments, called when the button "restart" is clicked."""
        self._on_restart.append(callback)

    def on_stop(self, callback: Callable[[], object]) -> None:
        """Register a callback without arguments, called when the button "stop" is clicked."""
        self._on_stop.append(callback)

    def close(self) -> None:
        """Close all controls, including those that are not shown."""
        if hasattr(self, "_groups"):  # the controls are missing if the constructor raised an error
            for control in self._parts:
                control.close()
        super().close()

    @property
    def _parts(self) -> tuple[ipywidgets.Widget, ...]:
        """Return all widgets of the controls, including those that are not shown."""
        headings = [one.children[0] for one in self._groups]
        return (
            *self._value_controls,
            self.add,
            *self._buttons,
            self._below,
            *headings,
            *self._groups,
        )

    @property
    def _value_controls(self) -> tuple[ipywidgets.Widget, ...]:
        """Return all controls that hold a value: sliders, menus and switches."""
        sliders = (self.k, self.sparsity, self.smoothness, self.volume)
        added = [slider for part in self.menu_sliders.values() for slider in part.values()]
        return *sliders, self.auto, *self.own.values(), *added, self.fractions, self.similarity, *self.steps, self.bands

    def _added_sliders(self) -> dict[str, ipywidgets.Widget]:
        """Return the sliders of the terms that the user has added from the menu."""
        return {name: one for label in self._added for name, one in self.menu_sliders[label].items()}

    def _toggle(self, label: str) -> None:
        """Add the term that was selected in the menu, or remove it if it was added before; then reset the menu."""
        if not label:
            return
        self._added = [one for one in self._added if one != label] if label in self._added else [*self._added, label]
        self.add.value = ""  # reset the menu before its labels change, because new options change the selection
        relabel(self.add, label, f"{_ADDED} {label}" if label in self._added else label)
        self._show_terms()
        self._notify()

    def _show_terms(self) -> None:
        """Show the sliders of the added terms in their order."""
        shown = (*self._model_sliders, *self._added_sliders().values(), *self._menu, self._below)
        self._model.children = (self._model.children[0], *shown)

    def _labels_of(self, values: Mapping[str, float]) -> list[str]:
        """Return the terms of the menu to which some values of knobs belong, in the order of the values."""
        labels = {name: label for label, part in self.menu_sliders.items() for name in part}
        return list(dict.fromkeys(labels[name] for name in values if name in labels))

    def _move(
        self, wanted: Parameters, names: frozenset[str], move: Callable[[Slider, float], None] = move_to_nearest
    ) -> None:
        """Move the named controls to the values of ``wanted``, sliders by this function."""
        self._held, self._area, self._fixed = wanted.held, wanted.area, wanted.fixed
        self.k.min = min(self.k.min, wanted.k)
        if "k" in names:
            self.k.value = wanted.k
        self.k.min = self._least(wanted)
        if names & {"sum_to_one", "gain"}:
            self.fractions.value = _fractions(wanted)
        if "similarity" in names:
            self.similarity.value = wanted.similarity
        self.bands.value = wanted.bands
        for button, on in zip(self.steps, wanted.steps, strict=True):
            button.value = button.value if button.disabled else on
        if "volume" in names:
            self.auto.value = wanted.volume == AUTO
        for name in names & {"sparsity", "smoothness", "volume"}:
            value = getattr(wanted, name)
            if value != AUTO:
                move(getattr(self, name), value)

    def _notify(self) -> None:
        """Call the registered callbacks, but not while several controls are being set."""
        if not self._setting:
            _call(self._on_change)

    def _restart(self) -> None:
        _call(self._on_restart)

    def _stop(self) -> None:
        _call(self._on_stop)

    def _update_disabled(self) -> None:
        """Disable the controls that have no effect, and give the reason in their tooltip."""
        fractions, auto = self.fractions.value != _OFF, self.auto.value
        set_disabled(self.sparsity, _AUTO_IS_ON if auto else _SPARSITY_DISABLED if fractions else "")
        # What needs all frames waits for them. If it is on, it stays enabled, so that the user can switch it off.
        waits = self.follow_button is not None and self.follow_button.following
        none_yet = waits and not self.smoothness.value
        set_disabled(self.smoothness, _AUTO_IS_ON if auto else _NEEDS_ALL_FRAMES if none_yet else "")
        set_disabled(self.volume, _VOLUME_IS_AUTOMATIC if auto else "" if fractions else _VOLUME_DISABLED)
        least_squares = self.similarity.value == "frobenius"
        idle_if = {self.auto: not auto, self.similarity: least_squares, self.bands: not self.bands.value}
        for control, idle in idle_if.items():
            control.disabled = (waits and idle) or (control is self.similarity and auto)
            control.tooltip = _NEEDS_ALL_FRAMES if waits and idle else self._tooltips[control]
        setting, self._setting = self._setting, True  # relabelling must not trigger a callback
        relabel(self.fractions, _OFF, _AUTO_LABEL if auto else _OFF)
        weighted = f"{_LEAST_SQUARES}, Poisson weights" if self._poisson else _LEAST_SQUARES
        relabel(self.similarity, "frobenius", _AUTO_LABEL if auto and not self._poisson else weighted)
        self._setting = setting


def _call(callbacks: Sequence[Callable[[], object]]) -> None:
    for callback in callbacks:
        callback()


def _fractions(parameters: Parameters) -> str:
    """Return the entry of the sum-to-one menu that belongs to these parameters."""
    return _GAIN if parameters.gain else _SUM if parameters.sum_to_one else _OFF


def _similarities(given: str | Similarity) -> list[tuple[str, str | Similarity]]:
    """Return the menu entries of the named similarities, and of a similarity object that the user has passed."""
    if isinstance(given, str) and given not in SIMILARITIES:
        raise ValueError(f"similarity={given!r} is not known: use {' or '.join(map(repr, SIMILARITIES))}, or an object")
    own = [] if isinstance(given, str) else [(type(given).__name__, given)]
    return [*((traits_of(one).label or name, name) for name, one in SIMILARITIES.items()), *own]
