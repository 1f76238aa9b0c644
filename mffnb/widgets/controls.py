"""The sliders of an explorer, and the parameters they stand for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import ipywidgets
import numpy as np

_STEPS_PER_DECADE = 5


@dataclass(frozen=True)
class Parameters:
    """What an explorer solves for: the names are those of :func:`mffnb.unmix`."""

    k: int = 4
    sparsity: float = 0.0
    smoothness: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Keywords for :func:`mffnb.unmix`."""
        return asdict(self)


def log_slider(label: str, value: float, decades: tuple[int, int], tooltip: str) -> ipywidgets.SelectionSlider:
    """Build a slider over powers of ten that starts at an exact zero.

    Parameters
    ----------
    label
        Text beside it.
    value
        Where it starts; a value between two steps is added as a step of its own.
    decades
        Exponents of the first and the last step after zero.
    tooltip
        What it does, in a sentence.
    """
    first, last = decades
    exponents = np.arange(first * _STEPS_PER_DECADE, last * _STEPS_PER_DECADE + 1) / _STEPS_PER_DECADE
    steps = {0.0, float(value), *(float(f"{10.0**exponent:.2g}") for exponent in exponents)}
    return ipywidgets.SelectionSlider(
        options=[(f"{step:.2g}" if step else "0", step) for step in sorted(steps)],
        value=float(value),
        description=label,
        tooltip=tooltip,
        continuous_update=True,
        style={"description_width": "initial"},
        layout=_flexible(),
    )


def _flexible() -> dict[str, str]:
    return {"width": "auto", "min_width": "14em", "flex": "1 1 14em"}


class Controls(ipywidgets.HBox):
    """Sliders for k, sparsity and smoothness, and a button that starts afresh.

    Parameters
    ----------
    parameters
        Where the sliders start.
    max_components
        Upper end of the slider for k.
    smooth
        Whether a smoothness slider makes sense: not for a single pixel.
    """

    def __init__(self, parameters: Parameters, *, max_components: int, smooth: bool = True) -> None:
        self.k = ipywidgets.IntSlider(
            value=parameters.k,
            min=1,
            max=max(max_components, parameters.k),
            description="components",
            tooltip="k: how many endmembers the image is made of",
            continuous_update=True,
            style={"description_width": "initial"},
            layout=_flexible(),
        )
        self.sparsity = log_slider(
            "sparsity",
            parameters.sparsity,
            (-4, 0),
            "lambda 1: the higher, the fewer components share a pixel",
        )
        self.smoothness = log_slider(
            "smoothness",
            parameters.smoothness,
            (-4, 2),
            "lambda 2: the higher, the more alike are neighbours",
        )
        self.afresh = ipywidgets.Button(
            description="start afresh",
            tooltip="Forget the present maps and start from the data again, with these settings",
            icon="refresh",
            layout={"width": "9em", "flex": "0 0 auto"},
        )
        sliders = [self.k, self.sparsity, *([self.smoothness] if smooth else [])]
        super().__init__([*sliders, self.afresh], layout={"flex_flow": "row wrap", "align_items": "center"})
        self.add_class("mffnb-controls")  # styled with the view, in live_view.css

    @property
    def parameters(self) -> Parameters:
        """What the sliders say now."""
        return Parameters(self.k.value, self.sparsity.value, self.smoothness.value)

    def set(self, **values: Any) -> None:
        """Move sliders; a lambda moves to the nearest step.

        Raises
        ------
        TypeError
            For a name that is no control.
        """
        for name, value in values.items():
            if name not in Parameters.__dataclass_fields__:
                raise TypeError(f"there is no control {name!r}: use {', '.join(Parameters.__dataclass_fields__)}")
            slider = getattr(self, name)
            if name == "k":
                slider.value = value
            else:
                steps = np.array([step for _, step in slider.options])
                slider.value = float(steps[np.abs(steps - value).argmin()])

    def greet(self) -> None:
        """Write to every control without changing it."""
        for control in (self.k, self.sparsity, self.smoothness, self.afresh):
            control.send_state("tooltip")

    def on_change(self, callback: Callable[[], object]) -> None:
        """Call back, without arguments, whenever a slider moves."""
        for slider in (self.k, self.sparsity, self.smoothness):
            slider.observe(lambda _: callback(), "value")
