from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmbench.board.ranking import Rank, paired_ranks


def ranked(values: dict[str, float | None], *apart: str, lower: bool = True) -> dict[str, str]:
    """Ranks as texts; `apart` names pairs of one-letter methods, such as `ad`."""
    found = paired_ranks(values, {frozenset(pair) for pair in apart}, lower_is_better=lower)
    return {name: f"{rank} in {rank.tier}" if rank else "" for name, rank in found.items()}


def test_by_hand() -> None:
    values = {"a": 0.1, "b": 0.15, "c": 0.3, "x": None, "d": 0.5}
    assert ranked(values, "ac", "ad", "bd") == {
        "a": "1–2 in 1", "b": "1–3 in 1", "c": "2–4 in 2", "x": "", "d": "3–4 in 2",
    }  # fmt: skip
    assert ranked(values, "ac", "ad", "bd", lower=False) == {
        "d": "1–2 in 1", "c": "1–3 in 1", "b": "2–4 in 2", "a": "3–4 in 2", "x": "",
    }  # fmt: skip


def test_a_method_between_two_that_are_told_apart_is_alike_to_both() -> None:
    # b is worse than a by value, and a noisy method: no test tells it from anything.
    assert ranked({"a": 1.0, "c": 2.0, "b": 3.0}, "ac") == {
        "a": "1–3 in 1", "c": "2–3 in 2", "b": "1–3 in 2",
    }  # fmt: skip


def test_methods_with_one_value_share_it() -> None:
    assert ranked({"a": 1.0, "b": 1.0, "c": 2.0}, "ac", "bc") == {
        "a": "1–2 in 1", "b": "1–2 in 1", "c": "3 in 2",
    }  # fmt: skip


@pytest.mark.parametrize("n", [1, 5])
def test_without_a_test_all_share_the_whole_range(n: int) -> None:
    values: dict[str, float | None] = dict.fromkeys("abcde"[:n], 0.5)
    assert set(ranked(values).values()) == {"1 in 1" if n == 1 else f"1–{n} in 1"}
    assert paired_ranks({}, (), lower_is_better=True) == {}


NAMES = "abcdefgh"


@given(
    st.lists(st.floats(-10, 10), min_size=1, max_size=8),
    st.sets(st.sampled_from([frozenset(pair) for pair in combinations(NAMES, 2)])),
    st.booleans(),
)
def test_ranges_hold_the_place_by_value_and_all_that_is_alike(
    numbers: list[float], apart: set[frozenset[str]], lower: bool
) -> None:
    values: dict[str, float | None] = dict(zip(NAMES, numbers, strict=False))
    ranks = paired_ranks(values, apart, lower_is_better=lower)
    ordered = sorted(numbers, reverse=not lower)
    tiers = []
    for name, rank in ranks.items():
        assert isinstance(rank, Rank)
        here = [place for place, v in enumerate(ordered, start=1) if v == values[name]]
        assert 1 <= rank.best <= max(here)
        assert min(here) <= rank.worst <= len(numbers)
        tiers.append((min(here), rank.tier))
        for other, theirs in ranks.items():
            assert theirs is not None
            if other != name and frozenset((name, other)) not in apart:
                # Alike: each one's place lies in the other's range, so the ranges meet.
                assert rank.best <= theirs.worst
                assert theirs.best <= rank.worst
    tiers.sort()
    assert [tier for _, tier in tiers] == sorted(tier for _, tier in tiers)
