"""Axes of the drawings: the position of every method by a score, by a cost and in time.

They are computed only here; the page's script puts marks where an axis says.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gmbench.board.columns import COSTS, SCORES, Column
from gmbench.board.reported import first_day
from gmbench.board.rows import BenchmarkBoard, Row
from gmbench.board.site.floors import Floors
from gmbench.board.site.methods_table import column_scale, cost_text
from gmbench.pages.drawing.numbers import score, score_label

DATE = "date"
"""Key of the time axis."""

_EDGE = 3.0
"""Percent of a cost or time axis that is left free at each end."""

_BAND = 9.0
"""Percent of a cost axis that is reserved for costs of 0."""

_LEAST = 1e-12
"""Smallest cost with a place of its own; positive ones below it are placed there."""

_MOST_TICKS = 8


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled position on an axis, in percent."""

    place: float
    text: str


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis and the values on it.

    Attributes:
        key: Its column.
        title: Its heading.
        better: Which direction is better; empty if neither is.
        low: Value at its start.
        high: Value at its end. Costs and dates are already given as positions, from 0 to 100.
        ticks: Labelled positions.
        values: By a method's name: its value, and the ends of its interval if it has one.
        texts: Displayed text of each value, likewise by name.
        lines: Positions and labels of the reference values of a score.
        band: Percent of the axis, from its start, reserved for costs of 0.
    """

    key: str
    title: str
    better: str
    low: float
    high: float
    ticks: tuple[Tick, ...]
    values: Mapping[str, tuple[float, ...]]
    texts: Mapping[str, str]
    lines: tuple[Tick, ...] = field(default=())
    band: float = 0.0

    def place(self, value: float) -> float:
        """Returns the position of a value, in percent from the start of the axis."""
        return round(100 * min(max((value - self.low) / (self.high - self.low), 0.0), 1.0), 1)


def axes(board: BenchmarkBoard, floors: Floors) -> dict[str, Axis]:
    """Returns the axes of a benchmark by column; costs that no method states have none."""
    made = [score_axis(board, column, floors.summary.get(column.key)) for column in SCORES]
    made += [axis for column in COSTS if (axis := cost_axis(board.measured, column))]
    return {axis.key: axis for axis in (*made, date_axis(board.rows))}


def score_axis(board: BenchmarkBoard, column: Column, floor: float | None) -> Axis:
    """Returns the axis of a score: the one on which the table's cells draw it."""
    scale = column_scale(column, board.rows, floor)
    values: dict[str, tuple[float, ...]] = {}
    for row in board.rows:
        cell = row.cells[column.key]
        if isinstance(cell.value, float):
            values[row.name] = (cell.value, *(cell.ci or ()))
    held_against = ((column.useful, "practical use"), (floor, "labels alone"))
    return Axis(
        column.key,
        column.title,
        column.better,
        scale.low,
        scale.high,
        tuple(Tick(_percent(scale.place(value)), score_label(value)) for value in scale.ticks()),
        values,
        {name: score(value).text for name, (value, *_) in values.items()},
        tuple(
            Tick(_percent(scale.place(value)), words)
            for value, words in held_against
            if value is not None
        ),
    )


def cost_axis(rows: Sequence[Row], column: Column) -> Axis | None:
    """Returns the logarithmic axis of a cost; None if no method states it.

    A logarithmic axis has no 0: costs of 0 are placed in a separate band before it.
    """
    costs = {
        row.name: value for row in rows if isinstance(value := row.cells[column.key].value, float)
    }
    if not costs:
        return None
    band = _BAND if min(costs.values()) <= 0 else 0.0
    low, high = cost_range([max(cost, _LEAST) for cost in costs.values() if cost > 0])

    def place(cost: float) -> float:
        if cost <= 0:
            return band / 2
        part = math.log(max(cost, _LEAST) / low) / math.log(high / low)
        return round(band + _EDGE + (100 - band - 2 * _EDGE) * part, 1)

    ticks = [Tick(place(cost), cost_text(cost)) for cost in cost_ticks(low, high)]
    if band:
        ticks = [Tick(place(0), "0"), *ticks]
    values = {name: (place(cost),) for name, cost in costs.items()}
    texts = {name: cost_text(cost) for name, cost in costs.items()}
    return Axis(
        column.key, column.title, "lower", 0.0, 100.0, tuple(ticks), values, texts, band=band
    )


def cost_range(costs: Sequence[float]) -> tuple[float, float]:
    """Returns the round costs (1, 2 or 5 times a power of ten) just outside positive ones."""
    if not costs:
        return (1.0, 10.0)
    first, last = min(costs) * (1 + 1e-9), max(costs) * (1 - 1e-9)
    low = max(cost for cost in _round_costs(first) if cost <= first)
    high = min(cost for cost in _round_costs(last) if cost >= last)
    return (low, high) if low < high else (low, 10 * low)


def cost_ticks(low: float, high: float) -> list[float]:
    """Returns at most eight round costs along an axis: over many decades, powers of ten only."""
    decades = range(math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9) + 1)
    step = max(1, math.ceil(len(decades) / _MOST_TICKS))
    digits = (1, 2, 5) if len(decades) <= 3 else (1,)
    found = [digit * 10.0**power for power in decades[::step] for digit in digits]
    return [cost for cost in found if low * (1 - 1e-9) <= cost <= high * (1 + 1e-9)]


def _round_costs(near: float) -> list[float]:
    power = math.floor(math.log10(near))
    return [digit * 10.0**exponent for exponent in (power, power + 1) for digit in (1, 2, 5)]


def date_axis(rows: Sequence[Row]) -> Axis:
    """Returns the axis of time, from the first to the last date of any method."""
    texts = {row.name: str(row.cells[DATE].value) for row in rows}
    days = {name: first_day(text).toordinal() for name, text in texts.items()}
    first, last = min(days.values(), default=1), max(days.values(), default=1)

    def place(day: int) -> float:
        part = (day - first) / (last - first) if last > first else 0.5
        return round(_EDGE + (100 - 2 * _EDGE) * part, 1)

    ticks = tuple(Tick(place(day.toordinal()), text) for day, text in date_ticks(first, last))
    values = {name: (place(day),) for name, day in days.items()}
    return Axis(DATE, "date", "", 0.0, 100.0, ticks, values, texts)


def date_ticks(first: int, last: int) -> list[tuple[datetime.date, str]]:
    """Returns first days of years or months between two ordinals, or else the two days."""
    start, end = datetime.date.fromordinal(first), datetime.date.fromordinal(last)
    months = range(12 * start.year + start.month - 1, 12 * end.year + end.month)
    for step in (1, 2, 3, 6, 12, 24, 60, 120):
        days = [datetime.date(m // 12, m % 12 + 1, 1) for m in months if m % step == 0]
        days = [day for day in days if first <= day.toordinal() <= last]
        if len(days) <= _MOST_TICKS:
            break
    if len(days) < 2:
        return [(day, day.isoformat()) for day in sorted({start, end})]
    yearly = all(day.month == 1 for day in days)
    return [(day, f"{day:%Y}" if yearly else f"{day:%b %Y}") for day in days]


def _percent(part: float) -> float:
    return round(100 * part, 1)
