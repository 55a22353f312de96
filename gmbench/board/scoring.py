"""Scores by trusted code, remembered by what they were made from.

A score depends on the bytes of a prediction file, on labels and sets, and on the code. The memory
lies in the user's own cache folder, never beside the submissions, where a stranger could put
entries of his own.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gmbench.benchmark.benchmark import Benchmark
from gmbench.data.checksums import sha256_of
from gmbench.evaluation.comparison import COMPARED, Half
from gmbench.evaluation.evaluate import SEED, evaluate_resampled
from gmbench.evaluation.intervals import REPLICATES, Resampled
from gmbench.evaluation.result import PROTOCOL, Evaluation
from gmbench.files import write_whole
from gmbench.predictions.checks import Checklist
from gmbench.predictions.predictions import Predictions, validate_predictions
from gmbench.predictions.reference import mean_mode
from gmbench.version import __version__

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 5_000_000
MOST_UNPACKED = 2_000_000_000
"""Bytes that a Parquet file may unpack to."""


@dataclass(frozen=True)
class Score:
    """What trusted code found of one submission's predictions.

    Attributes:
        result: The result, as `gmbench evaluate --json` prints it.
        half: What comparisons with other methods need of this one.
    """

    result: dict[str, Any]
    half: Half


def read_submitted(
    source: Path | pd.DataFrame | Predictions,
    benchmark: str | Path | Benchmark | None,
    checklist: Checklist,
) -> Predictions | None:
    """Reads predictions for a board and checks that every test set is there, whole.

    Args:
        source: The file, or predictions that are not from a file.
        benchmark: What was predicted; None where the GM names shall tell.
        checklist: Receives the checks.

    Returns:
        The predictions, or None where a check failed.
    """
    problem = packing_fault(source) if isinstance(source, Path) else ""
    if isinstance(source, Path) and problem:
        checklist.failed(
            "file", f"{source.name} {problem}.", "write one row an image and no more.", fatal=True
        )
        return None
    made = validate_predictions(source, benchmark)
    checklist.checks += made.checklist.checks
    if made.predictions is None:
        return None
    sets = list(made.predictions.benchmark.sets)
    there = {sets[number] for number in set(made.predictions.sets.tolist())}
    absent = [name for name in sets if name not in there]
    if absent:
        checklist.failed(
            "sets_all",
            f"{len(absent)} of {len(sets)} test sets are not predicted.",
            "predict them all: results over different sets do not compare.",
            absent,
        )
        return None
    checklist.passed("sets_all", f"all of {', '.join(sets)}")
    if labels_share(made.predictions) == 1.0:
        checklist.failed(
            "not_labels",
            "the predictions of every image of a set are the labels.",
            "submit what a method infers from images.",
        )
        return None
    checklist.passed("not_labels", "the predictions are not the labels")
    return made.predictions


def packing_fault(path: Path) -> str:
    """Says what is wrong with the size that a Parquet file announces; nothing for other files."""
    try:
        with path.open("rb") as file:
            if file.read(4) != b"PAR1":
                return ""
        facts = pq.read_metadata(path)
    except (pa.ArrowException, OSError):
        return ""  # The reader says better what is damaged.
    if facts.num_rows > MOST_ROWS:
        return f"announces {facts.num_rows:,} rows; at most {MOST_ROWS:,} are read"
    groups = [facts.row_group(number) for number in range(facts.num_row_groups)]
    unpacked = sum(group.total_byte_size for group in groups)
    if unpacked > MOST_UNPACKED:
        return f"unpacks to {unpacked:,} bytes; at most {MOST_UNPACKED:,} are read"
    return ""


def score(predictions: Predictions) -> Score:
    """Scores predictions under the present protocol, with the settings of the board."""
    benchmark = predictions.benchmark
    evaluation, parts = evaluate_resampled(
        predictions, _reference(benchmark), replicates=REPLICATES, seed=SEED
    )
    return Score(
        result=json.loads(json.dumps(evaluation.to_dict(), allow_nan=False)),
        half=Half({metric.name: [part[metric.name] for part in parts] for metric in COMPARED}),
    )


_references: dict[str, Predictions] = {}


def _reference(benchmark: Benchmark) -> Predictions:
    """Returns the mean / mode predictions of a benchmark, made once a process."""
    key = benchmark.labels_sha256 + benchmark.splits_sha256
    if key not in _references:
        _references.clear()
        _references[key] = mean_mode(benchmark)
    return _references[key]


def labels_share(predictions: Predictions) -> float:
    """Returns the largest part of a set's images whose 25 predictions are the labels.

    Counts within a thousandth of their range are equal: noise does not make labels predictions.
    """
    benchmark, values = predictions.benchmark, predictions.values
    truth = benchmark.labels[predictions.gms]
    n_continuous = values.continuous.shape[1]
    near = np.abs(values.continuous - truth[:, :n_continuous]) <= 1e-3 * benchmark.span
    rest = np.concatenate([values.discrete, values.losses >= 0.5], axis=1)
    equal = near.all(axis=1) & (rest == truth[:, n_continuous:]).all(axis=1)
    return max(
        float(equal[predictions.sets == number].mean())
        for number in np.unique(predictions.sets).tolist()
    )


def score_key(file: Path, benchmark: Benchmark) -> str:
    """Returns the name under which a score is remembered: a hash of all that it depends on."""
    made_from = (
        sha256_of(file), benchmark.name, benchmark.version, benchmark.labels_sha256,
        benchmark.splits_sha256, PROTOCOL, __version__, np.__version__, str(REPLICATES), str(SEED),
    )  # fmt: skip
    parts = (*made_from, *Evaluation.__dataclass_fields__)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


_PARTS = ("value", "replicates", "left_out", "strata")


def remember(cache: Path, key: str, made: Score) -> None:
    """Keeps a score in a folder of the user's own."""
    packed = zlib.compress(json.dumps(made.result).encode(), 6)
    arrays: dict[str, Any] = {"result": np.frombuffer(packed, dtype=np.uint8)}
    for name, parts in made.half.parts.items():
        for number, part in enumerate(parts):
            arrays |= {f"{name} {number} {what}": getattr(part, what) for what in _PARTS}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    write_whole(cache / f"{key}.npz", buffer.getvalue())


def recall(cache: Path, key: str, benchmark: Benchmark) -> Score | None:
    """Returns a score that was kept, or None; a damaged one counts as absent."""
    sets = range(len(benchmark.sets))
    try:
        with np.load(cache / f"{key}.npz", allow_pickle=False) as kept:
            result = json.loads(zlib.decompress(kept["result"].tobytes()))
            parts = {
                metric.name: [
                    Resampled(*(kept[f"{metric.name} {n} {what}"] for what in _PARTS)) for n in sets
                ]
                for metric in COMPARED
            }
    except (OSError, ValueError, KeyError, zlib.error, EOFError, zipfile.BadZipFile):
        return None
    return Score(result, Half(parts))
