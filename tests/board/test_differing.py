"""Where a claimed result differs: told value by value, agreed on all at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gmbench.board import differing
from gmbench.board.differing import differences

FOUND: dict[str, Any] = {
    "summary": {"l1": {"mean": 0.125, "ci": [0.1, 0.15], "reason": None}, "n": 3},
    "twins": [1, 2.5, True],
}

NUMBERS = st.floats(allow_nan=False, width=32) | st.integers(-3, 3) | st.booleans()
VALUES = st.recursive(
    NUMBERS | st.none() | st.sampled_from("ab"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner),
    max_leaves=8,
)
RESULTS = st.dictionaries(st.sampled_from("pqr"), VALUES, max_size=3)


def changed(place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """Returns the result with one value changed."""
    made = json.loads(json.dumps(FOUND))
    *way, last = place
    inner = made
    for key in way:
        inner = inner[key]
    inner[last] = value
    return dict(made)


@pytest.mark.parametrize("value", [0.125, 0.125 + 9e-7, 0.125 - 9e-7])
def test_within_tolerance_is_equal(value: float) -> None:
    assert differences(changed(("summary", "l1", "mean"), value), FOUND) == []


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("summary", "l1", "mean"), 0.1251, "summary.l1.mean is 0.1251, recomputed 0.125"),
        (("summary", "l1", "mean"), float("inf"), "summary.l1.mean is inf, recomputed 0.125"),
        (("summary", "l1", "mean"), "0.125", "summary.l1.mean is 0.125, recomputed 0.125"),
        (("summary", "l1", "reason"), "x", "summary.l1.reason is x, recomputed None"),
        (("summary", "n"), True, "summary.n is True, recomputed 3"),
        (("summary", "n"), 10**400, f"summary.n is {'1' + '0' * 36}..., recomputed 3"),
        (("twins", 2), 1, "twins.2 is 1, recomputed True"),
        (("twins",), [1, 2.5], "twins is [1, 2.5], recomputed [1, 2.5, True]"),
        (("summary", "new"), 1, "summary.new does not belong there"),
    ],
)
def test_what_differs_is_named(place: tuple[Any, ...], value: Any, said: str) -> None:
    assert differences(changed(place, value), FOUND) == [said]


def test_what_is_missing_is_named() -> None:
    lacking = changed(("summary",), {"n": 3})
    assert differences(lacking, FOUND) == ["summary.l1 is missing"]


def test_free_places_may_hold_anything() -> None:
    free = {("summary", "n"), ("twins",)}
    claimed = changed(("summary", "n"), "anything")
    del claimed["twins"]
    assert differences(claimed, FOUND, free) == []
    assert len(differences(claimed, FOUND)) == 2


def test_what_is_nested_as_no_result_is_differs() -> None:
    deep: Any = 1
    for _ in range(5_000):
        deep = [deep]
    found = differences({**FOUND, "twins": deep}, FOUND)
    assert len(found) == 1
    assert found[0].startswith("twins is ")


@settings(max_examples=300, deadline=None)
@given(RESULTS, RESULTS)
def test_the_quick_look_says_what_the_slow_one_says(
    claimed: dict[str, Any], found: dict[str, Any]
) -> None:
    said = differences(claimed, found)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(differing, "_alike", lambda _claimed, _found: False)
        assert differences(claimed, found) == said
    assert differences(found, found) == [] or "inf" in json.dumps(found).lower()


def test_numbers_that_change_places_differ() -> None:
    assert differences({"a": [None, 0.5]}, {"a": [0.5, None]})
    assert differences({"n_images": 0.31, "l1": 6}, {"n_images": 6, "l1": 0.31})
