"""Settings that say where and how one unmixing run is executed: processes, engines, checkpoint, callback, progress bar.

A :class:`mffnb.unmixing.task.Task` determines the answer. An :class:`Execution` determines which processes compute it,
and what is shown and stored meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mffnb.cubes.layout import Layout
from mffnb.errors import UnsupportedCombinationError
from mffnb.kernels.tiers.tier import Tier, kernels_are_awaited
from mffnb.parallel import Cluster
from mffnb.parallel.executors import ExecutorEngines, engines_of
from mffnb.parallel.placement import Local, Placement, placement_of
from mffnb.solvers.checkpoint import Checkpoint
from mffnb.solvers.progress import Callback
from mffnb.unmixing.task import Task

Observer = Callable[[Layout, Any], Callback | None]
"""Makes the callback of a run from layout and matrix of its image: a callback that needs neither ignores them."""


def no_observer(_layout: Layout, _matrix: Any) -> Callback | None:
    """Return None in place of a callback: the default observer of a run without a callback or progress bar."""
    return None


@dataclass(frozen=True, eq=False)
class Execution:
    """Where and how one unmixing run is executed. Create it from the keywords of :func:`mffnb.unmix` with :meth:`of`.

    Attributes
    ----------
    placement
        The process or processes that hold the pixels.
    engines
        A running cluster of ipyparallel engines, an executor for several starts, or None.
    checkpoint
        Checkpoint that says in which folder and how often the run stores its state, or None.
    observer
        Function that creates the callback of the run from the pixel layout and the matrix.
    callback
        The callback of the user, for runs on MPI engines, where it is called in this process.
    progress
        Whether to show a progress bar.
    gather
        Whether each rank gets the maps of all pixels.
    """

    placement: Placement = Local()  # noqa: RUF009  frozen
    engines: Cluster | ExecutorEngines | None = None
    checkpoint: Checkpoint | None = None
    observer: Observer = no_observer
    callback: Callback | None = None
    progress: bool = False
    gather: bool = True

    @classmethod
    def of(
        cls, communicator: Any, cluster: Any, checkpoint: Any, callback: Callback | None, progress: bool,
        gather: bool,
    ) -> Execution:  # fmt: skip
        """Create the execution settings from keywords of :func:`mffnb.unmix`."""
        placement = placement_of(communicator)
        return cls(
            placement,
            engines_of(cluster),
            None if checkpoint is None else Checkpoint.of(checkpoint),
            lambda _layout, _matrix: placement.collective(callback),
            callback,
            progress,
            gather,
        )

    @property
    def on_mpi_engines(self) -> bool:
        """Whether the engines are the ranks of one MPI program, among which pixels are distributed."""
        return self.engines is not None and self.engines.mpi

    @property
    def alone(self) -> bool:
        """Whether this process solves the task and no checkpoint is kept, so that the data may decide the model."""
        return self.placement.holds_all_pixels and not self.on_mpi_engines and self.checkpoint is None

    def starts_on_engines(self, task: Task) -> bool:
        """Whether several starts are fitted independently on engines, so that each engine needs the whole image.

        This is False if the data decide the model, which needs the whole image in this process: for ``volume="auto"``,
        and for a volume weight with neither ``sum_to_one`` nor ``gain``.
        """
        physics = task.physics
        decided = not task.automatic and (physics.volume == 0 or physics.fractions)
        return self.engines is not None and task.n_init != 1 and not task.starts_from_factors and decided

    def tier(self, task: Task) -> Tier | None:
        """Return a tier for a run that begins on NumPy steps; None for a run that waits for compiled kernels.

        Runs that can be repeated to the last bit wait: those with a seed that nobody watches, those with a checkpoint,
        and those on several processes.
        """
        watched = self.callback is not None or self.progress
        alone = isinstance(self.placement, Local) and self.engines is None and self.checkpoint is None
        return None if kernels_are_awaited() or not alone or (task.seed is not None and not watched) else Tier()

    def check(self, task: Task) -> None:
        """Refuse combinations of a task and of execution keywords that cannot be computed.

        Raises
        ------
        UnsupportedCombinationError
            If a combination is not supported; the message names the keyword to leave out.
        """
        distributed = not self.placement.holds_all_pixels
        if self.engines is not None and distributed:
            raise UnsupportedCombinationError("a cluster has a communicator of its own: leave out communicator")
        if self.checkpoint is not None and (task.automatic or (self.engines is not None and not self.engines.mpi)):
            raise UnsupportedCombinationError(
                "a checkpoint is of one run, in this process or on ranks: leave it out, or give volume a weight and "
                "drop the cluster"
            )
        if task.preprocess and not self.gather:
            raise UnsupportedCombinationError(
                "the way back through preprocess needs the maps of all ranks: leave out gather"
            )
        if task.automatic and self.on_mpi_engines:
            raise UnsupportedCombinationError(
                "volume='auto' does not run on MPI engines: leave out cluster, start a program with mpiexec and pass "
                "its communicator, or give volume a number, such as volume=1e-3"
            )
        if task.automatic and task.starts_from_factors:
            raise UnsupportedCombinationError(
                "volume='auto' computes its own start: leave out init, or give volume a number, such as volume=1e-3"
            )
