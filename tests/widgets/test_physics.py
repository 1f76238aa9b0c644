"""Controls of the explorer against the corresponding settings of unmix, without a browser."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import mffnb as mf
from mffnb.cubes.as_cube import as_cube
from mffnb.errors import UnsupportedCombinationError
from mffnb.knobs import knob
from mffnb.preprocessing import Bin, MeanCentre, UnitNorm
from mffnb.selection import match
from mffnb.widgets.session.parameters import Parameters
from mffnb.widgets.session.session import Session

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")


@dataclass(frozen=True)
class Ridge:
    """A user-defined term."""

    weight: float = knob(0.0, label="ridge of E", low=1e-3, high=10.0, log=True)
    unseen: float = 1.0

    def value(self, factor):
        return self.weight / 2 * float(np.sum(factor**2))

    def fold(self, half):
        return replace(half, gram=half.gram + self.weight * np.eye(len(half.gram)))


@pytest.fixture
def explore(cube):
    opened = []

    def open_on(data=None, **options):
        explorer = mf.explore(cube if data is None else data, **{"k": 3, "tol": 1e-5, "max_iter": 3000} | options)
        opened.append(explorer)
        explorer.wait(60)
        return explorer

    yield open_on
    for explorer in opened:
        explorer.close()


def moved(explorer, **values):
    explorer.controls.set(**values)
    explorer.wait(60)
    return explorer.result


def objective(result):
    return float(result.trace.objective[-1])


def volume(result):
    E = result.endmembers.values
    return float(np.linalg.slogdet(E @ E.T)[1])


def test_kl_from_the_menu_equals_unmix(explore, cube):
    counts = np.random.default_rng(0).poisson(60 * cube.values)
    explorer = explore(counts)
    squares = explorer.result
    found = moved(explorer, similarity="kl")
    assert found.parameters["similarity"] == "kl"
    went_on = mf.unmix(counts, 3, similarity="kl", init=found, tol=1e-7, max_iter=5000)
    assert objective(found) == pytest.approx(objective(went_on), rel=0.01)
    assert np.isfinite(found.trace.objective).all()
    back = moved(explorer, similarity="frobenius")
    assert objective(back) == pytest.approx(objective(squares), rel=0.05)


def test_gain_gives_fractions_and_is_in_the_result(explore, cube):
    lit = cube * np.linspace(0.5, 2.0, 10)[:, None]
    explorer = explore(lit)
    found = moved(explorer, gain=True)
    np.testing.assert_allclose(found.abundances.sum("component"), 1, rtol=0, atol=1e-12)
    assert dict(found.gain.sizes) == {"y": 6, "x": 10}
    assert float(found.gain[:, -1].mean()) > 2 * float(found.gain[:, 0].mean())
    error = np.linalg.norm(found.residual()) / np.linalg.norm(lit)
    # A change of k continues from unnormalised abundances, without a jump of the result.
    more = moved(explorer, k=4)
    assert np.linalg.norm(more.residual()) / np.linalg.norm(lit) < 1.01 * error
    assert moved(explorer, gain=False).gain is None


def test_the_volume_slider_shrinks_the_simplex(explore):
    explorer = explore(sum_to_one=True)
    before = explorer.result
    after = moved(explorer, volume=0.1)
    assert volume(after) < volume(before) - 0.1
    assert after.parameters["volume"] == 0.1


def test_user_defined_term_has_a_working_slider(explore, cube):
    explorer = explore(endmember_terms=[Ridge()])
    assert list(explorer.controls.own) == ["ridge_of_e"]
    assert explorer.controls.own["ridge_of_e"].description == "ridge of E"
    plain = explorer.result
    after = moved(explorer, ridge_of_e=1.0)
    assert after.parameters["terms"] == ["Ridge(weight=1.0, unseen=1.0)"]
    expected = mf.unmix(cube, 3, endmember_terms=[Ridge(1.0)], init=plain, tol=1e-5, max_iter=3000)
    assert objective(after) == pytest.approx(objective(expected), rel=1e-3)
    assert objective(after) > objective(plain) + 1e-3
    assert explorer.view.encoded["header"]["parameters"]["ridge_of_e"] == 1.0
    assert moved(explorer, ridge_of_e=0).parameters["terms"] == []


def test_known_endmembers_stay_first_and_unchanged(explore, cube):
    known = mf.unmix(cube, 3, random_state=0).endmembers.values[[1, 0]] * 0.7
    explorer = explore(known=known)
    for k in (4, 5, 2, 3):
        found = moved(explorer, k=k)
        assert (found.endmembers.values[:2] == known).all()
        assert found.abundances["component"].values.tolist()[:2] == [0, 1]
    explorer.start_afresh()
    explorer.wait(60)
    assert (explorer.result.endmembers.values[:2] == known).all()
    assert explorer.view.encoded["header"]["labels"] == ["known 0", "known 1", "component 2"]
    assert explorer.controls.k.min == 2
    # Switch to a gain, where the scale is free, and back.
    moved(explorer, gain=True)
    assert (moved(explorer, gain=False).endmembers.values[:2] == known).all()


def test_weights_agree_with_unmix(explore, cube):
    weights = np.linspace(0.2, 2.0, cube.sizes["energy"])
    found = explore(weights=weights).result
    expected = mf.unmix(cube, 3, weights=weights, random_state=0, tol=1e-5, max_iter=3000)
    assert objective(found) == pytest.approx(objective(expected), rel=1e-6)


def test_missing_entries_are_ignored(explore, cube):
    result = explore(cube.where(np.random.default_rng(0).random(cube.shape) > 0.1)).result
    assert np.isfinite(result.reconstruction()).all()


def test_unsupported_combination_is_reported_and_the_last_result_stays(explore, cube):
    explorer = explore(weights="poisson")
    good = explorer.result
    shown = explorer.view.encoded["header"]["sequence"]
    explorer.controls.set(similarity="kl")
    with pytest.raises(UnsupportedCombinationError, match="both model the same noise"):
        explorer.wait(60)
    assert "both model the same noise" in explorer._error.value
    assert explorer.view.encoded["header"]["sequence"] == shown
    np.testing.assert_array_equal(explorer.result.abundances, good.abundances)
    moved(explorer, similarity="frobenius", smoothness=0.1)
    assert explorer._error.value == ""


def test_preprocessing_steps_can_be_switched_off_and_on(explore, cube):
    explorer = explore(preprocess=[UnitNorm()])
    options = {"tol": 1e-5, "max_iter": 3000}
    on = explorer.result
    expected = mf.unmix(cube, 3, preprocess=[UnitNorm()], random_state=0, **options)
    assert objective(on) == pytest.approx(objective(expected), rel=1e-4)
    assert explorer.controls.steps[0].description == "unit norm"
    np.testing.assert_array_equal(
        np.frombuffer(explorer.view.encoded["spectra"], "<f4").reshape(4, -1)[1:], on.endmembers.astype("<f4")
    )
    off = moved(explorer, steps=(False,))
    assert off.processed is None
    warm = mf.unmix(cube, 3, init=on, **options)
    assert objective(off) == pytest.approx(objective(warm), rel=1e-3)
    assert moved(explorer, steps=(True,)).processed is not None


def test_step_that_changes_the_grid_restarts_from_the_data(explore):
    explorer = explore(preprocess=[Bin(space=2)])
    assert explorer.result.abundances.shape == (3, 3, 5)
    assert moved(explorer, steps=(False,)).abundances.shape == (3, 6, 10)
    assert explorer.view.encoded["header"]["shape"] == [6, 10]


def test_centred_data_raise_an_error(cube):
    explorer = mf.explore(cube, preprocess=[MeanCentre()])
    with pytest.raises(UnsupportedCombinationError, match="centred data"):
        explorer.wait(60)
    explorer.close()


@pytest.fixture(scope="module")
def mixtures():
    """Fractions of three spectra, none above 0.8, (20, 30, 40), and the spectra."""
    rng = np.random.default_rng(0)
    spectra = rng.random((3, 40))
    fractions = rng.dirichlet([1, 1, 1], 5000)
    fractions = fractions[fractions.max(axis=1) < 0.8][:600]
    cube = (fractions @ spectra + 0.005 * rng.standard_normal((600, 40))).reshape(20, 30, 40)
    return np.maximum(cube, 0.0), spectra


def test_auto_equals_unmix_with_automatic_volume(explore, mixtures):
    cube, _ = mixtures
    explorer = explore(cube)
    assert explorer.controls.auto in explorer.controls.children[1].children
    found = moved(explorer, volume="auto")
    other = mf.unmix(cube, 3, volume="auto", random_state=0)
    order = match(other.endmembers.values, found.endmembers.values)
    # The explorer uses half of the threads, and BLAS sums in another order with fewer threads.
    np.testing.assert_allclose(found.endmembers.values[order], other.endmembers, rtol=1e-8)
    np.testing.assert_allclose(found.abundances.values[order], other.abundances, atol=1e-8)
    for name in ("volume", "model", "rho", "threshold", "volume_weight", "disagreement", "sum_to_one", "gain"):
        got, expected = found.parameters[name], other.parameters[name]
        assert got == (pytest.approx(expected, rel=1e-6) if isinstance(expected, float) else expected), name
    errors = [float(result.trace.relative_error[-1]) for result in (found, other)]
    assert errors[0] == pytest.approx(errors[1], rel=1e-6)
    assert errors[0] < 0.05
    assert explorer.view.encoded["header"]["status"]["outcome"] == "converged, fractions sum to one"


def test_components_keep_their_numbers_with_automatic_volume(explore, mixtures):
    cube, _ = mixtures
    explorer = explore(cube, sum_to_one=True, volume=1e-3)
    before = explorer.result.endmembers
    after = moved(explorer, volume="auto").endmembers
    np.testing.assert_array_equal(match(before.values, after.values), range(3))
    back = moved(explorer, volume=1e-3).endmembers
    np.testing.assert_array_equal(match(before.values, back.values), range(3))


def test_auto_disables_controls_that_it_does_not_use(explore, mixtures):
    explorer = explore(mixtures[0], sparsity=1e-2, smoothness=1e-2, similarity="kl")
    controls = explorer.controls
    found = moved(explorer, volume="auto")
    assert controls.sparsity.disabled
    assert controls.smoothness.disabled
    assert controls.volume.disabled
    assert controls.similarity.disabled
    assert controls.fractions.label == "from the data"
    assert (found.parameters["sparsity"], found.parameters["similarity"]) == (0.0, "frobenius")
    assert moved(explorer, volume=0.0).parameters["similarity"] == "kl"
    assert controls.fractions.label == "off"
    assert not controls.smoothness.disabled


def test_auto_is_hidden_if_it_is_not_supported(explore, mixtures):
    cube, spectra = mixtures
    explorer = explore(cube, known=spectra[:1])
    assert explorer.controls.auto not in explorer.controls.children[1].children
    with pytest.raises(UnsupportedCombinationError, match="takes no known endmembers"):
        moved(explorer, volume="auto")


def test_minimum_volume_search_can_be_abandoned(mixtures):
    session = Session(as_cube(mixtures[0]))
    search = session.solve(Parameters(3, volume="auto"))
    first = next(search)
    assert first.state.abundances.shape == (3, 600)
    before = [one["num_threads"] for one in threadpool_info()]
    search.close()
    assert (
        sum(one["num_threads"] for one in threadpool_info()) > sum(before) or max(before) == 1
    )  # the thread limit is restored
    ended = list(session.solve(Parameters(3)))[-1]
    partner = match(first.state.endmembers, ended.state.endmembers)
    np.testing.assert_array_equal(partner, range(3))  # continues from the intermediate state
