"""The tier of a run: compiled kernels, or NumPy steps while a child process compiles the kernels into the cache.

A run without a tier, such as that of an estimator, compiles its kernels when it first calls them. Runs that a person
watches have a tier, see ``docs/conventions.md``. The tier belongs to the thread of the run, so that several runs do
not disturb each other; :func:`in_this_tier` passes it on to worker threads.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from mffnb.kernels.tiers.compilation import Compilation, compilation_of, waits
from mffnb.kernels.tiers.readiness import Group, is_ready

Function = TypeVar("Function", bound=Callable[..., Any])
Item = TypeVar("Item")
Result = TypeVar("Result")

# Seconds that compiling takes for most runs. If no child process can compile, a run stays on NumPy steps for this long
# before it compiles in the foreground: it then takes at most twice the time of the better choice, which is not known
# before the run ends.
_FOREGROUND_SECONDS = 20.0
# Seconds that a run waits for a child process whose kernels it needs to go on; on a machine whose processors are all
# busy, a child with the lowest priority may take far longer than compiling in the foreground.
_LONGEST_WAIT = 60.0
_PAUSE = 0.05  # seconds between two looks at the child process while a run waits for it
_WORDS = "compiling kernels in the background"

logger = logging.getLogger(__name__)


class Tier:
    """State of one run: whether its kernels are compiled, and the child process that compiles them.

    Parameters
    ----------
    compilation
        The child process that compiles the kernels; None for compiled kernels, until :meth:`require` is called.

    Attributes
    ----------
    compiled
        Whether the run calls compiled kernels. It changes only between two iterations.
    simplified
        Whether a simpler step has taken the place of a kernel since the run began on NumPy steps. Such a step may be
        short although the objective can still fall, so it does not end a run.
    iterations
        Number of iterations that were made by NumPy steps.
    """

    def __init__(self, compilation: Compilation | None = None) -> None:
        self.compiled = compilation is None
        self.simplified = False
        self.iterations = 0
        self._compilation = compilation
        self._begin = time.perf_counter()
        self._waiting_since: float | None = None

    @property
    def status(self) -> str:
        """What the tier does at present, in plain words; empty if the run calls compiled kernels."""
        if self.compiled:
            return ""
        return _WORDS if self._compilation is None or not self._compilation.failure else "running without compiled code"

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Choose the tier for the conversion of the data, before their storage is known.

        Parameters
        ----------
        settings
            What determines the kernels of the run, as plain values; see :class:`mffnb.kernels.tiers.readiness.Group`.
        """
        self._begin = time.perf_counter()
        self.compiled = is_ready(Group.of(settings))

    def require(self, settings: Mapping[str, Any]) -> None:
        """Choose the tier for the iterations, and start the child process if the kernels are not in the cache.

        Parameters
        ----------
        settings
            As for :meth:`begin`, with the storage of the matrix.
        """
        group = Group.of(settings)
        self.compiled = is_ready(group)
        if not self.compiled:
            self._compilation = compilation_of(group)

    def after_iteration(self) -> None:
        """Count an iteration, and change to compiled kernels if they are ready now."""
        if self.compiled:
            return
        self.iterations += 1
        self._look()

    def must_wait(self, *, ended: bool) -> bool:
        """Return whether the run has to wait for kernels because simpler steps have done what they can (``ended``)."""
        if self.compiled or not (self.simplified and ended):
            return False
        now = time.perf_counter()
        self._waiting_since = self._waiting_since or now
        if now - self._waiting_since > _LONGEST_WAIT:
            logger.info("the child process is too slow: kernels are compiled in the foreground")
            self.compiled = True
        else:
            time.sleep(_PAUSE)
            self._look()
        return not self.compiled

    def record(self) -> dict[str, Any]:
        """Return the number of iterations on NumPy steps for ``result.parameters``; nothing if there were none."""
        return {"numpy_iterations": self.iterations} if self.iterations else {}

    @property
    def provisional(self) -> bool:
        """Whether simpler steps are used at present, whose size is no reason to end the run."""
        return self.simplified and not self.compiled

    def _look(self) -> None:
        """Change to compiled kernels if the child process has ended, or if compiling here is faster than going on."""
        compilation = self._compilation
        if compilation is None or not compilation.ended:
            return
        late = time.perf_counter() - self._begin > _FOREGROUND_SECONDS
        self.compiled = not compilation.failure or self.simplified or late


_awaited: ContextVar[bool] = ContextVar("mffnb_kernels_awaited", default=False)
_present: ContextVar[Tier | None] = ContextVar("mffnb_tier", default=None)


def present_tier() -> Tier | None:
    """Return the tier of the run on this thread; None for a run that compiles its kernels when it calls them."""
    return _present.get()


def choose(kernel: Function, numpy_step: Function) -> Function:
    """Return the compiled kernel, or the NumPy step with the same result if the run is on NumPy steps."""
    tier = _present.get()
    return kernel if tier is None or tier.compiled else numpy_step


def on_numpy_steps() -> bool:
    """Return whether the run on this thread is on NumPy steps."""
    tier = _present.get()
    return tier is not None and not tier.compiled


def use_simpler_step() -> bool:
    """Return whether a simpler step takes the place of a kernel here; the run then waits for the kernel to end."""
    tier = _present.get()
    if tier is None or tier.compiled:
        return False
    tier.simplified = True
    return True


@contextmanager
def await_kernels() -> Iterator[None]:
    """Let all runs that are started on this thread inside the context wait for compiled kernels."""
    token = _awaited.set(True)
    try:
        yield
    finally:
        _awaited.reset(token)


def kernels_are_awaited() -> bool:
    """Return whether a run that is started now has to wait for compiled kernels."""
    return _awaited.get() or waits()


@contextmanager
def running_on(tier: Tier | None) -> Iterator[None]:
    """Let kernels be chosen by this tier on this thread inside the context.

    >>> with running_on(Tier()):
    ...     on_numpy_steps()
    False
    """
    token = _present.set(tier)
    try:
        yield
    finally:
        _present.reset(token)


def iterate_on(tier: Tier | None, steps: Iterator[Item]) -> Iterator[Item]:
    """Iterate over ``steps`` on a tier while a step is computed, and without it between steps.

    >>> list(iterate_on(Tier(), iter("ab")))
    ['a', 'b']
    """
    try:
        while True:
            with running_on(tier):
                try:
                    step = next(steps)
                except StopIteration:
                    return
            yield step
    finally:
        close = getattr(steps, "close", None)  # generators have it, other iterators do not
        if close is not None:
            close()


def in_this_tier(function: Callable[[Item], Result]) -> Callable[[Item], Result]:
    """Return the function bound to the tier of this thread, for calls on worker threads."""
    tier = _present.get()
    if tier is None:
        return function

    def call(item: Item) -> Result:
        with running_on(tier):
            return function(item)

    return call
