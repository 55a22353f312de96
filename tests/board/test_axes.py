"""Axes of the drawings: their ticks, their ends, and the band of costs of 0."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest

from gmbench.board.columns import COLUMN, COSTS
from gmbench.board.reported import first_day
from gmbench.board.rows import BoardRows, Cell
from gmbench.board.site.axes import (
    axes,
    cost_axis,
    cost_range,
    cost_ticks,
    date_axis,
    date_ticks,
    score_axis,
)
from gmbench.board.site.floors import floors_of


def test_ticks_of_costs_are_round_and_few() -> None:
    assert cost_ticks(1e5, 1e6) == [1e5, 2e5, 5e5, 1e6]
    assert cost_ticks(2, 50) == [2, 5, 10, 20, 50]
    assert cost_ticks(1, 1000) == [1, 10, 100, 1000]
    assert len(cost_ticks(1e-6, 1e15)) <= 8


@pytest.mark.parametrize(
    ("costs", "ends"),
    [
        ([3.0, 40.0], (2.0, 50.0)), ([1.0, 1000.0], (1.0, 1000.0)), ([25.0], (20.0, 50.0)),
        ([10.0], (10.0, 100.0)), ([0.013, 0.9], (0.01, 1.0)), ([], (1.0, 10.0)),
    ],
)  # fmt: skip
def test_an_axis_of_costs_reaches_just_beyond_them(
    costs: list[float], ends: tuple[float, float]
) -> None:
    assert cost_range(costs) == pytest.approx(ends)


def test_costs_of_nothing_have_a_band_of_their_own(rows: BoardRows) -> None:
    measured = rows.benchmarks[0].measured
    axis = cost_axis(measured, COLUMN["params"])
    assert axis is not None
    costs = {row.name: row.cells["params"].value for row in measured}
    assert 0.0 in costs.values()
    for name, (place,) in axis.values.items():
        assert (place < axis.band) == (costs[name] == 0.0)
    assert (axis.ticks[0].text, axis.ticks[0].place) == ("0", axis.band / 2)
    some = [row for row in measured if costs[row.name]]
    without = cost_axis(some, COLUMN["params"])
    assert without is not None
    assert (without.band, {tick.text for tick in without.ticks} & {"0"}) == (0.0, set())
    assert cost_axis(measured, COLUMN["seconds_per_image"]) is None


def test_the_tiniest_costs_stand_at_the_start(rows: BoardRows) -> None:
    given = [
        replace(row, cells={**row.cells, "seconds_per_image": Cell(cost)})
        for row, cost in zip(rows.benchmarks[0].measured, (5e-324, 1e9), strict=False)
    ]
    axis = cost_axis(given, COLUMN["seconds_per_image"])
    assert axis is not None
    assert [axis.values[row.name] for row in given] == [(3.0,), (97.0,)]
    assert axis.texts[given[0].name] == "< 10⁻³⁰⁰"


def test_axes_are_those_that_somebody_gives(rows: BoardRows) -> None:
    board = rows.benchmarks[0]
    made = axes(board, floors_of(board.benchmark))
    assert [one.key for one in COSTS if one.key in made] == ["params", "training_hours"]
    for axis in made.values():
        assert set(axis.values) <= {row.name for row in board.rows}
        for values in axis.values.values():
            assert all(0 <= axis.place(value) <= 100 for value in values)
        assert all(0 <= tick.place <= 100 for tick in (*axis.ticks, *axis.lines))
    assert [line.text for line in made["l1"].lines] == ["practical use", "labels alone"]
    assert [line.text for line in made["skill"].lines] == ["labels alone"]


def test_an_axis_of_near_scores_says_where_its_ticks_are(rows: BoardRows) -> None:
    board = rows.benchmarks[0]
    near = [
        replace(row, cells={**row.cells, "l1_skill": Cell(value)})
        for row, value in zip(board.measured, (0.0, 0.02), strict=False)
    ]
    board = replace(board, measured=tuple(near), reported=())
    axis = score_axis(board, COLUMN["l1_skill"], None)
    assert [tick.text for tick in axis.ticks] == ["0", "0.005", "0.01", "0.015", "0.02"]


def test_dates_of_papers_may_be_years(rows: BoardRows) -> None:
    assert first_day("2023") == datetime.date(2023, 1, 1)
    assert first_day("2023-12") == datetime.date(2023, 12, 1)
    assert first_day("2023-12-31") == datetime.date(2023, 12, 31)
    axis = date_axis(rows.benchmarks[0].rows)
    texts = {name: axis.texts[name] for name in axis.texts if name.startswith("reported-")}
    assert texts == {
        "reported-tiny-random-gt": "2023", "reported-tiny-full": "2025-06-30",
    }  # fmt: skip
    (first,) = axis.values["reported-tiny-random-gt"]
    assert first == min(place for (place,) in axis.values.values())


def test_all_of_one_day_stand_in_the_middle(rows: BoardRows) -> None:
    row = rows.benchmarks[0].measured[0]
    one = replace(row, cells={**row.cells, "date": Cell("2026-05-04")})
    axis = date_axis([one, replace(one, name="other")])
    assert set(axis.values.values()) == {(50.0,)}
    assert [(tick.place, tick.text) for tick in axis.ticks] == [(50.0, "2026-05-04")]


@pytest.mark.parametrize(
    ("first", "last", "texts"),
    [
        ("2026-05-04", "2026-05-20", ["2026-05-04", "2026-05-20"]),
        ("2026-01-15", "2026-04-15", ["Feb 2026", "Mar 2026", "Apr 2026"]),
        ("2023-01-01", "2026-12-01", ["Jan 2023", "Jul 2023", "Jan 2024", "Jul 2024", "Jan 2025",
                                      "Jul 2025", "Jan 2026", "Jul 2026"]),
        ("2019-03-01", "2026-12-01", [str(year) for year in range(2020, 2027)]),
    ],
)  # fmt: skip
def test_ticks_of_time(first: str, last: str, texts: list[str]) -> None:
    days = [datetime.date.fromisoformat(day).toordinal() for day in (first, last)]
    found = date_ticks(*days)
    assert [text for _, text in found] == texts
    assert all(days[0] <= day.toordinal() <= days[1] for day, _ in found)
