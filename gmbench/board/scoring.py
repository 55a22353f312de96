"""Scores computed by trusted code, cached by what they were made from.

A score depends on the bytes of a prediction file, on labels and sets, and on the code. The cache
is in the user's own cache folder, never beside the submissions, where a stranger could plant
entries.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from dataclasses import astuple, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from gmbench.benchmark.benchmark import Benchmark
from gmbench.board.traces import Trace, trace_of
from gmbench.data.checksums import sha256_of
from gmbench.evaluation.comparison import COMPARED, Half
from gmbench.evaluation.evaluate import SEED, evaluate_resampled
from gmbench.evaluation.intervals import REPLICATES, Resampled
from gmbench.evaluation.over_floor import OverFloor, floor_scores, over_floor
from gmbench.evaluation.result import PROTOCOL, Evaluation
from gmbench.evaluation.significance import Reference
from gmbench.files import write_whole
from gmbench.predictions.predictions import Predictions
from gmbench.predictions.reference import mean_mode
from gmbench.version import __version__


@dataclass(frozen=True)
class Score:
    """The score of one submission's predictions, computed by trusted code.

    Attributes:
        result: The result, as `gmbench evaluate --json` prints it.
        half: What comparisons with other methods need from this one.
        trace: What shows whether it is another's copy, or the labels.
        over_floor: Each parameter against what labels alone achieve.
    """

    result: dict[str, Any]
    half: Half
    trace: Trace
    over_floor: dict[str, OverFloor]


def score(predictions: Predictions) -> Score:
    """Scores predictions under the current protocol, with the settings of the board."""
    benchmark = predictions.benchmark
    reference, floor = _without_images(benchmark)
    evaluation, parts = evaluate_resampled(predictions, reference, replicates=REPLICATES, seed=SEED)
    return Score(
        result=json.loads(json.dumps(evaluation.to_dict(), allow_nan=False)),
        half=Half({metric.name: parts.metrics[metric.name] for metric in COMPARED}),
        trace=trace_of(predictions),
        over_floor=over_floor(parts.parameters, floor),
    )


_Known = tuple[Reference, dict[str, list[Resampled]]]
_known: dict[str, _Known] = {}
_MOST_KNOWN = 4


def _without_images(benchmark: Benchmark) -> _Known:
    """Returns a benchmark's mean / mode baseline and floor scores, cached in the process."""
    key = f"{benchmark.labels_sha256} {benchmark.splits_sha256} {REPLICATES}"
    if key not in _known:
        if len(_known) == _MOST_KNOWN:
            _known.clear()
        floor = floor_scores(benchmark, replicates=REPLICATES, seed=SEED)
        _known[key] = Reference(mean_mode(benchmark)), floor
    return _known[key]


def score_key(file: Path, benchmark: Benchmark) -> str:
    """Returns the key under which a score is cached: a hash of everything it depends on."""
    made_from = (
        sha256_of(file), benchmark.name, benchmark.version, benchmark.labels_sha256,
        benchmark.splits_sha256, PROTOCOL, __version__, np.__version__, str(REPLICATES), str(SEED),
    )  # fmt: skip
    fields = (one.__dataclass_fields__ for one in (Evaluation, Trace, OverFloor))
    parts = (*made_from, *chain.from_iterable(fields))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def remember(cache: Path, key: str, made: Score) -> None:
    """Stores a score in the user's own cache folder."""
    parts = [made.half.parts[metric.name] for metric in COMPARED]
    over = {name: astuple(one) for name, one in made.over_floor.items()}
    data = [made.result, over, [part.gms for part in parts[0]]]
    packed = zlib.compress(json.dumps(data).encode(), 6)
    # Few arrays: opening one takes longer than reading it.
    arrays: dict[str, Any] = {
        "result": np.frombuffer(packed, dtype=np.uint8),
        "decisions": made.trace.decisions,
        "counts": made.trace.counts,
        "value": np.array([[part.value for part in of] for of in parts]),
        "replicates": np.array([[part.replicates for part in of] for of in parts]),
    }
    for number, of_set in enumerate(zip(*parts, strict=True)):
        arrays[f"left_out {number}"] = np.array([part.left_out for part in of_set])
        arrays[f"strata {number}"] = of_set[0].strata
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    write_whole(cache / f"{key}.npz", buffer.getvalue())


def recall(cache: Path, key: str, benchmark: Benchmark) -> Score | None:
    """Returns a cached score, or None; a damaged one counts as absent."""
    sets = range(len(benchmark.sets))
    try:
        with np.load(cache / f"{key}.npz", allow_pickle=False) as kept:
            result, over, gms = json.loads(zlib.decompress(kept["result"].tobytes()))
            over_floor = {
                name: OverFloor(value, difference, ci and (ci[0], ci[1]))
                for name, (value, difference, ci) in over.items()
            }
            value, replicates = kept["value"], kept["replicates"]
            left_out = [kept[f"left_out {n}"] for n in sets]
            strata = [kept[f"strata {n}"] for n in sets]
            parts = {
                metric.name: [
                    Resampled(
                        value[m, n], replicates[m, n], left_out[n][m], strata[n], tuple(gms[n])
                    )
                    for n in sets
                ]
                for m, metric in enumerate(COMPARED)
            }
            trace = Trace(kept["decisions"], kept["counts"])
    except (
        OSError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        zlib.error,
        EOFError,
        zipfile.BadZipFile,
        RuntimeError,  # As if it had a password, or were compressed in an unknown way.
        MemoryError,  # Of an array that is as large as its header says.
    ):
        return None
    return Score(result, Half(parts), trace, over_floor)
