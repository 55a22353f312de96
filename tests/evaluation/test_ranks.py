"""Ranks, by comparing few values and by sorting many: as scipy's, along any axis."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata

from gmbench.evaluation.ranks import ranks


@pytest.mark.parametrize("n", [1, 2, 12, 32, 33, 150])
@pytest.mark.parametrize("axis", [-1, -2, 0])
def test_as_scipy(n: int, axis: int) -> None:
    generator = np.random.default_rng(n)
    shape = [4, 5, 6]
    shape[axis] = n
    for values in (generator.random(shape), generator.integers(0, 4, shape) / 3):
        np.testing.assert_array_equal(ranks(values, axis), rankdata(values, axis=axis))
        np.testing.assert_array_equal(
            ranks(np.asfortranarray(values), axis), rankdata(values, axis=axis)
        )


def test_what_lies_below_nine_decimals_is_a_tie() -> None:
    assert ranks(np.array([0.1 + 0.2, 0.3, 0.4])).tolist() == [1.5, 1.5, 3.0]
