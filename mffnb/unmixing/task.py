"""One unmixing task: the checked keywords of :func:`mffnb.unmix` that determine the answer.

All code that unmixes an image uses this class: :func:`mffnb.unmix`, the explorer, engines, the scan of k and the refits
of the stability analysis. The steps are always the same::

    task = Task.of(k=4, sparsity=1e-3)
    image = task.prepare(cube)
    solution = solve(task, image, matrix)        # see mffnb.unmixing.solve
    result = task.label(cube, image, solution)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from itertools import zip_longest
from numbers import Integral
from typing import TYPE_CHECKING, Any

import xarray as xr

from mffnb.cubes.spectrum_names import spectrum_names
from mffnb.estimators.names import named_similarity
from mffnb.estimators.run import FactorizationRun
from mffnb.estimators.start_values import Init
from mffnb.geometry import choose_model
from mffnb.io.parallel_write import Block
from mffnb.matrices.checking import check_size, drawn_seed
from mffnb.parallel.placement import Local, Placement
from mffnb.preprocessing import Step
from mffnb.preprocessing.step_results import check_steps
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.similarity import Similarity
from mffnb.protocols.solver import Solver
from mffnb.solvers.checkpoint import Checkpoint, stored_seed
from mffnb.unmixing.component_names import named, names_of
from mffnb.unmixing.image import Prepared
from mffnb.unmixing.label import label_solution
from mffnb.unmixing.physics import Physics
from mffnb.unmixing.record import record
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.solution import Solution
from mffnb.unmixing.warm_start import StartFactors, factors_of, is_labelled

if TYPE_CHECKING:
    from mffnb.estimators.factorization import MatrixFactorization

AUTO = "auto"
"""The weight of a volume that is determined from the data."""
_PHYSICS = tuple(one.name for one in fields(Physics))
_OTHERS = (
    "similarity", "weights", "transform", "mask", "preprocess", "channel", "solver", "max_iter", "tol", "init",
    "n_init",
)  # fmt: skip
SETTINGS = (*_PHYSICS, *_OTHERS)
"""Keywords of a task beside ``k`` and ``random_state``."""


@dataclass(frozen=True, eq=False)
class Task:
    """Settings of one unmixing run that determine its answer. Create it with :meth:`of`.

    Attributes
    ----------
    k
        Number of endmembers.
    physics
        Penalties and constraints requested by the user.
    similarity, weights, transform, mask, preprocess, channel, init, solver, n_init, max_iter, tol
        As for :func:`mffnb.unmix`.
    seed
        Seed of all random numbers; None until it is drawn, see :meth:`with_seed`.

    Examples
    --------
    >>> task = Task.of(k=3, sparsity=1e-3)
    >>> task.physics.sparsity, task.max_iter
    (0.001, 500)
    >>> Task.of(k=3, sparsty=1e-3)  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    TypeError: there is no setting 'sparsty' here: use sparsity, smoothness, ...
    """

    k: int
    physics: Physics = field(default_factory=Physics)
    similarity: str | Similarity = "frobenius"
    weights: Any = None
    transform: Any = None
    mask: Any = None
    preprocess: Sequence[Step] = ()
    channel: str | Sequence[str] | None = None
    init: Init | Unmixing = "auto"
    solver: str | Solver = "auto"
    n_init: int = 1
    max_iter: int = 500
    tol: float = 1e-4
    seed: int | None = None

    @classmethod
    def of(cls, *, k: int, random_state: Any = None, **keywords: Any) -> Task:
        """Create a task from keywords of :func:`mffnb.unmix`.

        Raises
        ------
        TypeError
            If a name is no such keyword, a penalty weight is no number, or ``preprocess`` is no list of steps.
        ValueError
            If k is no whole number >= 1.
        """
        if not (isinstance(k, Integral) and not isinstance(k, bool) and k >= 1):
            raise ValueError(f"k must be a whole number >= 1, got {k!r}")
        check_names(keywords)
        check_steps(keywords.get("preprocess") or ())
        if isinstance(keywords.get("init"), list):
            keywords["init"] = tuple(keywords["init"])
        physics = Physics(**{name: keywords.pop(name) for name in _PHYSICS if name in keywords})
        return cls(k, physics, seed=None if random_state is None else drawn_seed(random_state), **keywords)

    @property
    def automatic(self) -> bool:
        """Whether ``volume="auto"`` is set: the data then determine model, start and weight of the minimum volume."""
        return isinstance(self.physics.volume, str) and self.physics.volume == AUTO

    @property
    def starts_from_factors(self) -> bool:
        """Whether the run starts from a pair of matrices (A, E) or from an earlier result."""
        return isinstance(self.init, (tuple, Unmixing))

    @property
    def numbers_have_meaning(self) -> bool:
        """Whether a given start, known endmembers or terms of the user refer to components by their number."""
        return self.starts_from_factors or self.physics.known is not None or self.physics.has_own_terms

    def with_seed(self, placement: Placement, checkpoint: Checkpoint | None = None) -> Task:
        """Return the task with a seed common to all processes: the given one, that of the checkpoint, or a new one."""
        seed = int(placement.communicator.bcast(drawn_seed(self.seed), root=0))
        if checkpoint is not None and self.seed is None:
            seed = stored_seed(checkpoint, seed, placement.communicator)
        return replace(self, seed=seed)

    def with_gain_or_sum(self, matrix: Matrix, placement: Placement) -> Task:
        """Return the task with sum-to-one or gain chosen from the data, if a volume has a weight and neither is given.

        A volume penalty needs abundances that sum to one, with or without a gain. The choice needs all pixels in one
        process.
        """
        physics = self.physics
        weighted = not isinstance(physics.volume, str) and physics.volume > 0
        if not weighted or physics.fractions or not placement.holds_all_pixels:
            return self
        assert self.seed is not None, "with_seed() comes first"
        check_size(matrix)
        gain = choose_model(matrix, self.k, self.seed).gain
        return replace(self, physics=replace(physics, gain=gain, sum_to_one=not gain))

    def prepare(self, cube: xr.DataArray, placement: Placement | None = None) -> Prepared:
        """Apply mask and preprocessing to a cube, convert its weights, and check that the similarity suits it."""
        communicator = (placement or Local()).communicator
        image = Prepared.of(cube, self.channel, self.mask, self.preprocess, self.weights, communicator)
        image.check(named_similarity(self.similarity))
        return image

    def run(self, image: Prepared, placement: Placement | None = None) -> FactorizationRun:
        """Return the settings of the factorization of an image."""
        init: Any = self._start(image)
        return FactorizationRun(
            self.k,
            similarity=self.similarity,
            abundance_terms=self.physics.terms_on_abundances(image, placement or Local()),
            endmember_terms=self.physics.terms_on_endmembers(image),
            weights=image.weights,
            transform=self.transform,
            init=init,
            solver=self.solver,
            max_iter=self.max_iter,
            tol=self.tol,
            random_state=self.seed,
        )

    def model(self, image: Prepared, placement: Placement | None = None) -> MatrixFactorization:
        """Return the unfitted :class:`mffnb.MatrixFactorization` of this task for an image."""
        from mffnb.estimators.factorization import MatrixFactorization  # noqa: PLC0415  scikit-learn is slow to import

        run = self.run(image, placement)
        return MatrixFactorization(**{one.name: getattr(run, one.name) for one in fields(run)})

    def _start(self, image: Prepared) -> Any:
        """Return the start: a given one as factors of the processed image, any other as it is."""
        if not self.starts_from_factors or isinstance(self.init, StartFactors):
            return self.init
        matrices = isinstance(self.init, tuple) and not any(map(is_labelled, self.init))
        return self.init if matrices and image.chain is None else factors_of(self.init, image)

    def record(self, image: Prepared) -> dict[str, Any]:
        """Return the settings of this task as plain values, for ``result.parameters`` and for checkpoints."""
        return record(
            image,
            self.physics,
            k=self.k,
            similarity=self.similarity,
            transform=self.transform,
            init="given" if self.starts_from_factors else self.init,
            solver=self.solver,
            n_init=self.n_init,
            max_iter=self.max_iter,
            tol=self.tol,
            random_state=self.seed,
        )

    def label(self, cube: xr.DataArray, image: Prepared, solution: Solution, block: Block | None = None) -> Unmixing:
        """Return the solution as a labelled result in the units of the cube, with the record of this task.

        Known endmembers have the names that the user gave; the others those of an earlier result that is the start.
        """
        result = label_solution(cube, image, solution, {**self.record(image), **solution.notes}, block)
        names = [""] * len(result.endmembers)
        if isinstance(self.init, Unmixing) and len(self.init.endmembers) == len(names):
            names = names_of(self.init.endmembers)
        known = [] if self.physics.known is None else spectrum_names(self.physics.known, cube)
        names = [given or name for given, name in zip_longest(known, names, fillvalue="")]
        return named(result, names) if any(names) else result


def check_names(keywords: Any) -> None:
    """Refuse names that are not a keyword of a task.

    Raises
    ------
    TypeError
        If a name is unknown; the message lists the valid names.
    """
    for name in keywords:
        if name not in SETTINGS:
            nearest = get_close_matches(name, SETTINGS, 1)
            advice = f"did you mean {nearest[0]}? The settings are" if nearest else "use"
            raise TypeError(f"there is no setting {name!r} here: {advice} {', '.join(SETTINGS)}")
