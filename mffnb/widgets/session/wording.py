"""Settings of an explorer as short texts for people: below pictures, in the status line and in the history."""

from __future__ import annotations

from collections.abc import Iterator

from mffnb.estimators.names import SIMILARITIES
from mffnb.protocols.capabilities import traits_of
from mffnb.protocols.similarity import Similarity
from mffnb.widgets.session.parameters import AUTO, Parameters


def settings_text(parameters: Parameters) -> str:
    """Return the number of components and all settings that are switched on, as one line.

    Examples
    --------
    >>> settings_text(Parameters(3, sparsity=0.01, similarity="kl"))
    'k = 3, counts (KL), sparsity 0.01'
    """
    return ", ".join(_parts(parameters))


def change_text(before: Parameters | None, after: Parameters) -> str:
    """Return what differs between two settings, or all settings if there are none before.

    Examples
    --------
    >>> change_text(Parameters(3, sparsity=0.01), Parameters(4, smoothness=1.0))
    'k = 4, smoothness 1, no sparsity'
    >>> change_text(Parameters(3), Parameters(3))
    'again'
    """
    if before is None:
        return settings_text(after)
    old, new = list(_parts(before)), list(_parts(after))
    names = {_name(part) for part in new}
    gone = [f"no {_name(part)}" for part in old if _name(part) not in names]
    return ", ".join([*(part for part in new if part not in old), *gone]) or "again"


def similarity_text(similarity: str | Similarity) -> str:
    """Return the label of a similarity in the menu.

    Examples
    --------
    >>> similarity_text("kl")
    'counts (KL)'
    """
    if isinstance(similarity, str):
        return traits_of(SIMILARITIES[similarity]).label or similarity
    return traits_of(similarity).label or type(similarity).__name__


def _name(part: str) -> str:
    """Return a part of the settings without its number."""
    words = part.split(" ")
    return " ".join(words[:-1]) if words[-1][:1].isdigit() else part


def _parts(parameters: Parameters) -> Iterator[str]:
    yield f"k = {parameters.k}"
    if parameters.volume == AUTO:
        yield "volume auto"
    elif parameters.similarity != "frobenius":
        yield similarity_text(parameters.similarity)
    if parameters.fractions:
        yield "sum to one" if parameters.sum_to_one else "up to a gain"
    weights = {"sparsity": parameters.sparsity, "smoothness": parameters.smoothness, "volume": parameters.volume}
    for name, value in (weights | dict(parameters.own)).items():
        if value and not isinstance(value, str):
            yield f"{name.replace('_', ' ')} {value:.3g}"
    if not all(parameters.steps):
        off = [str(number + 1) for number, on in enumerate(parameters.steps) if not on]
        yield f"without preprocessing step {', '.join(off)}"
    if parameters.area is not None:
        yield from (f"only {name}" for name in parameters.area.only)
        yield from (f"without {name}" for name in parameters.area.left_out)
        yield from (f"without channels {name}" for name in parameters.area.channels)
    yield from (one.words for one in parameters.fixed)
