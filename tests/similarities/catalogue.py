"""All similarities of the package, found automatically, and the independent formula of each in its test module."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from mffnb import similarities
from mffnb.matrices import Dense
from mffnb.protocols import DataDependent, EntrywiseSimilarity, traits_of
from mffnb.similarities.banded_misfit import BandedMisfit
from mffnb.similarities.measures import Entrywise
from tools import parts

CLASSES = parts.classes(parts.SIMILARITIES)


def _test_module(kind):
    """Name of the test module of a class: mffnb/similarities/NAME.py has tests/similarities/test_NAME.py."""
    return f"tests.similarities.test_{kind.__module__.rpartition('.')[2]}"


def _declared(kind, name):
    module = _test_module(kind)
    return getattr(import_module(module), name, None) if find_spec(module) else None


def variants():
    """Similarities with other parameters than the defaults: ``VARIANTS`` of the test modules."""
    found = {module: _declared(kind, "VARIANTS") or [] for kind in CLASSES for module in [_test_module(kind)]}
    return [similarity for listed in found.values() for similarity in listed]


def named(condition=lambda similarity: True):
    """Names of the similarities of the package, and variants, for which a condition holds."""
    return [*(name for name, one in similarities.NAMED.items() if condition(one)), *filter(condition, variants())]


def independent_loss(similarity: Any, scale, x, y, w):
    """Weighted loss of each row, (rows,), by the independent formula ``loss`` of the similarity's test module."""
    formula = _declared(type(similarity), "loss")
    assert formula is not None, (
        f"{type(similarity).__name__} has no independent formula: define loss(similarity, scale, x, y, w) in "
        f"{_test_module(type(similarity)).replace('.', '/')}.py, as tests/similarities/test_huber.py does"
    )
    return formula(similarity, scale, x, y, w)


def settled(similarity, X):
    """The similarity with parameters that it estimates from X."""
    one = similarities.NAMED[similarity] if isinstance(similarity, str) else similarity
    parts.check_complete(one, DataDependent)
    return one.estimated_from(Dense(X)) if isinstance(one, DataDependent) else one


def measures(similarity, X):
    """Losses of rows: of an entrywise similarity for two scales of the data, else that of its misfit."""
    one = settled(similarity, X)
    if isinstance(one, EntrywiseSimilarity):
        return list(dict.fromkeys(Entrywise(one.distance(scale)) for scale in (1.0, 10.0)))
    if traits_of(one).transform is not None:  # its misfit needs the transform: tests/similarities/test_transforms.py
        return []
    misfit = one.misfit(Dense(X))
    assert isinstance(misfit, BandedMisfit), f"{type(one).__name__}.misfit has no loss of rows to test"
    return [misfit.measure]
