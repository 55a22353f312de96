"""What the board's table says and where its marks stand, ready for the template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gmbench.benchmark.benchmark import Benchmark
from gmbench.board.columns import COLUMNS, DEFAULT_SORT, SCORES, Column
from gmbench.board.rows import BenchmarkBoard, Cell, Row, in_order
from gmbench.board.site.floors import Floors
from gmbench.board.submission_card import TRAINING_DATA
from gmbench.evaluation.intervals import Interval
from gmbench.evaluation.metrics import BY_NAME
from gmbench.pages.drawing.charts import Bar, bar
from gmbench.pages.drawing.numbers import DASH, p_value, quantity, score
from gmbench.pages.drawing.scales import Scale, zoomed_scale
from gmbench.predictions.checks import plural

TRAINED_ON = {"labels": "labels", "benchmark": "benchmark", "extra": "extra data"}
"""What methods learned from, as short as a cell is wide."""


@dataclass(frozen=True, slots=True)
class CellView:
    """One cell.

    Attributes:
        column: Its column.
        order: The number by which it sorts; None where it has no value.
        text: What people read.
        beside: The interval, or the spread over the sets.
        style: Places of its bar, as CSS; empty where nothing is drawn.
        rank: Such as `1–3`.
        tier: Number of its tier by this column; 0 where it has none.
    """

    column: Column
    order: float | None
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
        order: Its place by title.
        rank: Its rank by the column that rows are ordered by at first.
        begins_tier: Whether the row above is in another tier by it.
        trained: Kind of training data; empty for reported rows.
        words: What the search looks at.
        cells: In the order of columns.
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
    """One column's heading, with the ends of its axis."""

    column: Column
    ends: tuple[str, str] | None


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

    @property
    def rank_letters(self) -> int:
        """Letters of the longest rank by any column; the column of ranks is as wide."""
        return max((len(one.rank) for row in self.measured for one in row.cells), default=0)


def table_view(board: BenchmarkBoard, floors: Floors) -> TableView:
    """Returns a benchmark's table.

    Args:
        board: The benchmark and its methods.
        floors: What labels alone can do there.
    """
    rows = board.rows
    scales = {c.key: column_scale(c, rows, floors.summary.get(c.key)) for c in SCORES}
    titles = {row.name: place for place, row in enumerate(in_order(rows, "title"))}
    orders = {column.key: _text_orders(column, rows) for column in COLUMNS}
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
                _cell(column, row, scales.get(column.key), orders[column.key], floors)
                for column in COLUMNS
            ),
        )
        for row, tier, above in zip(rows, tiers, [1, *tiers], strict=False)
    ]
    return TableView(
        name=board.name,
        version=board.version,
        facts=benchmark_facts(board.benchmark),
        headings=tuple(_heading(column, scales.get(column.key)) for column in COLUMNS),
        measured=tuple(view for view in views if view.row.origin == "measured"),
        reported=tuple(view for view in views if view.row.origin == "reported"),
        sources=_sources(board.reported),
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
    """Returns the axis on which all values, intervals and thresholds of a score have a place.

    Args:
        column: The score.
        rows: Whose values.
        floor: What labels alone reach, if that is drawn.
    """
    drawn = [
        number
        for row in rows
        for cell in [row.cells[column.key]]
        for number in (cell.value, *(_ends(row, cell) or ()), floor, column.useful)
        if isinstance(number, float)
    ]
    return zoomed_scale(drawn or [0.0, 1.0], BY_NAME[column.key].bounds)


def bar_style(placed: Bar, floor: float | None = None) -> str:
    """Returns the places of a value, its interval, threshold and floor as CSS variables.

    A background's position counts from what its size leaves free, so that the interval's start
    is given as a part of that.
    """
    parts = [f"--v:{placed.value}%"]
    if placed.low is not None and placed.high is not None:
        width = round(max(placed.high - placed.low, 0.0), 1)
        start = round(100 * placed.low / (100 - width), 1) if width < 100 else 0.0
        parts.append(f"--w:{width}%;--p:{start}%")
    if placed.useful is not None:
        parts.append(f"--t:{placed.useful}%")
    if floor is not None:
        parts.append(f"--f:{floor}%")
    return ";".join(parts)


def _ends(row: Row, cell: Cell) -> Interval | None:
    """Returns the interval of a measured value, or value ± std of a reported one."""
    if row.origin == "reported" and cell.std is not None and isinstance(cell.value, float):
        return (cell.value - cell.std, cell.value + cell.std)
    return cell.ci


def _cell(
    column: Column, row: Row, scale: Scale | None, orders: dict[str, int], floors: Floors
) -> CellView:
    cell = row.cells[column.key]
    if cell.value is None:
        return CellView(column, None, DASH)
    if isinstance(cell.value, str):
        text = (
            TRAINED_ON.get(cell.value, cell.value) if column.key == "training_data" else cell.value
        )
        return CellView(column, orders[cell.value.casefold()], text)
    if scale is None:
        return CellView(column, cell.value, cost_text(cell.value))
    beside = ""
    if cell.ci is not None:
        beside = f"{score(cell.ci[0]).text} to {score(cell.ci[1]).text}"
    elif row.origin == "reported" and cell.std is not None:
        beside = f"± {score(cell.std).text}"
    floor = floors.summary.get(column.key) if column.better else None
    placed = None if floor is None else round(100 * scale.place(floor), 1)
    return CellView(
        column,
        cell.value,
        score(cell.value).text + (f" ± {score(cell.spread).text}" if cell.spread else ""),
        beside,
        bar_style(bar(scale, cell.value, _ends(row, cell), column.useful), placed),
        str(cell.rank or ""),
        cell.rank.tier if cell.rank else 0,
    )


def cost_text(value: float) -> str:
    """Returns a cost in about three digits, with k, M or G where it is large."""
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if value >= size:
            unit = 1e3 if size == 1e4 else size
            return f"{quantity(value / unit)}{letter}"
    if 0 < value < 0.01:
        text = p_value(value).text
        return text.rstrip("0") if text.startswith("0.") else text
    return quantity(value)


def _heading(column: Column, scale: Scale | None) -> Heading:
    if scale is None:
        return Heading(column, None)
    return Heading(column, (quantity(scale.low), quantity(scale.high)))


def _text_orders(column: Column, rows: Sequence[Row]) -> dict[str, int]:
    if column.kind != "text":
        return {}
    values = {str(row.cells[column.key].value).casefold() for row in rows}
    return {value: place for place, value in enumerate(sorted(values))}


def _words(row: Row) -> str:
    parts = [row.title, row.name]
    if row.card is not None:
        parts += [*row.card.authors, TRAINING_DATA[row.card.training_data]]
    return " ".join(parts).casefold()


def _sources(rows: Sequence[Row]) -> str:
    tables = sorted({source for row in rows if row.reported for source in row.reported.sources})
    if all(source.startswith("Table ") for source in tables) and len(tables) > 1:
        return "Tables " + " and ".join(source.removeprefix("Table ") for source in tables)
    return " and ".join(tables)
