"""Parts of a user whose methods return something invalid are named, with what was expected."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

import mffnb as mf
from mffnb.errors import MffnbWarning
from mffnb.protocols import Half
from mffnb.typing import Array

X = np.random.default_rng(0).random((30, 8))


@dataclass(frozen=True)
class Folding:
    """Penalty of weight zero whose ``fold`` and ``value`` are given."""

    change: Callable[[Half], Any] = lambda half: half
    found: Any = 0.0

    def value(self, factor: Array) -> Any:
        return self.found

    def fold(self, half: Half) -> Any:
        return self.change(half)


@dataclass(frozen=True)
class Smooth:
    """Smooth penalty with a given gradient."""

    slope: Callable[[Array], Any]

    def value(self, factor: Array) -> float:
        return 0.0

    def gradient(self, factor: Array) -> Any:
        return self.slope(factor)

    def fold(self, half: Half) -> Half:
        return replace(half, smooth=(*half.smooth, self))


@dataclass(frozen=True)
class Nearest:
    """Constraint with a given projection."""

    nearest: Callable[[Array], Any]

    def project(self, factor: Array) -> Any:
        return self.nearest(factor)

    def fold(self, half: Half) -> Half:
        return replace(half, proximal=(*half.proximal, self))


class Lazy:
    """Solver that does not return the size of its step."""

    def refuses(self, half: Half) -> None:
        return None

    def update(self, factor: Array, half: Half) -> Any:
        return None


def fit(**keywords: Any) -> Array:
    return mf.MatrixFactorization(3, random_state=0, **keywords).fit_transform(X)


@pytest.mark.parametrize(
    "change",
    [
        lambda half: None,
        lambda half: replace(half, gram=np.eye(2)),
        lambda half: replace(half, gram=half.gram * np.nan),
        lambda half: replace(half, gram=half.gram.astype(np.float32)),
        lambda half: replace(half, gram=half.gram.tolist()),
        lambda half: replace(half, gram=half.gram - 100 * np.eye(len(half.gram))),
        lambda half: replace(half, cross=half.cross[:1]),
        lambda half: replace(half, cross=half.cross[:, :1]),
        lambda half: replace(half, cross=None),
        lambda half: replace(half, lower=np.nan),
        lambda half: replace(half, upper=np.ones(3)),
        lambda half: replace(half, radius="1"),
        lambda half: replace(half, weights=np.ones(2)),
        lambda half: replace(half, fixed=np.ones(half.cross.shape)),
        lambda half: replace(half, smooth=(3,)),
    ],
)
@pytest.mark.parametrize("where", ["abundance_terms", "endmember_terms"])
def test_an_invalid_subproblem_is_refused(change: Callable[[Half], Any], where: str) -> None:
    with pytest.raises(ValueError, match=r"Folding\.fold .*returned .*expected"):
        fit(**{where: [Folding(change)]})


@pytest.mark.parametrize("found", [np.nan, np.inf, None, "x", np.ones(3), 1j, [0.0]])
def test_an_invalid_value_is_refused(found: Any) -> None:
    with pytest.raises(ValueError, match=r"Folding\.value returned .*expected a finite real number"):
        fit(abundance_terms=[Folding(found=found)])


@pytest.mark.parametrize(
    "result", [lambda f: None, lambda f: f[:1], lambda f: f * np.nan, lambda f: f.tolist(), lambda f: f.astype("f4")]
)
def test_an_invalid_gradient_or_projection_is_refused(result: Callable[[Array], Any]) -> None:
    with pytest.raises(ValueError, match=r"Smooth\.gradient returned .*expected a finite float64 array"):
        fit(abundance_terms=[Smooth(result)])
    with pytest.raises(ValueError, match=r"Nearest\.project returned .*expected a finite float64 array"):
        fit(endmember_terms=[Nearest(result)])


def test_a_term_that_writes_into_the_gram_matrix_changes_nothing_else() -> None:
    def spoil(half: Half) -> Half:
        kept = replace(half, gram=half.gram.copy())
        half.gram[:] = 7.0
        return kept

    spoiled, sound = (fit(abundance_terms=[Folding(change)], max_iter=200) for change in (spoil, lambda half: half))
    np.testing.assert_array_equal(spoiled, sound)


def test_a_term_that_writes_into_a_large_array_is_refused() -> None:
    def in_cross(half: Half) -> Half:
        half.cross[:] -= 0.01
        return half

    class Squaring(Folding):
        def value(self, factor: Array) -> Any:
            factor **= 2
            return float(factor.sum())

    with pytest.raises(ValueError, match=r"Folding\.fold writes into an array that it is given: make a new one"):
        fit(abundance_terms=[Folding(in_cross)])
    with pytest.raises(ValueError, match=r"Squaring\.value writes into an array that it is given: make a new one"):
        fit(abundance_terms=[Squaring()])

    class Summing(Folding):
        def value(self, factor: Array) -> Any:
            return 0.01 * float(factor.sum())

    as_advised = Summing(lambda half: replace(half, cross=half.cross - 0.01))
    assert np.isfinite(fit(abundance_terms=[as_advised])).all()


def test_steps_after_a_part_diverged_leak_no_warning_of_numpy() -> None:
    class Sinking(Folding):
        def value(self, factor: Array) -> float:
            return -1e6 * float((factor**2).sum())

        def fold(self, half: Half) -> Half:
            return replace(half, gram=half.gram + 0.01 * np.eye(len(half.gram)))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MffnbWarning)
        warnings.simplefilter("error", RuntimeWarning)
        fit(abundance_terms=[Sinking()])


def test_a_solver_that_returns_no_step_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Lazy\.update returned None, expected the squared step"):
        fit(solver=Lazy())


def test_a_similarity_without_misfit_is_refused() -> None:
    class Empty:
        def misfit(self, matrix: Any, gain: Any = None, scale: Any = None) -> None:
            return None

    with pytest.raises(ValueError, match=r"Empty\.misfit returned None, expected"):
        fit(similarity=Empty())


def raised(half: Half, weight: float) -> Half:
    """Return a subproblem with the penalty weight |F|^2 / 2."""
    return replace(half, gram=half.gram + weight * np.eye(len(half.gram)))


@dataclass(frozen=True)
class Quadratic:
    """Penalty |F|^2 / 2, with a subproblem of another weight."""

    weight: float

    def value(self, factor: Array) -> float:
        return float((factor**2).sum() / 2)

    def fold(self, half: Half) -> Half:
        return raised(half, self.weight)


@dataclass(frozen=True)
class Sloped:
    """Smooth penalty |F|^2 / 2, with a gradient of another weight."""

    weight: float

    def value(self, factor: Array) -> float:
        return float((factor**2).sum() / 2)

    def gradient(self, factor: Array) -> Array:
        return self.weight * factor

    def fold(self, half: Half) -> Half:
        return replace(half, smooth=(*half.smooth, self))


@dataclass(frozen=True)
class Pushing:
    """Penalty sum F with a proximal operator that raises it."""

    def value(self, factor: Array) -> float:
        return float(factor.sum())

    def prox(self, factor: Array, step: float) -> Array:
        return np.maximum(factor + step, 0.0)

    def fold(self, half: Half) -> Half:
        return replace(half, proximal=(*half.proximal, self))


@pytest.mark.parametrize("factor", ["abundance_terms", "endmember_terms"])
@pytest.mark.parametrize("kind", [Quadratic, Sloped])
@pytest.mark.parametrize("weight", [0.0, 0.5, 1.1])
@pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")
def test_a_value_that_contradicts_the_subproblem_is_told(factor: str, kind: Any, weight: float) -> None:
    with pytest.warns(mf.errors.DegenerateWarning, match=f"{kind.__name__} contradicts itself"):
        fit(**{factor: [kind(weight)]}, max_iter=3, tol=1.0)


@pytest.mark.parametrize("kind", [Quadratic, Sloped])
def test_a_consistent_value_is_not_told(kind: Any) -> None:
    fit(abundance_terms=[kind(1.0)], max_iter=300, tol=1e-2)


@pytest.mark.parametrize("solver", ["auto", "proximal"])
def test_a_proximal_operator_that_raises_the_objective_is_told(solver: str) -> None:
    with pytest.warns(mf.errors.DegenerateWarning, match=r"Pushing contradicts itself: Pushing\.prox"):
        fit(abundance_terms=[Pushing()], max_iter=30, tol=10.0, solver=solver)
