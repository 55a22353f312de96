"""Small boards for tests: real submissions to a benchmark of few images."""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from gmbench.benchmark.benchmark import Benchmark, benchmark_files
from gmbench.board.board import Board
from gmbench.board.submission import Submission, submit
from gmbench.board.verification import Verification
from gmbench.predictions.checks import Status
from gmbench.predictions.predictions import Predictions
from gmbench.predictions.writing import write_predictions
from tests.evaluation.populations import random_predictions, small_benchmark

REPLICATES = 40
"""Fewer than a real board has: tests look at what is done."""

HOSTILE = "\"><script>alert('x')</script><img src=http://example.org/x onerror=alert(1)>{{ 7 * 7 }}"


def tiny_benchmark() -> Benchmark:
    """red116 with three images a GM, under a name of its own."""
    return replace(small_benchmark(3), name="tiny", version="1")


def benchmark_folder(folder: Path) -> Path:
    """Writes the tiny benchmark as a dataset's folder has it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in benchmark_files(tiny_benchmark()).items():
        (folder / name).write_text(text)
    return folder


def facts(name: str, **more: Any) -> dict[str, Any]:
    """A card's keys and values."""
    return {
        "name": name,
        "title": name,
        "authors": ["A. Author"],
        "url": "https://example.org",
        "date": datetime.date(2026, 1, 2),
        "training_data": "benchmark",
        **more,
    }


def submit_random(
    board: Board,
    here: Path,
    name: str,
    seed: int,
    predictions: Predictions | None = None,
    **more: Any,
) -> Submission:
    """Submits predictions of the tiny benchmark that are partly right."""
    file = here / f"{name}.parquet"
    write_predictions(predictions or random_predictions(tiny_benchmark(), seed), file)
    return submit(file, facts(name, **more), board=board, benchmark=benchmark_folder(here / "tiny"))


def digest(folder: Path) -> dict[str, str]:
    """Every file and folder below a folder, with the hash of its bytes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else "folder"
        for path in sorted(folder.rglob("*"))
    }


def failures(made: Verification) -> dict[str, list[str]]:
    """What failed, by submission; `board` for the checks among them."""
    listed = {one.name: one.checklist for one in made.submissions} | {"board": made.among}
    found = {
        name: [check.name for check in checks if check.status is not Status.OK]
        for name, checks in listed.items()
    }
    return {name: names for name, names in found.items() if names}
