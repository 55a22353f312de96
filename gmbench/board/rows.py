"""What the board shows: benchmarks, and one row per method, measured ones with ranks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from gmbench.benchmark.benchmark import NAMED, Benchmark
from gmbench.board.board import CARD, PREDICTIONS, RESULTS, Board, BoardError, find_benchmark
from gmbench.board.columns import COLUMN, COLUMNS, DEFAULT_SORT
from gmbench.board.known_rounds import KnownRound, known_rounds
from gmbench.board.pairs import Pairs, board_pairs
from gmbench.board.ranking import Rank, paired_ranks
from gmbench.board.reported import Reported, read_reported
from gmbench.board.rounds import sealed_predictions
from gmbench.board.seeds import Seed, averaged, grouped
from gmbench.board.submission_card import REPORTED, Card, read_card
from gmbench.board.verification import Verification, read_claim, sound_files, verify
from gmbench.errors import printable
from gmbench.evaluation.comparison import COMPARED, Half
from gmbench.evaluation.intervals import Interval, interval
from gmbench.evaluation.metrics import BY_NAME
from gmbench.evaluation.over_floor import OverFloor
from gmbench.predictions.checks import Checklist
from gmbench.progress import Progress


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a row.

    Attributes:
        value: The number or text; None if there is none.
        ci: Its 95% interval.
        std: Standard deviation over the sets.
        rank: Its rank by this column among the measured methods; None if pairs of methods are not
            compared by it, or not at all.
        spread: Standard deviation (ddof 1) over the method's seeds; None with one seed.
    """

    value: float | str | None
    ci: Interval | None = None
    std: float | None = None
    rank: Rank | None = None
    spread: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One method.

    Attributes:
        name: Name, unique on the board.
        title: Display name.
        origin: `measured` by this package from predictions, or `reported` by a paper.
        cells: Cells by column.
        card: The submission's card; None for reported rows.
        result: The result, as `gmbench evaluate --json` prints it; None for reported rows.
        reported: What a paper says; None for measured rows.
        sealed: Whether its predictions were sealed before anyone could know the labels.
        over_floor: Each parameter against what labels alone achieve; empty unless scores were
            recomputed.
        file: Its prediction file; None unless scores were recomputed.
        seeds: The submissions that are its seeds, this one first; figures in `cells` are means
            over them. With one seed it is this one alone.
    """

    name: str
    title: str
    origin: Literal["measured", "reported"]
    cells: dict[str, Cell]
    card: Card | None = None
    result: dict[str, Any] | None = None
    reported: Reported | None = None
    sealed: bool = False
    over_floor: Mapping[str, OverFloor] = field(default_factory=dict)
    file: Path | None = None
    seeds: tuple[Seed, ...] = ()

    @property
    def resubmitted(self) -> int:
        """How often its submissions were replaced, whichever of its seeds."""
        return sum(one.card.resubmitted for one in self.seeds)


@dataclass(frozen=True, slots=True)
class BenchmarkBoard:
    """One benchmark and its methods: measured ones by skill, then reported ones by L1, and pairs.

    Its labels are open unless it was a live round: anyone can have known them before predicting,
    and a figure is worth what its authors disclose about the method.
    """

    name: str
    version: str
    benchmark: Benchmark
    measured: tuple[Row, ...]
    reported: tuple[Row, ...]
    pairs: Pairs = field(default_factory=dict)
    open_labels: bool = True

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows."""
        return (*self.measured, *self.reported)


@dataclass(frozen=True, slots=True)
class BoardRows:
    """Everything that the pages show, and the failed checks of submissions that they leave out."""

    benchmarks: tuple[BenchmarkBoard, ...] = field(default=())
    rounds: tuple[KnownRound, ...] = field(default=())
    left_out: dict[str, tuple[str, ...]] = field(default_factory=dict)


def read_rows(
    board: Board,
    *,
    cache: Path | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> BoardRows:
    """Verifies a board and returns its rows; every figure of a measured row is recomputed.

    A submission that is not sound, or whose name, title or predictions are an earlier one's, is
    left out and named; the others are not affected.

    Args:
        board: The leaderboard.
        cache: Folder of scores and pairs computed earlier from the same bytes.
        jobs: Number of processes; by default one per core.
        progress: Progress callback, with the numbers of submissions verified and pairs compared.

    Raises:
        BoardError: No submission is sound; the message names them and what is wrong.
    """
    made = verify(board, cache=cache, jobs=jobs, flag=False, progress=progress)
    left_out = _left_out(made)
    submitted, scores = [], {}
    for one in made.submissions:
        if one.card is None or one.benchmark is None or one.score is None or one.name in left_out:
            continue
        scores[one.name] = one.score
        file = board.submission(one.name) / PREDICTIONS
        over_floor = one.score.over_floor
        submitted.append(_Submitted(one.card, one.benchmark, one.score.result, over_floor, file))
    groups = grouped({one.card.name: one.card for one in submitted})
    in_a_row = {name for names in groups.values() for name in names}
    left_out |= {one.card.name: ("seeds",) for one in submitted if one.card.name not in in_a_row}
    submitted = [one for one in submitted if one.card.name in in_a_row]
    if left_out and not submitted:
        texts = [
            f"{printable(one.name)}\n{one.checklist.text(all_checks=False)}"
            for one in made.submissions[:10]
        ]
        listed = "\n".join(texts)
        raise BoardError(
            f"No submission in {board.folder} is sound, so no page was made of it.\n{listed}"
        )
    boards = []
    methods_scores = {
        first: averaged([scores[name] for name in names]) for first, names in groups.items()
    }
    halves = {first: score.half for first, score in methods_scores.items()}
    for methods in _boards(board, submitted, halves):
        of_board = {row.name: methods_scores[row.name] for row in methods.measured}
        pairs = board_pairs(of_board, cache=cache, jobs=jobs, progress=progress)
        in_ranks = ranked(methods.measured, pairs)
        boards.append(replace(methods, pairs=pairs, measured=in_ranks))
    return BoardRows(tuple(boards), known_rounds(board), left_out)


def _left_out(made: Verification) -> dict[str, tuple[str, ...]]:
    """Returns the failed checks of each submission that the pages leave out, by its name."""
    found = {}
    for one in made.submissions:
        failed = [check.name for check in one.checklist.failures]
        failed += made.later.get(one.name, ())
        if failed:
            found[one.name] = tuple(failed)
    return found


def submitted_rows(board: Board) -> tuple[BenchmarkBoard, ...]:
    """Returns the rows of a board from the submitted results; recomputes nothing.

    Raises:
        BoardError: A submission cannot be read, or its result is damaged or of another protocol.
        CardError: A card is not valid.
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
    return tuple(_boards(board, submitted, {}))


@dataclass(frozen=True, slots=True)
class _Submitted:
    card: Card
    benchmark: Benchmark
    result: dict[str, Any]
    over_floor: Mapping[str, OverFloor] = field(default_factory=dict)
    file: Path | None = None


def _boards(
    board: Board, submitted: Sequence[_Submitted], halves: Mapping[str, Half]
) -> Iterator[BenchmarkBoard]:
    """Yields each benchmark with its methods, including those that papers report.

    Args:
        board: The leaderboard.
        submitted: All submissions.
        halves: What comparisons need of each method, as the mean over its seeds; empty unless
            scores were recomputed.
    """
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
        sealed = sealed_predictions(board, name)
        measured = _measured_rows(by_benchmark[name], halves, sealed or {})
        yield BenchmarkBoard(
            name,
            benchmark.version,
            benchmark,
            measured,
            tuple(in_order(papers, "l1")),
            open_labels=sealed is None,
        )


def _named_first(name: str, card: Card) -> tuple[int, str]:
    known = card.benchmark in NAMED
    return (NAMED.index(card.benchmark) if known else len(NAMED), name)


def _measured_rows(
    submitted: Sequence[_Submitted], halves: Mapping[str, Half], sealed: Mapping[str, str]
) -> tuple[Row, ...]:
    by_name = {one.card.name: one for one in submitted}
    rows = []
    for name, names in grouped({one.card.name: one.card for one in submitted}).items():
        one, seeds = by_name[name], [by_name[other] for other in names]
        summaries = [seed.result["summary"] for seed in seeds]
        cells = {}
        for column in COLUMNS:
            if column.kind != "score":
                cells[column.key] = Cell(_of_card(one.card, column.key))
            elif len(seeds) == 1:
                figure = summaries[0][column.key]
                cells[column.key] = Cell(figure["mean"], _interval(figure["ci"]), figure["std"])
            else:
                cells[column.key] = _over_seeds(column.key, summaries, halves.get(name))
        hashes = [seed.result["manifest"]["predictions_sha256"] for seed in seeds]
        rows.append(
            Row(
                name,
                one.card.title,
                "measured",
                cells,
                card=one.card,
                result=one.result,
                sealed=[sealed.get(seed.card.name) for seed in seeds] == hashes,
                over_floor=one.over_floor,
                file=one.file,
                seeds=tuple(Seed(seed.card, seed.result, seed.file) for seed in seeds),
            )
        )
    return tuple(in_order(rows, DEFAULT_SORT, descending=True))


def _over_seeds(key: str, summaries: Sequence[Mapping[str, Any]], half: Half | None) -> Cell:
    """Returns the mean of a score over seeds, its interval and its spread."""
    values = [summary[key]["mean"] for summary in summaries]
    if any(value is None for value in values):
        return Cell(None)
    parts = half.parts.get(key) if half is not None else None
    return Cell(
        float(np.mean(values)),
        interval(parts, BY_NAME[key].bounds) if parts else None,
        spread=float(np.std(values, ddof=1)),
    )


def ranked(rows: Sequence[Row], pairs: Pairs) -> tuple[Row, ...]:
    """Returns measured rows with their ranks in each metric by which pairs are compared."""
    cells = {row.name: dict(row.cells) for row in rows}
    for number, metric in enumerate(COMPARED):
        if metric.name not in COLUMN:
            continue
        apart = {frozenset(pair) for pair, found in pairs.items() if found[number].better}
        values = {
            name: value if isinstance(value := of_row[metric.name].value, float) else None
            for name, of_row in cells.items()
        }
        ranks = paired_ranks(values, apart, lower_is_better=metric.better == "lower")
        for name, rank in ranks.items():
            cells[name][metric.name] = replace(cells[name][metric.name], rank=rank)
    return tuple(replace(row, cells=cells[row.name]) for row in rows)


def _reported_row(one: Reported) -> Row:
    cells = {
        column.key: Cell(one.values.get(column.key), None, one.std.get(column.key))
        for column in COLUMNS
    }
    cells["date"] = Cell(one.date)
    name = f"{REPORTED}{one.benchmark}-{one.method}".replace("_", "-")
    return Row(name, one.title, "reported", cells, reported=one)


def in_order(rows: Iterable[Row], column: str, *, descending: bool = False) -> list[Row]:
    """Returns rows sorted by a column or `title`: missing values last, ties by title and name."""
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
