"""Building blocks of the controls in a uniform layout: sliders, menus, checkboxes and switches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets
import numpy as np

from mffnb.knobs import Knob
from mffnb.preprocessing import Step

_STEPS_PER_DECADE = 5  # number of steps per decade of a slider in log scale
_STEPS = 50  # number of steps of a slider in linear scale


class Slider(ipywidgets.SelectionSlider):
    """A slider over a list of values; the tooltip says what it controls, or why it is disabled."""

    def __init__(self, purpose: str, **options: Any) -> None:
        super().__init__(tooltip=purpose, **options)
        self.purpose = purpose


def knob_slider(knob: Knob, value: float) -> Slider:
    """Create the slider for a knob (adjustable number of a penalty or constraint).

    Parameters
    ----------
    knob
        Label, range and scale of the slider.
    value
        Initial value; if it lies between two steps, it becomes an additional step.
    """
    steps = sorted({*slider_steps(knob), value})
    return Slider(
        knob.help or knob.label,
        options=[(f"{step:.2g}" if knob.log else f"{step:g}", step) for step in steps],
        value=value,
        description=knob.label,
        continuous_update=True,
        style={"description_width": "initial"},
        layout=flexible(),
    )


def slider_steps(knob: Knob) -> list[float]:
    """Return the values of the slider of a knob: integers, evenly spaced values, or five values per decade.

    Examples
    --------
    >>> slider_steps(Knob("weight", 0.1, "ridge", 0.1, 1.0, log=True))
    [0.0, 0.1, 0.16, 0.25, 0.4, 0.63, 1.0]
    >>> slider_steps(Knob("order", 2, "order", 1, 4, zero=False))
    [1, 2, 3, 4]
    """
    if isinstance(knob.value, int):
        whole = np.unique(np.linspace(knob.low, knob.high, _STEPS + 1).astype(int)).tolist()
        return [0, *whole] if knob.zero and whole[0] > 0 else whole
    if knob.log:
        decades = np.log10(knob.high / knob.low)
        even = knob.low * 10.0 ** (np.arange(int(decades * _STEPS_PER_DECADE + 1e-9) + 1) / _STEPS_PER_DECADE)
        steps = {float(knob.low), *(float(f"{step:.2g}") for step in even[1:]), float(knob.high)}
    else:
        digits = max(0, 2 - int(np.floor(np.log10(knob.high - knob.low))) + 1)
        steps = {float(round(step, digits)) for step in np.linspace(knob.low, knob.high, _STEPS + 1)}
    return sorted({0.0, *steps} if knob.zero else steps)


def move_to_nearest(slider: Slider, value: float) -> None:
    """Move a slider to the step nearest to a value."""
    if not np.isfinite(value):
        raise ValueError(f"{slider.description} must be a finite number, got {value!r}")
    steps = [step for _, step in slider.options]
    slider.value = steps[int(np.abs(np.array(steps, dtype=np.float64) - value).argmin())]


def move_to(slider: Slider, value: float) -> None:
    """Move a slider to a value, which becomes an additional step if it lies between two of them.

    Its callbacks may be called twice.
    """
    values = [step for _, step in slider.options]
    if value not in values:
        labels = {step: label for label, step in slider.options} | {value: number_text(value)}
        with slider.hold_sync():  # new options select the first one, which the page need not see
            slider.options = [(labels[step], step) for step in sorted(labels)]
            slider.value = value
    slider.value = value


def number_text(value: float) -> str:
    """Return a weight as a short text.

    Examples
    --------
    >>> number_text(0.01), number_text(2.0), number_text(0.01234)
    ('0.01', '2', '0.0123')
    """
    return f"{value:.3g}"


def set_disabled(slider: Slider, reason: str) -> None:
    """Disable a slider and show the reason in its tooltip; enable it if the reason is empty."""
    slider.disabled, slider.tooltip = bool(reason), reason or slider.purpose


def relabel(choice: ipywidgets.Dropdown, value: Any, label: str) -> None:
    """Change the label of one entry of a menu without changing the selection."""
    options = [(label if one == value else words, one) for words, one in choice.options]
    if options != list(choice.options):
        index = choice.index
        choice.options = options  # setting the options selects the first entry, so restore the selection
        choice.index = index


def flexible(share: int = 1) -> dict[str, str]:
    """Return the layout of a control that grows with the row that contains it, by its share of the free room."""
    return {"width": "auto", "min_width": "14em", "flex": f"{share} 1 14em"}


def group(heading: str, *controls: ipywidgets.Widget) -> ipywidgets.HBox:
    """Create a row of controls behind a heading; controls that do not fit continue in the next line."""
    box = ipywidgets.HBox([ipywidgets.HTML(heading), *controls], layout={"flex_flow": "row wrap"})
    box.add_class("mffnb-group")
    return box


def dropdown(label: str, options: Sequence[Any], value: Any, tooltip: str) -> ipywidgets.Dropdown:
    """Create a dropdown menu with label, options, initial value and tooltip."""
    return ipywidgets.Dropdown(
        options=options,
        value=value,
        description=label,
        tooltip=tooltip,
        style={"description_width": "initial"},
        layout={"width": "auto", "flex": "0 0 auto"},
    )


def checkbox(label: str, value: bool, tooltip: str) -> ipywidgets.Checkbox:
    """Create a checkbox with label, initial value and tooltip."""
    return ipywidgets.Checkbox(
        value=value, description=label, tooltip=tooltip, indent=False, layout={"width": "auto", "flex": "0 0 auto"}
    )


def switch(step: Step) -> ipywidgets.ToggleButton:
    """Create the on/off switch of a preprocessing step."""
    needed = step.takes_image
    words = "".join(f" {letter}" if letter.isupper() else letter for letter in type(step).__name__)
    return ipywidgets.ToggleButton(
        value=True,
        description=words.strip().lower().replace("f f t", "FFT"),
        tooltip="Computes the spectra of the image, so it cannot be switched off" if needed else f"{step!r}: on or off",
        disabled=needed,
        layout={"width": "auto", "flex": "0 0 auto"},
    )
