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
from typing import Any

import numpy as np

from gmbench.benchmark.benchmark import Benchmark
from gmbench.board.traces import Trace, trace_of
from gmbench.data.checksums import sha256_of
from gmbench.evaluation.comparison import COMPARED, Half
from gmbench.evaluation.evaluate import SEED, evaluate_resampled
from gmbench.evaluation.intervals import REPLICATES, Resampled
from gmbench.evaluation.result import PROTOCOL, Evaluation
from gmbench.files import write_whole
from gmbench.predictions.predictions import Predictions
from gmbench.predictions.reference import mean_mode
from gmbench.version import __version__


@dataclass(frozen=True)
class Score:
    """What trusted code found of one submission's predictions.

    Attributes:
        result: The result, as `gmbench evaluate --json` prints it.
        half: What comparisons with other methods need of this one.
        trace: What tells whether it is another's copy, or the labels.
    """

    result: dict[str, Any]
    half: Half
    trace: Trace


def score(predictions: Predictions) -> Score:
    """Scores predictions under the present protocol, with the settings of the board."""
    benchmark = predictions.benchmark
    evaluation, parts = evaluate_resampled(
        predictions, _reference(benchmark), replicates=REPLICATES, seed=SEED
    )
    return Score(
        result=json.loads(json.dumps(evaluation.to_dict(), allow_nan=False)),
        half=Half({metric.name: [part[metric.name] for part in parts] for metric in COMPARED}),
        trace=trace_of(predictions),
    )


_references: dict[str, Predictions] = {}


def _reference(benchmark: Benchmark) -> Predictions:
    """Returns the mean / mode predictions of a benchmark, made once a process."""
    key = benchmark.labels_sha256 + benchmark.splits_sha256
    if key not in _references:
        _references.clear()
        _references[key] = mean_mode(benchmark)
    return _references[key]


def score_key(file: Path, benchmark: Benchmark) -> str:
    """Returns the name under which a score is remembered: a hash of all that it depends on."""
    made_from = (
        sha256_of(file), benchmark.name, benchmark.version, benchmark.labels_sha256,
        benchmark.splits_sha256, PROTOCOL, __version__, np.__version__, str(REPLICATES), str(SEED),
    )  # fmt: skip
    parts = (*made_from, *Evaluation.__dataclass_fields__, *Trace.__dataclass_fields__)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


_PARTS = ("value", "replicates", "left_out", "strata")


def remember(cache: Path, key: str, made: Score) -> None:
    """Keeps a score in a folder of the user's own."""
    packed = zlib.compress(json.dumps(made.result).encode(), 6)
    arrays: dict[str, Any] = {
        "result": np.frombuffer(packed, dtype=np.uint8),
        "decisions": made.trace.decisions,
        "counts": made.trace.counts,
    }
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
            trace = Trace(kept["decisions"], kept["counts"])
    except (OSError, ValueError, KeyError, zlib.error, EOFError, zipfile.BadZipFile):
        return None
    return Score(result, Half(parts), trace)
