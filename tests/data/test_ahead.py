from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from gmbench.data.ahead import in_threads


@pytest.mark.parametrize("threads", [1, 4])
def test_results_come_in_order(threads: int) -> None:
    def slow(number: int) -> int:
        time.sleep(0.01 if number % 3 == 0 else 0.0)
        return number * 10

    assert list(in_threads(slow, range(20), threads)) == [number * 10 for number in range(20)]


def test_no_more_is_asked_for_than_fits() -> None:
    asked = []

    def tasks() -> Iterator[int]:
        for number in range(100):
            asked.append(number)
            yield number

    results = in_threads(str, tasks(), 4)
    assert next(results) == "0"
    assert len(asked) <= 5
    results.close()  # type: ignore[attr-defined]
    assert threading.active_count() < 100


def test_an_error_comes_where_its_result_would() -> None:
    def fails_at_two(number: int) -> int:
        if number == 2:
            raise ValueError("two")
        return number

    results = in_threads(fails_at_two, range(9), 3)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="two"):
        next(results)
