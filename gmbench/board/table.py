"""The board as a pandas table: one row per method, for analysis and as a file to download."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from gmbench.benchmark.benchmark import Benchmark, load_benchmark
from gmbench.board.board import Board, BoardError, find_board
from gmbench.board.columns import COLUMNS
from gmbench.board.rows import BenchmarkBoard, Cell, Row, read_rows, submitted_rows
from gmbench.data.loading import cache_folder
from gmbench.errors import UnknownNameError
from gmbench.evaluation.comparison import COMPARED
from gmbench.evaluation.metrics import HEADLINE
from gmbench.evaluation.tables import ends, to_frame

if TYPE_CHECKING:
    import pandas as pd

_RANK_COLUMNS = {"best_rank": "best", "worst_rank": "worst", "tier": "tier"}
_RANKED = {metric.name for metric in COMPARED}
_P_VALUES = ("p_value", "p_value_images")


def leaderboard(
    benchmark: str | Path | Benchmark = "mini116",
    board: str | Path | Board | None = None,
    *,
    ranks: bool = False,
) -> pd.DataFrame:
    """Returns a benchmark's leaderboard: measured methods by skill, then those that papers report.

    The figures are those of the submissions' results, which `gmbench leaderboard verify`
    recomputes from their predictions.

    Args:
        benchmark: Name of the benchmark, such as `red116` or, for the table of its ten folds,
            `red116-cv10`; the folder of its dataset; or the benchmark itself.
        board: The leaderboard, or its folder; by default `leaderboard` in the current folder, else
            the one of the checkout that gmbench runs from.
        ranks: Whether to recompute scores and compare all pairs of methods for their ranks. This
            takes minutes the first time; results are kept in gmbench's cache folder.

    Returns:
        One row per method: `benchmark`, `version`, `name`, title (`method`), `origin` (`measured`
        or `reported`) and number of `seeds` over which its figures are averaged; for each score its
        mean over the test sets, the ends of its 95% interval (`l1_lo`, `l1_hi`), and with `ranks`
        the best and worst places that the method can have and its tier (`l1_best_rank`,
        `l1_worst_rank`, `l1_tier`); p-values against the mean / mode baseline (`p_value` over GMs,
        `p_value_images`); each headline figure without test GMs that have a twin in training
        (`l1_without_twins`); training data, costs, authors and date. Unknown values are missing.

    Raises:
        BoardError: There is no leaderboard, a submission is damaged or of another protocol, or the
            board's benchmark of that name differs.
        UnknownNameError: Nothing was submitted to a benchmark of that name.

    Examples:
        >>> table = leaderboard("mini116")
        >>> bool(table["skill"].is_monotonic_decreasing)
        True
        >>> best = table.loc[0, ["name", "method", "l1", "l1_lo", "l1_hi"]]
        >>> latex = table[["method", "l1", "arch_f1", "loss_f1"]].to_latex(index=False)
    """
    place = find_board(board)
    if ranks:
        boards = read_rows(place, cache=cache_folder() / "leaderboard").benchmarks
    else:
        boards = submitted_rows(place)
    found = {one.name: one for one in boards}
    given: Benchmark | None = None
    if isinstance(benchmark, str) and (benchmark in found or not Path(benchmark).is_dir()):
        name = benchmark
    else:
        given = load_benchmark(benchmark)
        name = given.name
    if name not in found:
        hint = f"Methods were submitted to {', '.join(found) or 'none yet'}."
        raise UnknownNameError("Benchmark", name, list(found), hint)
    if given is not None and not given.is_same_as(found[name].benchmark):
        raise BoardError(f"The board has {found[name].benchmark.told}, not {given.told}.")
    return table([found[name]])


def table(boards: Sequence[BenchmarkBoard]) -> pd.DataFrame:
    """Returns the rows of benchmarks in one table, with the columns of `leaderboard`."""
    records = [_record(board, row) for board in boards for row in board.rows]
    if not records:  # A file without rows has its headings still.
        nobody = Row("", "", "measured", {column.key: Cell(None) for column in COLUMNS})
        none = BenchmarkBoard("", "", load_benchmark("mini116"), (nobody,), ())
        return to_frame([_record(none, nobody)]).iloc[:0]
    frame = to_frame(records)
    ranks = [name for name in frame.columns if name.endswith(("_rank", "_tier"))]
    return frame.astype(dict.fromkeys(ranks, "Int64"))


def _record(board: BenchmarkBoard, row: Row) -> dict[str, Any]:
    record: dict[str, Any] = {
        "benchmark": board.name,
        "version": board.version,
        "name": row.name,
        "method": row.title,
        "origin": row.origin,
        "seeds": len(row.seeds) or None,
    }
    for column in COLUMNS:
        cell = row.cells[column.key]
        record[column.key] = cell.value
        if column.kind == "score" and column.better:
            record |= ends(cell.ci, f"{column.key}_")
            # Only where scores were recomputed do methods have ranks; a single one has no pair.
            if board.measured[0].over_floor and column.key in _RANKED:
                for end, part in _RANK_COLUMNS.items():
                    record[f"{column.key}_{end}"] = getattr(cell.rank, part, None)
    # There is no p-value of a mean over seeds.
    single = row.result["summary"] if row.result and len(row.seeds) == 1 else {}
    record |= {name: single[name]["mean"] if single else None for name in _P_VALUES}
    apart = [((seed.result.get("without_twins") or {}).get("summary")) for seed in row.seeds]
    return record | {
        f"{metric.name}_without_twins": _mean_of(metric.name, apart) for metric in HEADLINE
    }


def _mean_of(metric: str, summaries: Sequence[Mapping[str, Any] | None]) -> float | None:
    """Returns the mean of a metric over seeds; None if one of them has none."""
    values = [one[metric]["mean"] for one in summaries if one]
    if not values or len(values) < len(summaries) or None in values:
        return None
    return fmean(values)
