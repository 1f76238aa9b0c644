"""Hostile problems for every way to call a fit: finite numbers, a warning, or one sentence that refuses them."""

import numpy as np
import pytest

from tests.hostile import fault_of, is_sentence


@pytest.mark.parametrize("seed", range(30))
def test_hostile_problem(seed: int) -> None:
    assert fault_of(seed) is None


def test_a_raw_error_is_no_sentence() -> None:
    with pytest.raises(ValueError, match="broadcast") as raw:
        np.ones(2) + np.ones(3)
    assert not is_sentence(raw.value)
