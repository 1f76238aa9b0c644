"""First pictures of a large image: endmembers of a random subset of its pixels, and abundances of all pixels.

A pass over a large image takes longer than a user waits for a picture. The endmembers of a few thousand pixels are
nearly those of all pixels. The number of pixels and of iterations does not depend on the time that they take. The
pictures do not change the result: the run on all pixels follows, from its own start.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from mffnb.estimators.names import named_similarity
from mffnb.estimators.start_values import Init
from mffnb.geometry import Geometry, Search
from mffnb.geometry.abundances import fully_constrained, non_negative
from mffnb.matrices import Dense, Partial
from mffnb.matrices.partial import select_rows_and_weights
from mffnb.matrices.weighting import select_pixel_weights
from mffnb.problem.compatibility import as_terms
from mffnb.protocols.capabilities import traits_of
from mffnb.protocols.matrix import Matrix
from mffnb.similarities import Frobenius, KullbackLeibler
from mffnb.solvers import Outcome, State
from mffnb.solvers.subsampled_start import rows_of
from mffnb.threads import single_threaded_blas
from mffnb.typing import Array, Float64Array
from mffnb.unmixing.auto_volume import gain_or_none
from mffnb.unmixing.task import Task
from mffnb.unmixing.warm_start import StartFactors
from mffnb.widgets.session.continuation import start_factors
from mffnb.widgets.session.live_data import LiveImage

# Entries and pixels of a subset: an iteration of Newton steps on 2^20 entries takes 20 to 60 ms.
_ENTRIES, _LEAST, _MOST = 2**20, 1024, 4096
_RATIO = 4  # smallest ratio of all pixels to those of a subset that is worth a run
_ITERATIONS = 24
_STEPS = 8  # of the search for the smallest volume
_SHOWN = frozenset({0, 1, 2, 4, 8, 16, _ITERATIONS})  # iterations whose abundances of all pixels are computed


class RunStep(NamedTuple):
    """A state of a run on an image.

    Attributes
    ----------
    state
        Factors of all pixels.
    found
        The decisions of the rule for volume="auto", in its last state.
    pixels
        Number of pixels of the subset that determines the endmembers; 0 if all pixels do.
    hidden
        Whether the last picture of a subset is better, so that this state is not shown.
    """

    state: State
    found: Geometry | None = None
    pixels: int = 0
    hidden: bool = False


@dataclass(frozen=True, eq=False)
class Subset:
    """A random subset of the pixels of an image.

    Attributes
    ----------
    image
        The image with all pixels.
    rows
        Indices of the pixels in the subset, ascending.
    """

    image: LiveImage
    rows: Array

    @classmethod
    def of(cls, image: LiveImage, seed: int) -> Subset | None:
        """Draw a subset; return None if the image is so small that a subset would save little time."""
        pixels, channels = image.matrix.shape
        some = int(np.clip(_ENTRIES // channels, _LEAST, _MOST))
        if pixels < _RATIO * some:
            return None
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(19,)))
        return cls(image, np.sort(generator.choice(pixels, some, replace=False)))

    def steps(self, task: Task, seed: int) -> Iterator[RunStep]:
        """Fit the subset; yield steps with abundances of all pixels."""
        matrix = self._matrix()
        if not matrix.squared_norm > 0:
            return
        states = self._volume_states(task, matrix, seed) if task.automatic else self._fitted_states(task, matrix)
        for state in states:
            yield RunStep(state, pixels=len(self.rows))

    def _matrix(self) -> Matrix:
        """Return the rows of X of the pixels in the subset."""
        whole = self.image.matrix
        if whole.complete:
            return Dense(rows_of(whole, self.rows))
        return Partial(*select_rows_and_weights(whole, self.rows))

    def error(self, state: State | None, task: Task) -> float:
        """Return the relative error on all pixels of the picture of a state; infinity for volume="auto".

        The abundances of each pixel are moved halfway to the mean composition, with the same sum, since zeros of least
        squares would make the error of a likelihood infinite.
        """
        if state is None or task.automatic:
            return np.inf
        amounts = state.abundances if state.gain is None else state.abundances * state.gain
        share = amounts.sum(axis=1) / (float(amounts.sum()) or 1.0)
        amounts = (amounts + share[:, None] * amounts.sum(axis=0)) / 2
        start = start_factors(amounts, state.endmembers, task, self.image)
        run = replace(task, init=start, max_iter=0).run(self.image.image)
        return next(run.iterate(self.image.solver_matrix)).relative_error

    def _fitted_states(self, task: Task, matrix: Matrix) -> Iterator[State]:
        """Fit the subset, without terms that depend on the position of a pixel: its pixels are no neighbours."""
        start: Init = "auto"
        if isinstance(task.init, StartFactors):
            start = (np.ascontiguousarray(task.init.A[self.rows]), task.init.E)
        own = [term for term in as_terms(task.physics.abundance_terms) if traits_of(term).uniform]
        physics = replace(task.physics, smoothness=0.0, abundance_terms=own)
        few = replace(task, physics=physics, max_iter=min(task.max_iter, _ITERATIONS)).run(self.image.image)
        weights = select_pixel_weights(self.image.image.weights, self.rows, self.image.matrix.shape)
        for state in replace(few, init=start, weights=weights).iterate(matrix):
            if state.whole and (state.iteration in _SHOWN or state.outcome is not Outcome.RUNNING):
                with single_threaded_blas():
                    A, gain = self._abundances(state.endmembers, task)
                yield replace(state, abundances=A, gain=gain, outcome=Outcome.RUNNING, iterates=None)

    def _volume_states(self, task: Task, matrix: Matrix, seed: int) -> Iterator[State]:
        """Search for the smallest volume from one start."""
        search = Search(matrix, task.k, seed, gain_or_none(task.physics))
        for number, step in enumerate(search.steps()):
            last = step.settled or number == _STEPS
            if last or number == 0:
                E, A, gains = search.factors(self.image.matrix)
                yield State(number, A, E, step.objective, np.nan, np.nan, step.seconds, gain=gains)
            if last:
                return

    def _abundances(self, endmembers: Float64Array, task: Task) -> tuple[Float64Array, Float64Array | None]:
        """Return least-squares abundances A (k, pixels) of all pixels, and their gain if the model has one."""
        matrix = self.image.complete
        if task.physics.sum_to_one and not task.physics.gain:
            return fully_constrained(matrix, endmembers), None
        A = non_negative(matrix, endmembers)
        if not task.physics.gain:
            return A, None
        gain = A.sum(axis=0)
        return np.where(gain > 0, A / np.where(gain > 0, gain, 1.0), 1.0 / len(A)), gain


def has_previews(task: Task, image: LiveImage) -> bool:
    """Whether the first state of a task takes so long that a subset of the pixels is fitted before.

    It does for the rule for volume="auto", for a likelihood of counts, and for least squares with gaps or weights.
    """
    if task.automatic:
        return True
    similarity = named_similarity(task.similarity)
    if isinstance(similarity, Frobenius):
        return not image.matrix.complete or image.image.weights is not None
    return isinstance(similarity, KullbackLeibler) and task.transform is None
