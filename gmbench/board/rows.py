"""What the board shows: benchmarks, and a row for each method, ranked among its like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gmbench.benchmark.benchmark import NAMED, Benchmark
from gmbench.board.board import Board, BoardError
from gmbench.board.columns import COLUMNS, SCORES
from gmbench.board.pairs import Pairs, board_pairs
from gmbench.board.ranking import Rank, rank_ranges
from gmbench.board.reported import Reported, read_reported
from gmbench.board.rounds import OpenRound, open_rounds
from gmbench.board.scoring import Score
from gmbench.board.submission_card import Card
from gmbench.board.verification import verify
from gmbench.evaluation.intervals import Interval
from gmbench.predictions.checks import Status, plural
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
        score: What was computed; None for reported rows.
        reported: What a paper says; None for measured rows.
    """

    name: str
    title: str
    origin: Literal["measured", "reported"]
    cells: dict[str, Cell]
    card: Card | None = None
    score: Score | None = None
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
        n_failed = sum(check.status is not Status.OK for check in made.among)
        n_failed += sum(not one.ok for one in made.submissions)
        listed = "\n".join(parts[:10])
        raise BoardError(
            f"{board.folder} has {plural(n_failed, 'fault')}, so no page was made of it.\n{listed}"
        )
    by_benchmark: dict[str, tuple[Benchmark, list[tuple[Card, Score]]]] = {}
    for one in made.submissions:
        assert one.card is not None
        assert one.benchmark is not None
        assert one.score is not None
        entry = by_benchmark.setdefault(one.benchmark.name, (one.benchmark, []))
        if entry[0].labels_sha256 != one.benchmark.labels_sha256:
            raise BoardError(
                f"{one.name} was submitted to version {one.benchmark.version} of "
                f"{one.benchmark.name}, others to version {entry[0].version}; versions never mix."
            )
        entry[1].append((one.card, one.score))
    reported = read_reported(board.reported)
    boards = []
    for name in sorted(by_benchmark, key=_named_first):
        benchmark, submissions = by_benchmark[name]
        papers = [one for one in reported if one.benchmark == name]
        measured = _measured_rows(submissions)
        scores = {row.name: row.score for row in measured if row.score is not None}
        boards.append(
            BenchmarkBoard(
                name,
                benchmark.version,
                benchmark,
                measured,
                tuple(sorted(map(_reported_row, papers), key=lambda row: sort_key(row, "l1"))),
                board_pairs(scores, cache=cache, jobs=jobs, progress=progress),
            )
        )
    return BoardRows(tuple(boards), open_rounds(board))


def _named_first(name: str) -> tuple[int, str]:
    return (NAMED.index(name) if name in NAMED else len(NAMED), name)


def _measured_rows(submissions: Sequence[tuple[Card, Score]]) -> tuple[Row, ...]:
    summaries = [score.result["summary"] for _, score in submissions]
    ranks: dict[str, list[Rank | None]] = {}
    for column in SCORES:
        ranks[column.key] = rank_ranges(
            [summary[column.key]["mean"] for summary in summaries],
            [_interval(summary[column.key]["ci"]) for summary in summaries],
            lower_is_better=column.better == "lower",
        )
    rows = []
    for number, ((card, score), summary) in enumerate(zip(submissions, summaries, strict=True)):
        cells = {}
        for column in COLUMNS:
            if column.kind == "score":
                one = summary[column.key]
                rank = ranks[column.key][number]
                cells[column.key] = Cell(one["mean"], _interval(one["ci"]), one["std"], rank)
            else:
                cells[column.key] = Cell(_of_card(card, column.key))
        rows.append(Row(card.name, card.title, "measured", cells, card=card, score=score))
    return tuple(sorted(rows, key=lambda row: sort_key(row, "l1")))


def _reported_row(one: Reported) -> Row:
    cells = {
        column.key: Cell(one.values.get(column.key), None, one.std.get(column.key))
        for column in COLUMNS
    }
    name = f"reported-{one.benchmark}-{one.method}".replace("_", "-")
    return Row(name, one.title, "reported", cells, reported=one)


def sort_key(row: Row, column: str, *, descending: bool = False) -> tuple[Any, ...]:
    """Returns the key by which rows are sorted: missing values last, ties by title and name."""
    tie = (row.title.casefold(), row.name)
    value = row.title.casefold() if column == "title" else row.cells[column].value
    if value is None:
        return (1, 0, *tie)
    if isinstance(value, str):
        return (0, _Reversed(value.casefold()) if descending else value.casefold(), *tie)
    return (0, -value if descending else value, *tie)


@dataclass(frozen=True, slots=True)
class _Reversed:
    """Text that sorts from the end of the alphabet."""

    text: str

    def __lt__(self, other: _Reversed) -> bool:
        return self.text > other.text


def _interval(ends: Any) -> Interval | None:
    return None if ends is None else (ends[0], ends[1])


def _of_card(card: Card, key: str) -> float | str | None:
    value = getattr(card, key)
    if key == "authors":
        return ", ".join(value)
    if key == "date":
        return str(value.isoformat())
    return value if value is None or isinstance(value, str) else float(value)
