"""Gestures of a user as calls of the explorer, chosen by small integers, and all that an explorer shows, for comparison.

Shared by the tests of the history, of the code of a run, and of saved sessions.
"""

from __future__ import annotations

import contextlib

import numpy as np
from hypothesis import strategies as st

import mffnb as mf
from mffnb.widgets.live_view.live_view import STYLE_TRAITS

DESCRIBE = (
    "tool_undo",
    "tool_show_history",
    "tool_code",
    "tool_evidence",
    "tool_probe",
    "tool_freedom",
    "tool_suggest",
)
"""Traits of tools that describe the session itself or what the pointer is at, or are computed later: undo does not restore
them."""
REFUSED = (ValueError, KeyError, IndexError, mf.errors.UnsupportedCombinationError)
"""What a call raises that does not fit the present state, such as merge with a single component."""

gestures = st.tuples(st.deferred(lambda: st.sampled_from(sorted(GESTURES))), st.integers(0, 5), st.integers(0, 5))
"""A gesture: its name and two numbers that choose its arguments."""
OF_STACKS = ("section", "maximum", "orthogonal", "plane", "leave_out_channels", "use_channels", "k", "draw", "fit_only")
gestures_of_stacks = gestures | st.tuples(st.sampled_from(OF_STACKS), st.integers(0, 5), st.integers(0, 5))
"""Gestures with more of those that change what is shown of a stack."""


def opened(cube, **options):
    """A small explorer whose runs end soon, with all parts that can be undone."""
    options = {
        "k": 3,
        "tol": 1e-3,
        "max_iter": 25,
        "max_components": 5,
        "preprocess": [mf.preprocessing.Bin(2)],
    } | options
    return mf.explore(cube, **options)


def make(explorer, gesture):
    """Make a gesture; return whether the explorer has refused it."""
    name, a, b = gesture
    try:
        GESTURES[name](explorer, a, b)
    except REFUSED:
        return True
    return False


def settle(explorer):
    """Wait for the run; one that fails is what a user would see too."""
    with contextlib.suppress(*REFUSED):
        explorer.wait(600)


def _component(explorer, a):
    numbers = explorer.result.endmembers.component.values
    return int(numbers[a % len(numbers)])


def _name(mapping, a):
    return [*mapping][a % len(mapping)] if mapping else "none"


def _suggested(explorer, a):
    """A setting that the data suggest, also one that only an opening can set: that is refused."""
    settings = [name for reason in explorer.suggest(shown=False).reasons for name in reason.settings]
    return settings[a % len(settings)] if settings else "k"


def _box(a, b):
    top, left = 0.1 * a, 0.1 * b
    return [(top, left), (top, left + 0.5), (top + 0.5, left + 0.5), (top + 0.5, left)]


def _mask(explorer, a, b):
    shape = explorer.result.abundances.shape[1:]
    return np.add.outer(np.arange(shape[0]) * (a + 1), np.arange(shape[1]) * (b + 1)) % 3 == 0


def _set(explorer, **values):
    explorer.controls.set(**values)


def _menu_knob(explorer, a):
    # Total variation of fractions takes seconds on any image.
    parts = [part for part in explorer.controls.menu_sliders.values() if "total_variation" not in part]
    return next(iter(parts[a % len(parts)]))


def _view(explorer, a, b):
    name, choices = [
        ("color_map", ("component", "viridis", "gray")),
        ("clip", (0.0, 0.1, 2.0)),
        ("gamma", (0.5, 1.0, 2.0)),
        ("highlighted", ([], [0], [0, 1])),
        ("enlarged", ("", "component 0")),
        ("peak_labels", (True, False)),
    ][a]
    setattr(explorer.view, name, choices[b % len(choices)])


GESTURES = {
    "k": lambda e, a, b: _set(e, k=1 + a % 4),
    "sparsity": lambda e, a, b: _set(e, sparsity=(0, 0.01, 0.1)[a % 3]),
    "smoothness": lambda e, a, b: _set(e, smoothness=(0, 0.01, 0.1)[a % 3]),
    "typed": lambda e, a, b: e.set_number(("sparsity", "smoothness")[a % 2], 0.0123 * b),
    "fractions": lambda e, a, b: _set(e, sum_to_one=a % 3 == 1, gain=a % 3 == 2),
    "volume": lambda e, a, b: _set(e, volume=(0.0, 0.1)[a % 2]),
    "similarity": lambda e, a, b: _set(e, similarity=("frobenius", "kl", "huber")[a % 3]),
    "steps": lambda e, a, b: _set(e, steps=(a % 2 == 0,)),
    "term": lambda e, a, b: _set(e, **{_menu_knob(e, a): 0.1 * b}),
    "restart": lambda e, a, b: e.rerun(),
    "draw": lambda e, a, b: e.region(outline=_box(a, b)),
    "mask": lambda e, a, b: e.region(mask=_mask(e, a, b), name=f"mask {a % 2}"),
    "redraw": lambda e, a, b: e.region(outline=_box(a, b), name=_name(e.regions, b)),
    "drop_region": lambda e, a, b: e.drop_region(name=None if b == 5 else _name(e.regions, a)),
    "rename_region": lambda e, a, b: e.rename_region(_name(e.regions, a), f"area {b}"),
    "pin": lambda e, a, b: e.probe(pixel=(a % 3, b % 5), radius=(a + b) % 2),
    "radius": lambda e, a, b: e.probe(pixel=e.pins[_name(e.pins, a)].pixel, radius=b),
    "hover": lambda e, a, b: e.probe(pixel=(a % 3, b % 5), pinned=False),
    "drop_pin": lambda e, a, b: e.drop_pin(name=None if b == 5 else _name(e.pins, a)),
    "hold": lambda e, a, b: e.hold(_component(e, a)),
    "hold_region": lambda e, a, b: e.hold(_name(e.regions, a)),
    "hold_pixel": lambda e, a, b: e.hold(pixel=(a % 3, b % 5), component=_component(e, b)),
    "release": lambda e, a, b: e.release(_component(e, a)),
    "leave_out": lambda e, a, b: e.leave_out(_name(e.regions, a), on=b % 3 > 0),
    "fit_only": lambda e, a, b: e.fit_only(_name(e.regions, a), on=b % 3 > 0),
    "leave_out_channels": lambda e, a, b: e.leave_out_channels(between=(400 + 4 * a, 402 + 4 * a), name=f"M{b % 2}"),
    "use_channels": lambda e, a, b: e.use_channels(name=None if b == 5 else f"M{a % 2}"),
    "section": lambda e, a, b: e.show_section(index=(a % 2,)),
    "maximum": lambda e, a, b: e.show_section(maximum="z"),
    "orthogonal": lambda e, a, b: e.orthogonal_sections(_component(e, a), shown=b > 1),
    "plane": lambda e, a, b: e.show_section(plane=(a % 3, b % 5)),
    "fix": lambda e, a, b: e.fix(_component(e, a), _name(e.regions, b), (0.0, 1.0)[b % 2], on=a < 4),
    "rename": lambda e, a, b: e.rename(_component(e, a), ("", "lignin", "wax", "water")[b % 4]),
    "hide": lambda e, a, b: e.hide(_component(e, a)),
    "show": lambda e, a, b: e.show(None if b == 5 else _component(e, a)),
    "reorder": lambda e, a, b: e.reorder([_component(e, a)]),
    "color": lambda e, a, b: e.set_color(_component(e, a), None if b == 5 else b),
    "merge": lambda e, a, b: e.merge(_component(e, a), _component(e, b)),
    "split": lambda e, a, b: e.split(_component(e, a)),
    "weights": lambda e, a, b: e.composite(weights={_component(e, a): 0.5 * b}),
    "overlay": lambda e, a, b: e.composite(over=False if b == 5 else e.result.abundances.sum("component") * (1 + a)),
    "opacity": lambda e, a, b: e.composite(opacity=0.2 * a, shown=b > 0),
    "band": lambda e, a, b: e.band(400 + 4 * a, 410 + 4 * b, shown=a > 0),
    "residual": lambda e, a, b: e.residual_map(shown=a > 1),
    "scatter": lambda e, a, b: e.scatter(_component(e, a), _component(e, b), shown=a > 0),
    "profile": lambda e, a, b: e.profile((0.0, 0.0), (1.0, 1.0 + b)),
    "freedom": lambda e, a, b: e.freedom(shown=a > 1),
    "mean": lambda e, a, b: e.mean_spectrum(shown=a > 1),
    "identify": lambda e, a, b: e.identify(405.0 + a, shown=b > 0),
    "suggest": lambda e, a, b: e.suggest(shown=b > 0),
    "apply_suggestion": lambda e, a, b: e.apply_suggestion(_suggested(e, a)),
    "keep": lambda e, a, b: e.keep("AB"[a % 2]),
    "compare": lambda e, a, b: e.compare(shown=a > 1),
    "spectra": lambda e, a, b: e.show_spectra(scale=("linear", "sqrt", "log")[a % 3], normalize=("none", "max")[b % 2]),
    "zoom": lambda e, a, b: e.show_spectra(channels=(400.0 + a, 420.0 + b) if b < 5 else ()),
    "view": _view,
    "drawer": lambda e, a, b: e.code(shown=a % 2 == 0),
    "thumbnails": lambda e, a, b: e.show_history(shown=a % 2 == 0),
    "undo": lambda e, a, b: e.undo(),
    "redo": lambda e, a, b: e.redo(),
    "go_to": lambda e, a, b: e.go_to(max(0, e.history.position - a)),
}
"""Calls of the explorer by name."""


def moment(explorer):
    """All that an explorer shows: settings, controls, answer, frame, and the traits that undo restores."""
    view, last = explorer.view, explorer.session.last
    frame = {name: value for name, value in view.encoded.items() if name != "header"}
    passing = ("sequence", "epoch", "generation", "status")
    header = {name: value for name, value in view.encoded["header"].items() if name not in passing}
    tools = {name: getattr(view, name) for name in sorted(view.trait_names()) if name.startswith("tool_")}
    return {
        "settings": explorer.settings,
        "controls": {name: slider.value for name, slider in explorer.controls.weights.items()},
        "k": (explorer.controls.k.value, explorer.controls.k.min),
        "factors": (last.state.abundances, last.state.endmembers, last.state.gain, last.names),
        "result": (explorer.result.abundances, explorer.result.endmembers),
        "workspace": explorer._fit._workspace(),
        "frame": frame,
        "header": header,
        "tools": {name: value for name, value in tools.items() if name not in DESCRIBE},
        "style": {name: getattr(view, name) for name in STYLE_TRAITS},
    }
