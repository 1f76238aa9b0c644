"""The session of a rank explorer or a tuning monitor: it shows answers of a search, and never runs a solver."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
import xarray as xr

from mffnb.cubes.layout import Layout
from mffnb.cubes.tiles import tiles_of
from mffnb.errors import UnsupportedCombinationError
from mffnb.preprocessing.image_scaling import ImageScaling
from mffnb.protocols.matrix import Matrix
from mffnb.solvers import State
from mffnb.typing import Array, Float64Array
from mffnb.unmixing.joint_input import DEFAULTS, divides_images
from mffnb.unmixing.result import ProcessedFactors, Unmixing
from mffnb.unmixing.task import SETTINGS, Task
from mffnb.widgets.equality import same
from mffnb.widgets.session.held import Held
from mffnb.widgets.session.live_data import LiveImage, LiveInput
from mffnb.widgets.session.parameters import Parameters
from mffnb.widgets.session.search_answer import SearchAnswer
from mffnb.widgets.session.solved import Solved

_DATA = ("channel", "mask", "weights", "preprocess")  # settings of which the matrix X depends
_NONE_YET = "no answer is finished yet: call wait() first"
_NOTHING = np.empty((0, 0))  # in place of the factors in the trace of a run


class AnswerSession:
    """Answers of a search, one of which is shown in the place of the state of an explorer's run.

    Parameters
    ----------
    opener
        What the user has called, such as ``"mf.RankExplorer"``, for comments in code.

    Attributes
    ----------
    absent
        Why there is no answer, as a sentence; used while :attr:`last` is None.
    waiting
        Whether the user has selected another answer than that which is shown, and which is not there.
    """

    def __init__(self, opener: str) -> None:
        self.opener, self.absent, self.waiting = opener, _NONE_YET, False
        self._last: Solved | None = None
        # Newer requests replace older ones before the worker has read these.
        self._wanted: deque[Solved] = deque(maxlen=8)
        self._images: list[tuple[dict[str, Any], LiveInput, LiveImage]] = []

    @property
    def last(self) -> Solved | None:
        """The answer that is shown; None before the first one."""
        return self._last

    @property
    def parameters(self) -> Parameters:
        """Settings of the answer that is shown, or will be as soon as the worker is free."""
        if not self._wanted:
            raise ValueError(self.absent)
        return self._wanted[-1].parameters

    @property
    def wanted(self) -> Solved | None:
        """The answer that is shown, or will be as soon as the worker is free; None if there is none."""
        return self._wanted[-1] if self._wanted else None

    @property
    def _shown(self) -> Solved:
        if self._last is None:
            raise ValueError(self.absent)
        return self._last

    @property
    def source(self) -> LiveInput:
        """The cube and the keywords of the fit."""
        return self._shown_input[0]

    @property
    def _shown_input(self) -> tuple[LiveInput, LiveImage]:
        origin = self._shown.origin
        assert origin is not None, "a state of this session is an answer of a search"
        return self._input_of(origin)

    @property
    def passed(self) -> tuple[Held, ...]:
        """The known endmembers of the fit, as held components."""
        return () if self._last is None else self.source.passed

    @property
    def data(self) -> LiveImage:
        """The image after the preprocessing of the fit."""
        return self._shown.data

    @property
    def matrix(self) -> Matrix:
        """The data matrix X, (pixels, channels), of the image."""
        return self.data.matrix

    @property
    def layout(self) -> Layout:
        """Which dimensions of the image are pixels and which are channels."""
        return self.data.layout

    def solved(self, answer: SearchAnswer) -> Solved:
        """Return an answer as the state of a run."""
        _, image = self._input_of(answer)
        result, layout = answer.result, image.layout
        made = result if result.processed is None else result.processed
        trace = _trace(result)
        last = trace[-1] if trace else State(0, _NOTHING, _NOTHING, np.nan, np.nan, np.nan, np.nan)
        state = State(
            last.iteration,
            _used(made.abundances.values, len(result.abundances), layout.pixel_mask),
            _used(made.endmembers.values, len(result.endmembers), layout.channel_mask),
            last.objective,
            last.relative_error,
            last.step,
            np.nan,  # the time of the fit would not be that of the search
            result.outcome,
            gain=_gain(made, layout),
            intercept=_intercept(result, layout),
        )
        names = tuple(int(number) for number in result.endmembers["component"].values)
        return Solved(
            state, names, _parameters(answer), image, trace, len(trace), from_data=True, origin=answer,
        )  # fmt: skip

    def restore(self, solved: Solved, *, settled: bool = True) -> None:
        """Show this answer with the next request."""
        assert settled, "answers of a search are settled"
        self.waiting = False
        self._wanted.append(solved)

    def clear(self, absent: str) -> None:
        """Show no answer, and say why."""
        self._last, self.absent, self.waiting = None, absent, True
        self._wanted.clear()

    def solve(self, parameters: Parameters) -> Iterator[Solved]:
        """Yield the answer with these settings, which :meth:`restore` was called with."""
        for solved in reversed(list(self._wanted)):
            if solved.parameters is parameters:
                self._last = solved
                yield solved
                return

    def result(self, solved: Solved) -> Unmixing:
        """Return the result of an answer as the search has found it."""
        assert solved.origin is not None, "a state of this session is an answer of a search"
        return solved.origin.result

    def stop(self) -> None:
        """Do nothing: there is no run to stop."""

    def cancel_stop(self) -> None:
        """Do nothing: there is no run to stop."""

    def start_afresh(self) -> NoReturn:
        """Refuse to start a run."""
        raise no_run("rerun")

    def continue_from(self, solved: Solved | None) -> NoReturn:
        """Refuse to start a run."""
        raise no_run("merge or split")

    def _input_of(self, answer: SearchAnswer) -> tuple[LiveInput, LiveImage]:
        """Return cube and image of an answer; answers with the same mask, weights and preprocessing share them."""
        key = {name: answer.settings.get(name) for name in _DATA} | {"divided": _is_divided(answer)}
        for known, source, image in self._images:
            if same(known, key):
                return _with_task(source, answer), image
        cube = answer.result.cube
        assert cube is not None, "the answer of a search holds its cube"
        source = LiveInput(cube, _task(answer), last_steps=(ImageScaling(),) if key["divided"] else ())
        image = source.prepare((True,) * len(source.steps))
        self._images.append((key, source, image))
        return source, image


def no_run(tool: str) -> UnsupportedCombinationError:
    """Return the error that refuses a tool that would start a run."""
    return UnsupportedCombinationError(
        f"{tool} belongs to an explorer, and here the answers of a search are shown as they are: call explore(), which "
        "opens an explorer at this answer"
    )


def _task(answer: SearchAnswer) -> Task:
    """Return the task of an answer, with the keywords that determine it."""
    settings = {name: value for name, value in answer.settings.items() if name in SETTINGS and value is not None}
    return Task.of(k=len(answer.result.endmembers), random_state=answer.settings.get("random_state"), **settings)


def _with_task(source: LiveInput, answer: SearchAnswer) -> LiveInput:
    """Return the input with the task of an answer, which may have another known spectrum or transformation."""
    return replace(source, task=_task(answer))


def _is_divided(answer: SearchAnswer) -> bool:
    """Return whether the fit divided each of several images by its brightness."""
    return bool(tiles_of(answer.result.abundances)) and divides_images(DEFAULTS | dict(answer.settings))


def _parameters(answer: SearchAnswer) -> Parameters:
    """Return the settings of an answer as those of the controls of an explorer."""
    settings: Mapping[str, Any] = answer.settings
    found = answer.result.parameters  # "auto" and None are resolved there
    return Parameters(
        len(answer.result.endmembers),
        settings.get("sparsity", 0.0),
        settings.get("smoothness", 0.0),
        settings.get("volume", 0.0),
        bool(found.get("sum_to_one", settings.get("sum_to_one", False))),
        bool(found.get("gain", settings.get("gain", False))),
        settings.get("similarity", "frobenius"),
    )


def _used(values: Array, components: int, mask: Array | None) -> Float64Array:
    """Return maps or spectra as a matrix (components, used entries)."""
    matrix = np.asarray(values, dtype=np.float64).reshape(components, -1)
    return matrix if mask is None else np.ascontiguousarray(matrix[:, mask.ravel()])


def _gain(made: Unmixing | ProcessedFactors, layout: Layout) -> Float64Array | None:
    """Return the gain of each used pixel; None for a model without."""
    gain: xr.DataArray | None = made.gain
    return None if gain is None else _used(gain.values, 1, layout.pixel_mask)[0]


def _intercept(result: Unmixing, layout: Layout) -> Float64Array | None:
    """Return the intercept of the model at the used channels; None for a model without."""
    mapped = result.mapped
    if mapped is None or mapped.intercept is None:
        return None
    intercept: Float64Array = _used(np.asarray(mapped.intercept), 1, layout.channel_mask)[0]
    return intercept


def _trace(result: Unmixing) -> list[State]:
    """Return the states of the trace of a result, without factors."""
    trace = result.trace
    columns = [trace[name].values.tolist() for name in ("iteration", "objective", "relative_error", "step", "seconds")]
    return [
        State(iteration, _NOTHING, _NOTHING, objective, error, step, seconds)
        for iteration, objective, error, step, seconds in zip(*columns, strict=True)
    ]
