"""The board as a pandas table: one row a method, for analysis and as the file to download."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gmbench.board.board import find_board
from gmbench.board.columns import COLUMNS
from gmbench.board.rows import BenchmarkBoard, Row, submitted_rows
from gmbench.errors import UnknownNameError
from gmbench.evaluation.tables import ends, to_frame

if TYPE_CHECKING:
    import pandas as pd

_P_VALUES = ("p_value", "p_value_images")


def leaderboard(benchmark: str = "mini116", board: str | Path | None = None) -> pd.DataFrame:
    """Returns a benchmark's leaderboard: measured methods by L1, then those that papers report.

    The figures are those of the submissions' results, which `gmbench leaderboard verify`
    recomputes from their predictions. Ranks are from the best to the worst place that a method
    can have.

    Args:
        benchmark: Name of the benchmark.
        board: Folder of the leaderboard; by default `leaderboard` in the current folder, else the
            one of the checkout that gmbench runs from.

    Returns:
        For each score its mean over the test sets, the ends of its 95% interval (`_lo`, `_hi`)
        and ranks (`_best_rank`, `_worst_rank`); p-values against the mean / mode baseline
        (`p_value` over GMs, `p_value_images`); then training data, costs, authors, date. What is
        not known is missing.

    Raises:
        BoardError: There is no leaderboard, or a submission is damaged or of another protocol.
        UnknownNameError: Nothing was submitted to such a benchmark.

    Examples:
        >>> table = leaderboard("mini116")
        >>> bool(table["l1"].is_monotonic_increasing)
        True
        >>> best = table.loc[0, ["name", "method", "l1", "l1_lo", "l1_hi", "l1_worst_rank"]]
        >>> latex = table[["method", "l1", "arch_f1", "loss_f1"]].to_latex  # needs jinja2
    """
    found = {one.name: one for one in submitted_rows(find_board(board))}
    if benchmark not in found:
        hint = f"Methods were submitted to {', '.join(found) or 'none yet'}."
        raise UnknownNameError("Benchmark", benchmark, list(found), hint)
    return table([found[benchmark]])


def table(boards: Sequence[BenchmarkBoard]) -> pd.DataFrame:
    """Returns the rows of benchmarks one below the other, in the columns of `leaderboard`."""
    frame = to_frame(_record(board, row) for board in boards for row in board.rows)
    ranks = [name for name in frame.columns if name.endswith("_rank")]
    return frame.astype(dict.fromkeys(ranks, "Int64"))


def _record(board: BenchmarkBoard, row: Row) -> dict[str, Any]:
    rank = row.cells["l1"].rank
    record: dict[str, Any] = {
        "benchmark": board.name,
        "version": board.version,
        "name": row.name,
        "method": row.title,
        "origin": row.origin,
        "rank": str(rank).replace("–", "-") if rank else None,
    }
    for column in COLUMNS:
        cell = row.cells[column.key]
        record[column.key] = cell.value
        if column.kind == "score" and column.better:
            record |= ends(cell.ci, f"{column.key}_")
            record[f"{column.key}_best_rank"] = cell.rank.best if cell.rank else None
            record[f"{column.key}_worst_rank"] = cell.rank.worst if cell.rank else None
    summary = row.result["summary"] if row.result else {}
    return record | {name: summary[name]["mean"] if summary else None for name in _P_VALUES}
