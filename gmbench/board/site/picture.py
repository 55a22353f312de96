"""Scatter plots of methods: accuracy against cost, and progress over time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gmbench.board.columns import COSTS, DEFAULT_SORT
from gmbench.board.rows import BenchmarkBoard, Row
from gmbench.board.site.axes import DATE, Axis

MOST = 30
"""Number of methods drawn in the page itself, the best ones; the script adds all others."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One method.

    Attributes:
        row: The method.
        x: Percent from the left.
        y: Percent from the bottom.
        ends: Ends of its interval, likewise; None if it has none.
        best: Whether it is better than all marks to its left.
        said: Its values, as text.
    """

    row: Row
    x: float
    y: float
    ends: tuple[float, float] | None
    best: bool
    said: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing.

    Attributes:
        up: The vertical axis: the score.
        across: The horizontal axis: the cost, or time.
        marks: Methods from left to right.
        line: The best so far, as an SVG path in percent.
        n_all: Number of methods in the drawing once the script has added all.
        n_without: Number of measured methods without a value on one of the axes.
    """

    up: Axis
    across: Axis
    marks: tuple[Mark, ...]
    line: str
    n_all: int
    n_without: int


def accuracy_against_cost(board: BenchmarkBoard, given: Mapping[str, Axis]) -> Picture | None:
    """Returns the default picture of a board's costs; None if no method states one."""
    cost = next((given[column.key] for column in COSTS if column.key in given), None)
    return None if cost is None else _picture(board.measured, given[DEFAULT_SORT], cost)


def progress(board: BenchmarkBoard, given: Mapping[str, Axis]) -> Picture:
    """Returns the default picture of a board's progress over time."""
    return _picture(board.rows, given[DEFAULT_SORT], given[DATE])


def _picture(rows: Sequence[Row], up: Axis, across: Axis) -> Picture:
    drawn = [row for row in rows if row.name in up.values and row.name in across.values]
    places = {
        row.name: (across.place(across.values[row.name][0]), up.place(up.values[row.name][0]))
        for row in drawn
    }
    ranked = {row.name: places[row.name] for row in drawn if row.origin == "measured"}
    best = running_best(ranked, lower=up.better == "lower")
    kept = [row for number, row in enumerate(drawn) if number < MOST or row.name in best]
    marks = [_mark(row, up, across, row.name in best) for row in kept]
    return Picture(
        up=up,
        across=across,
        marks=tuple(sorted(marks, key=lambda mark: (mark.x, mark.y, mark.row.name))),
        line=stairs(ranked[name] for name in best),
        n_all=len(drawn),
        n_without=sum(row.origin == "measured" for row in rows) - len(ranked),
    )


def running_best(places: Mapping[str, tuple[float, float]], *, lower: bool) -> list[str]:
    """Returns, from left to right, the methods better than all others that are no further right.

    Args:
        places: x and y of each method, by its name; of two equal ones the first is returned.
        lower: Whether lower is better.
    """
    sign = -1 if lower else 1
    found: list[str] = []
    for name in sorted(places, key=lambda name: (places[name][0], -sign * places[name][1])):
        if not found or sign * places[name][1] > sign * places[found[-1]][1]:
            found.append(name)
    return found


def stairs(best: Iterable[tuple[float, float]]) -> str:
    """Returns the best so far as an SVG path: y points down, and it ends at the right edge."""
    steps = [f"H{x:g}V{100 - y:g}" for x, y in best]
    if not steps:
        return ""
    # The first step is where the line begins.
    return f"M{steps[0][1:].replace('V', ' ')}{''.join(steps[1:])}H100"


def _mark(row: Row, up: Axis, across: Axis, best: bool) -> Mark:
    value, *ends = (up.place(value) for value in up.values[row.name])
    said = ", ".join(f"{axis.title} {axis.texts[row.name]}" for axis in (up, across))
    return Mark(
        row=row,
        x=across.place(across.values[row.name][0]),
        y=value,
        ends=(ends[0], ends[1]) if ends else None,
        best=best,
        said=said,
    )
