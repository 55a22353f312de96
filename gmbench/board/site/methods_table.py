"""The text of the board's table and the positions of its marks, ready for the template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gmbench.benchmark.benchmark import Benchmark
from gmbench.board.columns import COLUMN, COLUMNS, DEFAULT_SORT, SCORES, Column
from gmbench.board.rows import BenchmarkBoard, Cell, Row, in_order
from gmbench.board.site.floors import Floors
from gmbench.evaluation.intervals import Interval
from gmbench.evaluation.metrics import BY_NAME
from gmbench.pages.drawing.numbers import DASH, p_value, quantity, score, score_label
from gmbench.pages.drawing.scales import Scale, zoomed_scale
from gmbench.wording import plural

TRAINED_ON = {"labels": "labels", "benchmark": "benchmark", "extra": "extra data"}
"""What methods learned from, short enough for a cell."""


@dataclass(frozen=True, slots=True)
class CellView:
    """One cell.

    Attributes:
        column: Its column.
        order: Its position in the column, from the smallest value up; None if it has no value.
        text: The displayed text.
        beside: The interval, or the spread over the sets.
        style: Its value and the ends of its bar, as CSS; empty if nothing is drawn.
        rank: Its rank, such as `1–3`.
        tier: Number of its tier by this column; 0 if it has none.
    """

    column: Column
    order: int | None
    text: str
    beside: str = ""
    style: str = ""
    rank: str = ""
    tier: int = 0


@dataclass(frozen=True, slots=True)
class RowView:
    """One row of the table.

    Attributes:
        row: The method.
        order: Its position by title.
        rank: Its rank by the default sort column.
        begins_tier: Whether the row above is in another tier by that column.
        trained: Kind of training data; empty for reported rows.
        words: Text that the search covers besides the displayed text.
        cells: Its cells, in the order of columns.
    """

    row: Row
    order: int
    rank: str
    begins_tier: bool
    trained: str
    words: str
    cells: tuple[CellView, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """One column's heading, with the ends of its axis; `empty` if no method has a value."""

    column: Column
    ends: tuple[str, str] | None
    empty: bool


@dataclass(frozen=True, slots=True)
class TableView:
    """One benchmark's table."""

    name: str
    version: str
    facts: str
    headings: tuple[Heading, ...]
    measured: tuple[RowView, ...]
    reported: tuple[RowView, ...]
    sources: str
    style: str

    @property
    def rows(self) -> tuple[RowView, ...]:
        """All rows."""
        return (*self.measured, *self.reported)

    @property
    def rank_letters(self) -> int:
        """Length of the longest rank by any column; the column of ranks is as wide."""
        return max((len(one.rank) for row in self.measured for one in row.cells), default=0)


def table_view(board: BenchmarkBoard, floors: Floors) -> TableView:
    """Returns a benchmark's table.

    Args:
        board: The benchmark and its methods.
        floors: What labels alone achieve on it.
    """
    rows = board.rows
    scales = {c.key: column_scale(c, rows, floors.summary.get(c.key)) for c in SCORES}
    titles = {row.name: place for place, row in enumerate(in_order(rows, "title"))}
    orders = {column.key: _orders(column, rows) for column in COLUMNS}
    tiers = [rank.tier if (rank := row.cells[DEFAULT_SORT].rank) else 1 for row in rows]
    views = [
        RowView(
            row=row,
            order=titles[row.name],
            rank=str(row.cells[DEFAULT_SORT].rank or ""),
            begins_tier=row.origin == "measured" and tier != above,
            trained=row.card.training_data if row.card else "",
            words=_words(row),
            cells=tuple(
                _cell(column, row, scales.get(column.key), orders[column.key]) for column in COLUMNS
            ),
        )
        for row, tier, above in zip(rows, tiers, [1, *tiers], strict=False)
    ]
    return TableView(
        name=board.name,
        version=board.version,
        facts=benchmark_facts(board.benchmark),
        headings=tuple(
            _heading(column, scales.get(column.key), not orders[column.key]) for column in COLUMNS
        ),
        measured=tuple(view for view in views if view.row.origin == "measured"),
        reported=tuple(view for view in views if view.row.origin == "reported"),
        sources=_sources(board.reported),
        style=axis_style(scales, floors),
    )


def benchmark_facts(benchmark: Benchmark) -> str:
    """Returns one line on a benchmark: its GMs, sets and test images."""
    sizes = sorted({len(test) for test in benchmark.sets.values()})
    each = str(sizes[0]) if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    images = sum(
        benchmark.n_images[benchmark.index[gm]] for test in benchmark.sets.values() for gm in test
    )
    gms = "unseen GM" if sizes == [1] else "unseen GMs"
    facts = (
        f"{plural(len(benchmark.gms), 'GM')}, {plural(len(benchmark.sets), 'test set')} of {each} "
        f"{gms}, {plural(images, 'test image')}"
    )
    tested = [gm for test in benchmark.sets.values() for gm in test]
    if len(tested) == len(set(tested)) == sum(n > 0 for n in benchmark.n_images):
        facts += ": every GM is tested once"
    return f"{facts}, too few GMs for intervals" if sizes == [1] else facts


def column_scale(column: Column, rows: Sequence[Row], floor: float | None = None) -> Scale:
    """Returns an axis that covers all values, intervals and thresholds of a score.

    Args:
        column: The score.
        rows: The rows whose values are drawn.
        floor: What labels alone achieve, if that is drawn.
    """
    drawn = [
        number
        for row in rows
        for cell in [row.cells[column.key]]
        for number in (cell.value, *(_ends(row, cell) or ()), floor, column.useful)
        if isinstance(number, float)
    ]
    return zoomed_scale(drawn or [0.0, 1.0], BY_NAME[column.key].bounds)


def axis_style(scales: Mapping[str, Scale], floors: Floors) -> str:
    """Returns the axes of all scores and their reference values as CSS variables."""
    parts = []
    for key, scale in scales.items():
        column = COLUMN[key]
        floor = floors.summary.get(key) if column.better else None
        ends = {"low": scale.low, "high": scale.high, "useful": column.useful, "floor": floor}
        parts += [f"--{name}-{key}:{end:.4g}" for name, end in ends.items() if end is not None]
    return ";".join(parts)


def bar_style(scale: Scale, value: float, ends: Interval | None) -> str:
    """Returns a value and its interval as CSS variables, with the digits that are displayed."""
    parts = [f"--v:{value:.3f}"]
    if ends is not None:
        low, high = (min(max(end, scale.low), scale.high) for end in ends)
        parts.append(f"--l:{low:.3f};--h:{high:.3f}")
    return ";".join(parts)


def _ends(row: Row, cell: Cell) -> Interval | None:
    """Returns the interval of a measured value, or value ± std of a reported one."""
    if row.origin == "reported" and cell.std is not None and isinstance(cell.value, float):
        return (cell.value - cell.std, cell.value + cell.std)
    return cell.ci


def _cell(
    column: Column, row: Row, scale: Scale | None, orders: Mapping[float | str, int]
) -> CellView:
    cell = row.cells[column.key]
    if cell.value is None:
        return CellView(column, None, DASH)
    order = orders[_sorted_by(cell.value)]
    if isinstance(cell.value, str):
        text = (
            TRAINED_ON.get(cell.value, cell.value) if column.key == "training_data" else cell.value
        )
        return CellView(column, order, text)
    if scale is None:
        return CellView(column, order, cost_text(cell.value))
    beside = ""
    if cell.ci is not None:
        beside = f"{score(cell.ci[0]).text} to {score(cell.ci[1]).text}"
    elif row.origin == "reported" and cell.std is not None:
        beside = f"± {score(cell.std).text}"
    return CellView(
        column,
        order,
        score(cell.value).text + ("" if cell.spread is None else f" ± {score(cell.spread).text}"),
        beside,
        bar_style(scale, cell.value, _ends(row, cell)),
        str(cell.rank or ""),
        cell.rank.tier if cell.rank else 0,
    )


def cost_text(value: float) -> str:
    """Returns a cost with about three digits, and with k, M or G if it is large."""
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if value >= size:
            unit = 1e3 if size == 1e4 else size
            return f"{quantity(value / unit)}{letter}"
    if 0 < value < 0.001:
        return p_value(value).text
    return f"{value:.3g}" if value < 1 else quantity(value)


def _heading(column: Column, scale: Scale | None, empty: bool) -> Heading:
    ends = None if scale is None else (score_label(scale.low), score_label(scale.high))
    return Heading(column, ends, empty)


def _orders(column: Column, rows: Sequence[Row]) -> dict[float | str, int]:
    """Returns the position of each value in a column, so the page need not hold all its digits."""
    cells = (row.cells[column.key].value for row in rows)
    values = {_sorted_by(value) for value in cells if value is not None}
    ordered: list[Any] = list(values)  # A column has numbers or words, never both.
    return {value: place for place, value in enumerate(sorted(ordered))}


def _sorted_by(value: float | str) -> float | str:
    return value.casefold() if isinstance(value, str) else value


def _words(row: Row) -> str:
    return " ".join(row.card.authors[1:]) if row.card else ""


def _sources(rows: Sequence[Row]) -> str:
    tables = sorted({source for row in rows if row.reported for source in row.reported.sources})
    if all(source.startswith("Table ") for source in tables) and len(tables) > 1:
        return "Tables " + " and ".join(source.removeprefix("Table ") for source in tables)
    return " and ".join(tables)
