"""The picture of accuracy against cost, as places of marks.

Every score is drawn against every cost that is given; the page's script puts one in the place of
another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

from gmbench.board.columns import COLUMN, COSTS, DEFAULT_SORT, Column
from gmbench.board.rows import BenchmarkBoard, Row, in_order
from gmbench.board.site.methods_table import column_scale, cost_text
from gmbench.pages.drawing.numbers import quantity, score
from gmbench.pages.drawing.scales import Scale

WIDTH, HEIGHT = 760, 380
LEFT, RIGHT, TOP, BOTTOM = 52.0, 740.0, 20.0, 336.0
LETTER = 6.6
"""Width of a letter, more or less."""

MOST_NAMES = 40
"""So many methods have their name in the picture."""

SHIFTS = (0, 17, -17, 34, -34)
"""How far below its mark a name may stand, in the order in which places are tried."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Mark:
    """One method: its place, its interval and what it says when pointed at."""

    name: str
    title: str
    trained: str
    x: float
    y: float
    low: float
    high: float
    said: str
    label: Label | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """Where a method's name stands beside its mark, and whether a line leads to it."""

    x: float
    y: float
    end: bool
    led: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on one axis."""

    place: float
    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """The picture of one benchmark.

    Attributes:
        cost: What lies across.
        score: What stands up.
        across: Ticks of the cost.
        up: Ticks of the score.
        useful: Place of the threshold of practical use; None where there is none.
        marks: One a method that gives the cost.
        n_without: Number of methods that do not give it.
    """

    cost: Column
    score: Column
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    useful: float | None
    marks: tuple[Mark, ...]
    n_without: int


def costs_given(board: BenchmarkBoard) -> tuple[Column, ...]:
    """Returns the costs that some method gives; the others cannot be chosen."""
    return tuple(c for c in COSTS if any(_cost(row, c.key) is not None for row in board.measured))


def picture(
    board: BenchmarkBoard, score_key: str = DEFAULT_SORT, cost_key: str = ""
) -> Picture | None:
    """Returns a benchmark's picture, or None where no method says what it costs.

    Args:
        board: The benchmark and its methods.
        score_key: What stands up.
        cost_key: What lies across; by default the first cost that is given.
    """
    given = costs_given(board)
    if not given:
        return None
    cost, column = COLUMN[cost_key or given[0].key], COLUMN[score_key]
    # The best come first, so that theirs are the names that stand.
    rows = [
        row
        for row in in_order(board.measured, score_key, descending=column.better == "higher")
        if _cost(row, cost.key) is not None and row.cells[score_key].value is not None
    ]
    scale = column_scale(column, board.measured)
    costs = [_cost(row, cost.key) or 0.0 for row in rows]
    low, high = cost_range(costs)
    marks = []
    for row, spent in zip(rows, costs, strict=True):
        cell = row.cells[score_key]
        value = float(cell.value or 0.0)
        ends = cell.ci or (value, value)
        assert row.card is not None
        said = f"{row.title}: {column.title} {score(value).text}, {cost.title} {cost_text(spent)}"
        marks.append(
            Mark(
                row.name,
                row.title,
                row.card.training_data,
                _across(spent, low, high),
                _up(scale, value),
                _up(scale, ends[0]),
                _up(scale, ends[1]),
                said,
            )
        )
    return Picture(
        cost=cost,
        score=column,
        across=tuple(
            Tick(_across(value, low, high), cost_text(value)) for value in cost_ticks(low, high)
        ),
        up=tuple(Tick(_up(scale, value), quantity(value)) for value in scale.ticks()),
        useful=None if column.useful is None else _up(scale, column.useful),
        marks=tuple(labelled(marks)),
        n_without=len(board.measured) - len(rows),
    )


def labelled(marks: Sequence[Mark]) -> list[Mark]:
    """Gives each mark its name beside it where that touches nothing, else none.

    The best methods come first, so that theirs are the names that stand nearest.
    """
    taken = [(mark.x - 6, mark.y - 6, mark.x + 6, mark.y + 6) for mark in marks]
    # Higher values have smaller places. Nobody shall take a name for that of the bar below it.
    taken += [(mark.x - 3, mark.high - 8, mark.x + 3, mark.low + 8) for mark in marks]
    made = []
    for mark in marks[:MOST_NAMES]:
        width = LETTER * len(mark.title) + 4
        label = None
        for shift, end in product(SHIFTS, (False, True)):
            start = mark.x - 9 - width if end else mark.x + 9
            box = (start, mark.y + shift - 8, start + width, mark.y + shift + 8)
            inside = box[0] > LEFT and box[2] < RIGHT and box[1] > TOP and box[3] < BOTTOM
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                x = mark.x - 9 if end else mark.x + 9
                label = Label(x, mark.y + shift + 4, end, led=shift != 0)
                break
        made.append(replace(mark, label=label))
    return made + list(marks[MOST_NAMES:])


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def cost_range(costs: Sequence[float]) -> tuple[float, float]:
    """Returns the powers of ten between which costs lie; 0 counts as the lowest."""
    positive = [cost for cost in costs if cost > 0]
    if not positive:
        return (0.0, 1.0)
    low = math.floor(math.log10(min(positive)) + 1e-9)
    high = math.ceil(math.log10(max(positive)) - 1e-9)
    return (float(low), float(max(high, low + 1)))


def cost_ticks(low: float, high: float) -> list[float]:
    """Returns powers of ten along the axis, at most eight; over few decades their 2 and 5 fold."""
    if high - low <= 2:
        powers = range(int(low), int(high))
        return [digit * 10.0**power for power in powers for digit in (1, 2, 5)] + [10.0**high]
    step = max(1, math.ceil((high - low) / 7))
    return [10.0**power for power in range(int(low), int(high) + 1, step)]


def _cost(row: Row, key: str) -> float | None:
    value = row.cells[key].value
    return value if isinstance(value, float) else None


def _across(cost: float, low: float, high: float) -> float:
    part = 0.0 if cost <= 0 else (math.log10(cost) - low) / (high - low)
    return round(LEFT + 16 + (RIGHT - LEFT - 32) * min(max(part, 0.0), 1.0), 1)


def _up(scale: Scale, value: float) -> float:
    return round(TOP + (BOTTOM - TOP) * (1 - scale.place(value)), 1)
