"""The sliders of an explorer, and the parameters they stand for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
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
    sum_to_one: bool = False

    def __post_init__(self) -> None:
        if not (isinstance(self.k, int) and self.k >= 1):
            raise ValueError(f"k must be a whole number >= 1, got {self.k!r}")
        for name in ("sparsity", "smoothness"):
            weight = getattr(self, name)
            if not (np.isfinite(weight) and weight >= 0):
                raise ValueError(f"{name} must be a finite number >= 0, got {weight!r}")

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
    """Sliders for k, sparsity and smoothness, a switch for fractions, and a button that starts afresh.

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
        self.sum_to_one = ipywidgets.Checkbox(
            value=parameters.sum_to_one,
            description="sum to one",
            tooltip="make the abundances of every pixel fractions that sum to exactly one; sparsity then does nothing",
            indent=False,
            layout={"width": "10em", "flex": "0 0 auto"},
        )
        self.sum_to_one.observe(lambda _: self._settle(), "value")
        self._settle()
        self.afresh = ipywidgets.Button(
            description="start afresh",
            tooltip="Forget the present maps and start from the data again, with these settings",
            icon="refresh",
            layout={"width": "9em", "flex": "0 0 auto"},
        )
        sliders = [self.k, self.sparsity, *([self.smoothness] if smooth else [])]
        super().__init__(
            [*sliders, self.sum_to_one, self.afresh], layout={"flex_flow": "row wrap", "align_items": "center"}
        )
        self.add_class("mffnb-controls")  # styled with the view, in live_view.css

    @property
    def parameters(self) -> Parameters:
        """What the sliders say now."""
        fractions = self.sum_to_one.value
        sparsity = 0.0 if fractions else self.sparsity.value  # the L1 norm of fractions is a constant
        return Parameters(self.k.value, sparsity, self.smoothness.value, fractions)

    def set(self, **values: Any) -> None:
        """Move sliders; a lambda moves to the nearest step.

        Raises
        ------
        TypeError
            For a name that is no control.
        """
        unknown = set(values) - set(Parameters.__dataclass_fields__)
        if unknown:
            known = ", ".join(Parameters.__dataclass_fields__)
            raise TypeError(f"there is no control {sorted(unknown)[0]!r}: use {known}")
        wanted = replace(self.parameters, **values)  # refuses what no parameter may be
        if wanted.k > self.k.max:
            raise ValueError(f"k={wanted.k} is beyond the slider: open the explorer with max_components={wanted.k}")
        for name, value in values.items():
            slider = getattr(self, name)
            if name in ("k", "sum_to_one"):
                slider.value = value
            else:
                steps = np.array([step for _, step in slider.options])
                slider.value = float(steps[np.abs(steps - value).argmin()])

    def greet(self) -> None:
        """Write to every control without changing it."""
        for control in (*self._parts, self.afresh):
            control.send_state("tooltip")

    def on_change(self, callback: Callable[[], object]) -> None:
        """Call back, without arguments, whenever a slider moves."""
        for control in self._parts:
            control.observe(lambda _: callback(), "value")

    def close(self) -> None:
        """Close every control, those that are not shown as well."""
        for control in (*self._parts, self.afresh):
            control.close()
        super().close()

    @property
    def _parts(self) -> tuple[ipywidgets.Widget, ...]:
        return self.k, self.sparsity, self.smoothness, self.sum_to_one

    def _settle(self) -> None:
        self.sparsity.disabled = self.sum_to_one.value
