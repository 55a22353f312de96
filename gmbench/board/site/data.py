"""The files that the page's scripts load, and the whole board as JSON."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np
from scipy.special import ndtr, stdtrit

from gmbench.benchmark.benchmark import NAMED, Benchmark
from gmbench.board.columns import COLUMNS
from gmbench.board.rows import BenchmarkBoard, BoardRows, Row
from gmbench.board.scoring import Score
from gmbench.evaluation.comparison import COMPARED
from gmbench.evaluation.intervals import CONFIDENCE
from gmbench.evaluation.result import PROTOCOL
from gmbench.evaluation.statistics import layout
from gmbench.schema import N_CONTINUOUS, N_DISCRETE, PARAMETERS
from gmbench.version import __version__

_PERMUTATIONS = 10_000
"""Exchanges behind a p-value of the page: few enough for a browser to feel like none."""


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
                "rows": [_row_data(row) for row in board.rows],
            }
            for board in rows.benchmarks
        },
        "rounds": [asdict(one) for one in rows.rounds],
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
            }
        else:
            data[column.key] = cell.value
    if row.card is not None:
        data["card"] = row.card.model_dump(mode="json", exclude_defaults=True)
    if row.score is not None:
        data["manifest"] = row.score.result["manifest"]
    if row.reported is not None:
        data["source"] = row.reported.sources
    return data


def benchmark_data(board: BenchmarkBoard) -> dict[str, Any]:
    """Returns what scripts need to know of a benchmark: to check files and to compare methods."""
    return {"check": check_data(board.benchmark), "pairing": pairing_data(board.benchmark)}


def check_data(benchmark: Benchmark) -> dict[str, Any]:
    """Returns what the checks of a prediction file need."""
    return {
        "name": benchmark.name,
        "version": benchmark.version,
        "named": benchmark.name in NAMED,
        "gms": {gm.name: n for gm, n in zip(benchmark.gms, benchmark.n_images, strict=True)},
        "sets": {name: list(test) for name, test in benchmark.sets.items()},
        "sets_overlap": benchmark.sets_overlap,
        "parameters": [
            {
                "name": parameter.name,
                "type": str(parameter.type),
                "classes": list(benchmark.classes.get(parameter.name, ())),
            }
            for parameter in PARAMETERS
        ],
        "minimum": benchmark.minimum.tolist(),
        "span": benchmark.span.tolist(),
    }


def pairing_data(benchmark: Benchmark) -> dict[str, Any]:
    """Returns what a paired comparison needs besides the two methods' sums and replicates."""
    columns = layout(benchmark)
    normalised = benchmark.normalise(benchmark.labels[:, :N_CONTINUOUS])
    sets = [
        {
            "name": name,
            "gms": [
                {
                    "name": gm,
                    "kind": benchmark.gms[row].kind,
                    "images": benchmark.n_images[row],
                    "counts": normalised[row].tolist(),
                    "classes": benchmark.labels[row, N_CONTINUOUS:].astype(int).tolist(),
                }
                for gm in test
                for row in [benchmark.index[gm]]
            ],
        }
        for name, test in benchmark.sets.items()
    ]
    n_gms = sum(len(one["gms"]) for one in sets)
    freedom = n_gms - len(sets)
    # With one GM a set there is nothing to resample, and no interval.
    shrinkage = math.sqrt(n_gms / freedom) if freedom else None
    tail = stdtrit(freedom, (1 - CONFIDENCE) / 2) if freedom else 0.0
    return {
        "sets": sets,
        "width": columns.width,
        "counts": N_CONTINUOUS,
        "heads": [[place.start, place.stop] for place in columns.heads],
        "architecture_heads": N_DISCRETE,
        "metrics": [
            {
                "name": metric.name,
                "title": metric.title,
                "better": metric.better,
            }
            for metric in COMPARED
        ],
        "permutations": _PERMUTATIONS,
        "shrinkage": shrinkage,
        "level": float(ndtr(shrinkage * tail)) if shrinkage else None,
    }


def pairing_bytes(score: Score) -> bytes:
    """Returns one method's half of every comparison: sums as float64, then the rest as float32."""
    pairing = score.pairing
    return b"".join(
        (
            np.ascontiguousarray(pairing["sums"], dtype="<f8").tobytes(),
            np.ascontiguousarray(pairing["replicates"], dtype="<f4").tobytes(),
            np.ascontiguousarray(pairing["left_out"], dtype="<f4").tobytes(),
        )
    )
