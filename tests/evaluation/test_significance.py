from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gmbench.evaluation.significance import holm, paired_t_test


@pytest.mark.parametrize("n", [2, 3, 48, 1000])
def test_equals_scipy(n: int) -> None:
    a, b = np.random.default_rng(n).normal(size=(2, n))
    assert paired_t_test(a, b) == pytest.approx(stats.ttest_rel(a, b).pvalue, rel=1e-9)


def test_undefined_where_nothing_differs_or_one_value_is_there() -> None:
    assert np.isnan(paired_t_test(np.ones(5), np.ones(5)))
    assert np.isnan(paired_t_test(np.ones(1), np.zeros(1)))


def test_equal_differences_are_certain() -> None:
    assert paired_t_test(np.ones(5), np.zeros(5)) == 0


def test_holm_by_hand() -> None:
    # Sorted: 0.01 * 4 = 0.04; 0.02 * 3 = 0.06; 0.03 * 2 = 0.06; 0.5 * 1 = 0.5.
    assert holm([0.5, 0.01, 0.03, 0.02]) == pytest.approx([0.5, 0.04, 0.06, 0.06])


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_keeps_order_and_never_lowers(p_values: list[float]) -> None:
    corrected = holm(p_values)
    assert all(p <= c <= 1 for p, c in zip(p_values, corrected, strict=True))
    order = np.argsort(p_values, kind="stable")
    assert np.all(np.diff(np.array(corrected)[order]) >= 0)
