"""The files that the page's scripts load, and the whole board as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from gmbench.board.columns import COLUMNS, COSTS
from gmbench.board.rows import BenchmarkBoard, BoardRows, Row
from gmbench.board.site.axes import Axis, Tick
from gmbench.board.site.floors import gms_of
from gmbench.board.site.methods_table import TableView
from gmbench.evaluation.comparison import COMPARED, Difference
from gmbench.evaluation.permutations import PERMUTATIONS
from gmbench.evaluation.result import PROTOCOL
from gmbench.pages.environment import render
from gmbench.version import __version__


def board_data(rows: BoardRows) -> dict[str, Any]:
    """Returns the whole board as plain data: `leaderboard.json`."""
    return {
        "gmbench": __version__,
        "protocol": PROTOCOL,
        "benchmarks": {
            board.name: {
                "version": board.version,
                "labels_sha256": board.benchmark.labels_sha256,
                "splits_sha256": board.benchmark.splits_sha256,
                "open_labels": board.open_labels,
                "rows": [_row_data(row) for row in board.rows],
            }
            for board in rows.benchmarks
        },
        "rounds": [asdict(one) for one in rows.rounds],
        "left_out": {name: list(checks) for name, checks in rows.left_out.items()},
    }


def _row_data(row: Row) -> dict[str, Any]:
    data: dict[str, Any] = {"name": row.name, "title": row.title, "origin": row.origin}
    for column in COLUMNS:
        cell = row.cells[column.key]
        if column.kind == "score":
            data[column.key] = {
                "mean": cell.value,
                "std": cell.std,
                "ci": None if cell.ci is None else list(cell.ci),
                "rank": None if cell.rank is None else [cell.rank.best, cell.rank.worst],
                "tier": None if cell.rank is None else cell.rank.tier,
                "seed_std": cell.spread,
            }
        else:
            data[column.key] = cell.value
    if row.origin == "measured":
        data["sealed"] = row.sealed
        data["seeds"] = [one.card.name for one in row.seeds]
    if row.card is not None:
        data["card"] = row.card.model_dump(mode="json", exclude_defaults=True)
    if row.result is not None:
        data["without_twins"] = row.result["without_twins"]
        data["manifest"] = row.result["manifest"]
    if row.reported is not None:
        data["source"] = row.reported.sources
    return data


def benchmark_data(board: BenchmarkBoard, axes: Mapping[str, Axis]) -> dict[str, Any]:
    """Returns what scripts need to know about a benchmark besides its table: `data/NAME.json`.

    The values of an axis are in the order of `names`, each as `[value]` or `[value, low, high]`.
    """
    gms = gms_of(board.measured[0]).values()
    names = [row.name for row in board.rows]
    return {
        "metrics": [
            {"name": one.name, "title": one.title, "better": one.better} for one in COMPARED
        ],
        "gms": [{key: gm[key] for key in ("gm", "kind", "set")} for gm in gms],
        "permutations": PERMUTATIONS,
        "pairs": len(board.pairs),
        "names": names,
        "costs": {one.key: [row.cells[one.key].value for row in board.rows] for one in COSTS},
        "axes": {
            key: {
                **{name: getattr(axis, name) for name in _PLAIN},
                "ticks": _ticks(axis.ticks),
                "lines": _ticks(axis.lines),
                "values": [axis.values.get(name) for name in names],
                "texts": [axis.texts.get(name, "") for name in names],
            }
            for key, axis in axes.items()
        },
    }


_PLAIN = ("key", "title", "better", "low", "high", "band")


def _ticks(ticks: Sequence[Tick]) -> list[tuple[float, str]]:
    return [(tick.place, tick.text) for tick in ticks]


def cells_of(table: TableView) -> dict[str, dict[str, str]]:
    """Returns the cells of columns that are hidden by default, as HTML by method, by column."""
    return {
        column.key: {
            view.row.name: render("one_cell.html.j2", one=view.cells[number]) for view in table.rows
        }
        for number, column in enumerate(COLUMNS)
        if not column.shown
    }


def pairs_by_first(board: BenchmarkBoard) -> dict[str, dict[str, tuple[Difference, ...]]]:
    """Returns a board's pairs by their first method, then by their second."""
    found: dict[str, dict[str, tuple[Difference, ...]]] = {row.name: {} for row in board.measured}
    for (first, second), pair in board.pairs.items():
        found[first][second] = pair
    return found


def method_data(row: Row, pairs: Mapping[str, Sequence[Difference]]) -> dict[str, Any]:
    """Returns what a comparison shows of a method: its values, and its pairs with later rows.

    Each pair has for each metric the difference (this method less the other), the ends of its
    interval, the p-value uncorrected and corrected, and the name of the better method, if any.

    Args:
        row: The method.
        pairs: The pairs whose first method it is, by the second.
    """
    return {
        "values": [row.cells[metric.name].value for metric in COMPARED],
        "l1": [gm["l1"] for gm in gms_of(row).values()],
        "pairs": {
            second: [
                [
                    one.difference,
                    *(one.ci or (None, None)),
                    one.p_value,
                    one.p_holm,
                    one.better,
                ]
                for one in pair
            ]
            for second, pair in pairs.items()
        },
    }
