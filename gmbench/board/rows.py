"""What the board shows: benchmarks, and a row for each method, ranked among its like."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from gmbench.benchmark.benchmark import NAMED, Benchmark
from gmbench.board.board import CARD, RESULTS, Board, BoardError, find_benchmark
from gmbench.board.columns import COLUMNS, SCORES
from gmbench.board.pairs import Pairs, board_pairs
from gmbench.board.ranking import Rank, rank_ranges
from gmbench.board.reported import Reported, read_reported
from gmbench.board.rounds import OpenRound, open_rounds
from gmbench.board.submission_card import Card, read_card
from gmbench.board.verification import read_claim, sound_files, verify
from gmbench.evaluation.intervals import Interval
from gmbench.predictions.checks import Checklist, plural
from gmbench.progress import Progress


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a row.

    Attributes:
        value: The number or text; None where there is none.
        ci: Its 95% interval.
        std: Standard deviation over the sets.
        rank: Its rank by this column among the measured methods.
    """

    value: float | str | None
    ci: Interval | None = None
    std: float | None = None
    rank: Rank | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One method.

    Attributes:
        name: Unique on the board.
        title: Name for people.
        origin: `measured` by this package from predictions, or `reported` by a paper.
        cells: By column.
        card: The submission's card; None for reported rows.
        result: The result, as `gmbench evaluate --json` prints it; None for reported rows.
        reported: What a paper says; None for measured rows.
    """

    name: str
    title: str
    origin: Literal["measured", "reported"]
    cells: dict[str, Cell]
    card: Card | None = None
    result: dict[str, Any] | None = None
    reported: Reported | None = None


@dataclass(frozen=True, slots=True)
class BenchmarkBoard:
    """One benchmark and its methods: measured ones by L1, then reported ones by L1, and pairs."""

    name: str
    version: str
    benchmark: Benchmark
    measured: tuple[Row, ...]
    reported: tuple[Row, ...]
    pairs: Pairs = field(default_factory=dict)

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows."""
        return (*self.measured, *self.reported)


@dataclass(frozen=True, slots=True)
class BoardRows:
    """Everything that the pages show."""

    benchmarks: tuple[BenchmarkBoard, ...] = field(default=())
    rounds: tuple[OpenRound, ...] = field(default=())


def read_rows(
    board: Board,
    *,
    cache: Path | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> BoardRows:
    """Verifies a board and returns its rows; every figure of a measured row is recomputed.

    Args:
        board: The leaderboard.
        cache: Folder of scores and pairs made before from the same bytes.
        jobs: Processes; by default all cores.
        progress: Told how many submissions are verified, and how many pairs compared.

    Raises:
        BoardError: A submission is not sound; names it and what is wrong.
    """
    made = verify(board, cache=cache, jobs=jobs, progress=progress)
    if not made.ok:
        parts = [
            f"{one.name}\n{one.checklist.text(all_checks=False)}"
            for one in made.submissions
            if not one.ok
        ]
        if not made.among.ok:
            parts.append(made.among.text(all_checks=False))
        n_failed = len(made.among.failures)
        n_failed += sum(not one.ok for one in made.submissions)
        listed = "\n".join(parts[:10])
        raise BoardError(
            f"{board.folder} has {plural(n_failed, 'fault')}, so no page was made of it.\n{listed}"
        )
    scores = {one.name: one.score for one in made.submissions if one.score is not None}
    submitted = [
        _Submitted(one.card, one.benchmark, one.score.result)
        for one in made.submissions
        if one.card is not None and one.benchmark is not None and one.score is not None
    ]
    boards = []
    for one in _boards(board, submitted):
        of_board = {row.name: scores[row.name] for row in one.measured}
        pairs = board_pairs(of_board, cache=cache, jobs=jobs, progress=progress)
        boards.append(replace(one, pairs=pairs))
    return BoardRows(tuple(boards), open_rounds(board))


def submitted_rows(board: Board) -> tuple[BenchmarkBoard, ...]:
    """Returns the rows of a board as its submissions' results have them; recomputes nothing.

    Raises:
        BoardError: A submission cannot be read, or its result is damaged or of another protocol.
        CardError: A card is none.
        BenchmarkError: A benchmark is not known.
    """
    submitted = []
    for name in board.names():
        checklist = Checklist(name)
        files = sound_files(board, name, checklist)
        result = None if files is None else read_claim(files[RESULTS], checklist)
        if files is None or result is None:
            place = board.submission(name)
            raise BoardError(f"{place} cannot be read.\n{checklist.text(all_checks=False)}")
        card = read_card(files[CARD])
        benchmark = find_benchmark(board, card.benchmark, card.version, card.sets)
        submitted.append(_Submitted(card, benchmark, result))
    return tuple(_boards(board, submitted))


@dataclass(frozen=True, slots=True)
class _Submitted:
    card: Card
    benchmark: Benchmark
    result: dict[str, Any]


def _boards(board: Board, submitted: Sequence[_Submitted]) -> Iterator[BenchmarkBoard]:
    """Yields each benchmark with its methods, those that papers report among them."""
    by_benchmark: dict[str, list[_Submitted]] = {}
    for one in submitted:
        methods = by_benchmark.setdefault(one.benchmark.name, [])
        methods.append(one)
        first = methods[0].benchmark
        if not first.is_same_as(one.benchmark):
            raise BoardError(
                f"{one.card.name} was submitted to {one.benchmark.told}, others to {first.told}; "
                "versions never mix."
            )
    reported = read_reported(board.reported)
    for name in sorted(by_benchmark, key=lambda one: _named_first(one, by_benchmark[one][0].card)):
        benchmark = by_benchmark[name][0].benchmark
        papers = [_reported_row(one) for one in reported if one.benchmark == name]
        measured = _measured_rows(by_benchmark[name])
        yield BenchmarkBoard(
            name, benchmark.version, benchmark, measured, tuple(in_order(papers, "l1"))
        )


def _named_first(name: str, card: Card) -> tuple[int, str]:
    known = card.benchmark in NAMED
    return (NAMED.index(card.benchmark) if known else len(NAMED), name)


def _measured_rows(submitted: Sequence[_Submitted]) -> tuple[Row, ...]:
    summaries = [one.result["summary"] for one in submitted]
    ranks: dict[str, Sequence[Rank | None]] = {}
    for column in SCORES:
        ranks[column.key] = [None] * len(submitted)
        if column.better:
            ranks[column.key] = rank_ranges(
                [summary[column.key]["mean"] for summary in summaries],
                [_interval(summary[column.key]["ci"]) for summary in summaries],
                lower_is_better=column.better == "lower",
            )
    rows = []
    for number, (one, summary) in enumerate(zip(submitted, summaries, strict=True)):
        cells = {}
        for column in COLUMNS:
            if column.kind == "score":
                figure = summary[column.key]
                rank = ranks[column.key][number]
                cells[column.key] = Cell(
                    figure["mean"], _interval(figure["ci"]), figure["std"], rank
                )
            else:
                cells[column.key] = Cell(_of_card(one.card, column.key))
        rows.append(
            Row(one.card.name, one.card.title, "measured", cells, card=one.card, result=one.result)
        )
    return tuple(in_order(rows, "l1"))


def _reported_row(one: Reported) -> Row:
    cells = {
        column.key: Cell(one.values.get(column.key), None, one.std.get(column.key))
        for column in COLUMNS
    }
    name = f"reported-{one.benchmark}-{one.method}".replace("_", "-")
    return Row(name, one.title, "reported", cells, reported=one)


def in_order(rows: Iterable[Row], column: str, *, descending: bool = False) -> list[Row]:
    """Returns rows by a column, or by `title`: missing values last, ties by title and name."""
    rows = sorted(rows, key=lambda row: (row.title.casefold(), row.name))

    def value(row: Row) -> Any:
        found = row.title if column == "title" else row.cells[column].value
        return found.casefold() if isinstance(found, str) else found

    known = [row for row in rows if value(row) is not None]
    known.sort(key=value, reverse=descending)
    return known + [row for row in rows if value(row) is None]


def _interval(ends: Any) -> Interval | None:
    return None if ends is None else (ends[0], ends[1])


def _of_card(card: Card, key: str) -> float | str | None:
    value = getattr(card, key)
    if key == "authors":
        return ", ".join(value)
    if key == "date":
        return str(value.isoformat())
    return value if value is None or isinstance(value, str) else float(value)
