from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmbench.board.ranking import Rank, rank_ranges


def texts(*ranks: Rank | None) -> list[str]:
    return [str(rank) for rank in ranks]


def test_by_hand() -> None:
    values = [0.1, 0.15, 0.3, None, 0.5]
    intervals = [(0.08, 0.14), (0.12, 0.2), (0.25, 0.35), None, (0.34, 0.6)]
    lower = rank_ranges(values, intervals, lower_is_better=True)
    assert texts(*lower) == ["1–2", "1–2", "3–4", "None", "3–4"]
    higher = rank_ranges(values, intervals, lower_is_better=False)
    assert texts(*higher) == ["3–4", "3–4", "1–2", "None", "1–2"]


def test_touching_intervals_overlap_and_nothing_is_sure_without_one() -> None:
    assert texts(*rank_ranges([1, 2], [(0, 2), (2, 3)], lower_is_better=True)) == ["1–2", "1–2"]
    assert set(texts(*rank_ranges([1, 2, 3], [None] * 3, lower_is_better=True))) == {"1–3"}
    mixed = rank_ranges([1, 2, 3], [(1, 1), None, (3, 3)], lower_is_better=True)
    assert texts(*mixed) == ["1–2", "1–3", "2–3"]
    assert rank_ranges([], [], lower_is_better=True) == []


FINITE = st.floats(-10, 10)


@given(st.lists(st.tuples(FINITE, st.floats(0, 3)), min_size=1, max_size=12), st.booleans())
def test_ranges_hold_the_rank_by_value(rows: list[tuple[float, float]], lower: bool) -> None:
    values = [value for value, _ in rows]
    ranks = rank_ranges(values, [(v - w, v + w) for v, w in rows], lower_is_better=lower)
    for value, rank in zip(values, ranks, strict=True):
        assert rank is not None
        first = 1 + sum(other < value if lower else other > value for other in values)
        last = len(values) - sum(other > value if lower else other < value for other in values)
        assert 1 <= rank.best <= first <= last <= rank.worst <= len(values)


@pytest.mark.parametrize("n", [1, 5])
def test_all_alike_share_the_whole_range(n: int) -> None:
    ranks = rank_ranges([0.5] * n, [(0.4, 0.6)] * n, lower_is_better=True)
    assert set(texts(*ranks)) == {"1" if n == 1 else f"1–{n}"}
