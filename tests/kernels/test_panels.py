"""Products of blocks of rows by panels: blocks without rows or channels."""

from __future__ import annotations

import numpy as np
import pytest

from mffnb.kernels import panels


@pytest.mark.parametrize("shape", [(0, 5), (3, 0), (0, 0)])
@pytest.mark.parametrize("kind", [np.float64, np.uint8])
def test_products_of_blocks_without_rows_or_channels_are_zero(shape, kind):
    X, basis, factor = np.zeros(shape, kind), np.ones((2, shape[1])), np.ones((2, shape[0]))
    product, sums = np.ones((2, shape[0])), np.ones((2, shape[1]))
    panels.times(X, basis, product)
    panels.add_times(X, factor, sums)
    np.testing.assert_array_equal(product, 0)
    np.testing.assert_array_equal(sums, 1)
