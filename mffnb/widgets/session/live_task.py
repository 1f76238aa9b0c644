"""What an explorer is asked, as parts of a model, and its answers as results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from mffnb.estimators.factorization import MatrixFactorization
from mffnb.estimators.names import mapped
from mffnb.unmixing.auto_volume import evidence
from mffnb.unmixing.label import assemble, record
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.task import Physics
from mffnb.widgets.session.live_data import Data, Source
from mffnb.widgets.session.parameters import AUTO, OwnTerms, Parameters
from mffnb.widgets.session.solved import Solved


@dataclass(frozen=True, eq=False)
class Task:
    """All that stays the same while sliders move.

    Attributes
    ----------
    source
        The image and what is said about it.
    own
        The user's own terms.
    seed
        For starts from the data.
    options
        ``solver``, ``max_iter`` and ``tol`` for :class:`mffnb.MatrixFactorization`.
    """

    source: Source
    own: OwnTerms
    seed: int
    options: Mapping[str, Any]

    def __post_init__(self) -> None:
        unknown = set(self.options) - {"solver", "max_iter", "tol"}
        if unknown:
            raise TypeError(f"there is no option {sorted(unknown)[0]!r}: use solver, max_iter or tol")

    def asked(self, parameters: Parameters) -> Physics:
        """The parts that the parameters stand for."""
        own = self.own.turned(parameters.own)
        return Physics(
            parameters.sparsity,
            parameters.smoothness,
            0.0 if parameters.volume == AUTO else cast("float", parameters.volume),
            parameters.sum_to_one,
            parameters.gain,
            self.source.known,
            own.abundance_terms,
            own.endmember_terms,
        )

    def model(self, parameters: Parameters, data: Data) -> MatrixFactorization:
        """The model of the parameters for an image."""
        asked, model = self.asked(parameters), self._bare(parameters, data)
        model.abundance_terms = asked.of_abundances(data.image, self.source.communicator)
        model.endmember_terms = asked.of_endmembers(data.image)
        return model

    def result(self, solved: Solved) -> Unmixing:
        """Label a state as :func:`mffnb.unmix` labels its answer; ``component`` holds the lasting names."""
        state, data, trace, parameters = solved.state, solved.data, solved.trace[: solved.steps], solved.parameters
        settings = {"k": parameters.k} | self.asked(parameters).record()
        settings |= record(data.image, self._bare(parameters, data), "explored", 1, self.seed)
        other = None
        if solved.found is not None:
            settings |= evidence(solved.found)
            other = solved.found.alternative
        elif parameters.volume == AUTO:
            settings |= {"volume": AUTO, "sum_to_one": state.gain is None, "gain": state.gain is not None}
        result = assemble(
            self.source.cube,
            data.image,
            state.abundances,
            state.endmembers,
            state.outcome,
            trace,
            settings,
            state.gain,
            other,
            mapped=mapped(parameters.similarity, None, state.intercept),
        )
        names = {"component": list(solved.names)}
        spectra = result.alternative
        return replace(
            result,
            endmembers=result.endmembers.assign_coords(names),
            abundances=result.abundances.assign_coords(names),
            alternative=None if spectra is None else spectra.assign_coords(names),
        )

    def _bare(self, parameters: Parameters, data: Data) -> MatrixFactorization:
        """The model without its terms."""
        return MatrixFactorization(
            parameters.k,
            similarity=parameters.similarity,
            weights=data.weights,
            random_state=self.seed,
            **self.options,
        )
