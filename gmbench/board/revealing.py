"""The end of a live round: labels become public, every entry is scored and put on the board."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gmbench.benchmark.benchmark import Benchmark, read_benchmark
from gmbench.board.board import PREDICTIONS, Board, BoardError, benchmark_texts
from gmbench.board.entries import (
    entry_facts,
    entry_file,
    entry_names,
    has_links,
    prediction_files,
)
from gmbench.board.folders import folders_in_place
from gmbench.board.round_secret import derived, read_secret
from gmbench.board.rounds import (
    commitment,
    drawn_order,
    read_closed,
    read_revealed,
    read_round,
    round_folder,
    sealed_predictions,
    write_revealed,
)
from gmbench.board.sealing import entry_folder, read_sealed, require_opened
from gmbench.board.seeds import first_of
from gmbench.board.submission import submit
from gmbench.board.submittable import read_submitted
from gmbench.board.submitted import claimed_hash, submitted_card, submitted_trace
from gmbench.board.traces import COPY, Trace, alike, trace_of
from gmbench.errors import GmbenchError
from gmbench.files import write_durably
from gmbench.predictions.bounds import bounds_for
from gmbench.predictions.checks import Checklist
from gmbench.predictions.images import image_index
from gmbench.predictions.predictions import Predictions
from gmbench.predictions.reading import read_table


@dataclass(frozen=True)
class Revealed:
    """The outcome of revealing a round.

    Attributes:
        name: Name of the round.
        commitment: The hash that was published at its beginning, and that matches.
        scored: Names of the entries that were put on the board.
        refused: What is wrong with each of the others, by name.
    """

    name: str
    commitment: str
    scored: tuple[str, ...]
    refused: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Returns the outcome as plain data."""
        return {
            "name": self.name,
            "commitment": self.commitment,
            "scored": list(self.scored),
            "refused": self.refused,
        }


def reveal_round(board: Board, name: str, seed_file: Path, data: Path) -> Revealed:
    """Publishes a round's labels and scores its entries.

    An entry that is not sound, or is nearly another method's, is refused and named; the others go
    on the board. Revealing again scores entries that are not on it yet.

    Args:
        board: The leaderboard.
        name: Name of the round.
        seed_file: File with its secret.
        data: The dataset with its labels.

    Raises:
        BoardError: There is no such round, it still accepts entries, it has too many, or secret
            and labels are not those that the round was published with.
        WriteError: A file cannot be written.
    """
    folder = round_folder(board, name)
    described = read_round(board, name)
    benchmark, secret = read_benchmark(data), read_secret(seed_file)
    order = drawn_order(benchmark, secret)
    salt = derived(secret, name, "salt")
    bound = commitment(salt, benchmark, order)
    if benchmark.name != name or bound != described.get("commitment"):
        raise BoardError(
            f"Secret and labels are not those of {folder}: their hash is {bound[:16]}, the "
            f"published one {str(described.get('commitment'))[:16]}. Nothing was revealed."
        )
    entries = entry_names(board, name)
    read_closed(board, name)  # Raises if the round still accepts entries.
    _publish_labels(board, benchmark)
    kept = sealed_predictions(board, name) or {}
    write_revealed(folder, salt, order, kept)
    truth = dict(zip([f"{name}/{n:06d}" for n in range(len(order))], order, strict=True))
    scored, refused = [], {}

    def record(entry: str, sha256: str) -> None:
        """Marks an entry as sealed in the same step that puts it on the board."""
        write_revealed(folder, salt, order, {**kept, entry: sha256})
        kept[entry] = sha256

    others = _already_there(board, benchmark)
    for entry in sorted(entries, key=lambda one: _is_seed(folder / "entries" / one)):
        if entry in kept and claimed_hash(board, entry) == kept[entry]:
            continue  # An earlier revelation put it on the board.
        try:
            read = _score_entry(board, name, benchmark, data, entry, truth, others, record)
            others[entry] = trace_of(read)
            scored.append(entry)
        except GmbenchError as error:
            refused[entry] = str(error)
    return Revealed(name, bound, tuple(scored), refused)


def check_revealed(board: Board, name: str) -> bool:
    """Returns whether what a round revealed matches its commitment; needs no secret.

    Raises:
        BoardError: There is no such round, or it is not revealed.
    """
    described, revealed = read_round(board, name), read_revealed(board, name)
    benchmark = read_benchmark(board.benchmarks / name)
    try:
        bound = commitment(bytes.fromhex(revealed["salt"]), benchmark, revealed["order"])
    except (ValueError, TypeError):
        return False  # Not a well-formed salt or order.
    return bool(bound == described["commitment"])


def _publish_labels(board: Board, benchmark: Benchmark) -> None:
    """Writes the labels of a round's benchmark, unless the board has them already."""
    texts = benchmark_texts(board, benchmark)
    contents = {path.name: partial(write_durably, content=text) for path, text in texts.items()}
    if contents:
        with folders_in_place({board.benchmarks / benchmark.name: contents}):
            pass


def _is_seed(entry: Path) -> bool:
    """Returns whether an entry is another seed of a method, whose first is scored before it."""
    try:
        return entry_facts(entry).get("seed_of") is not None
    except GmbenchError:
        return False  # It is refused.


def _already_there(board: Board, benchmark: Benchmark) -> dict[str, Trace]:
    """Returns the traces of the submissions to a benchmark, by name."""
    found = {}
    for name in board.names():
        one = submitted_trace(board, name)
        if one is not None and one[0].is_same_as(benchmark):
            found[name] = one[1]
    return found


def _score_entry(
    board: Board,
    name: str,
    benchmark: Benchmark,
    data: Path,
    who: str,
    truth: dict[str, str],
    others: dict[str, Trace],
    record: Callable[[str, str], None],
) -> Predictions:
    """Gives an entry's rows their true image names, submits them and returns the predictions.

    `record` is called with the entry and the hash of its predictions once they are on the board.
    """
    entry = entry_folder(board, name, who)
    if not prediction_files(entry) and not has_links(entry):
        read_sealed(entry)
        raise BoardError(
            f"{who} was not opened. `gmbench leaderboard round open` does it, and revealing again "
            "scores it."
        )
    file, facts = entry_file(entry), entry_facts(entry)
    require_opened(board, name, who, file)
    checklist = Checklist(file.name)
    raw = read_table(file, checklist, bounds_for(benchmark))
    if raw is None or not checklist.ok:
        raise BoardError(checklist.text(all_checks=False))
    try:
        columns = dict(raw.columns)
        given = pc.cast(columns["image_id"], pa.string()).to_pylist()
        true = [truth.get(one or "", one or "") for one in given]
        table = pa.table({**columns, "image_id": pa.array(true, pa.string())})
        if benchmark.sets_overlap:
            table = _for_every_set(table, benchmark)
    except pa.ArrowException as error:
        reason = str(error).split("\n")[0]
        raise BoardError(
            f"{file} cannot be given the images' true names ({reason}). Write image_id as text, "
            "and the other columns as numbers or text."
        ) from error
    with tempfile.TemporaryDirectory() as place:
        named = Path(place) / PREDICTIONS
        if raw.is_text:
            import pyarrow.csv as pv

            named = named.with_suffix(".csv")
            pv.write_csv(table, named, pv.WriteOptions(quoting_style="needed"))
        else:
            pq.write_table(table, named)
        checklist = Checklist(file.name)
        read = read_submitted(named, data, checklist)
        if read is None:
            raise BoardError(f"{who} cannot be submitted.\n{checklist.text(all_checks=False)}")
    trace = trace_of(read)
    own = facts.get("seed_of") or who
    for other, known in others.items():
        card = submitted_card(board, other)
        # An entry already on the board is refused by name, which says more. Seeds may be alike.
        if other == who or (card is not None and first_of(card) == own):
            continue
        if (share := alike(trace, known, benchmark)) > COPY:
            raise BoardError(
                f"{who} predicts {share:.1%} of the rows as {other} does. Entries are methods of "
                "their own: enter one of the two."
            )
    submit(read, facts, board=board, benchmark=data, then=lambda _: record(who, read.sha256))
    return read


def _for_every_set(table: pa.Table, benchmark: Benchmark) -> pa.Table:
    """Repeats the rows of images that are in several sets, as the evaluator expects."""
    index = image_index(benchmark)
    names = list(benchmark.sets)
    keys = pa.table(
        {
            "image_id": pa.array(index.image_ids, pa.string()),
            "set": pa.array([names[number] for number in index.sets.tolist()], pa.string()),
        }
    )
    without = table.drop_columns([name for name in ("set",) if name in table.column_names])
    return keys.join(without, keys="image_id", join_type="inner")
