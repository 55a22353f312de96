"""Whether predictions can go on a board: the same checks for every command."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gmbench.benchmark.benchmark import Benchmark
from gmbench.board.board import LARGEST, PREDICTIONS
from gmbench.predictions import negative_counts
from gmbench.predictions.checks import Checklist, Status
from gmbench.predictions.predictions import Predictions, validate_predictions

if TYPE_CHECKING:
    import pandas as pd


def read_submitted(
    source: str | Path | pd.DataFrame | Predictions,
    benchmark: str | Path | Benchmark | None,
    checklist: Checklist,
) -> Predictions | None:
    """Reads predictions for a board and checks that every test set is present and complete.

    Args:
        source: The prediction file, or predictions in memory.
        benchmark: What was predicted; None to infer it from the GM names.
        checklist: Receives the checks.

    Returns:
        The predictions, or None if a check failed.
    """
    if isinstance(source, str | Path):
        source = Path(source)
        if not check_size(source, checklist):
            return None
    made = validate_predictions(source, benchmark, for_submission=True)
    found = of_submission(made.checklist)
    checklist.checks += found.checks
    if made.predictions is None or not found.ok:
        return None
    if labels_share(made.predictions) == 1.0:
        checklist.failed(
            "not_labels",
            "the predictions of every image of a set are the labels.",
            "submit what a method infers from images.",
        )
        return None
    checklist.passed("not_labels", "the predictions are not the labels")
    return made.predictions


def of_submission(checklist: Checklist) -> Checklist:
    """Returns checks of predictions, with warnings that bar a submission turned into failures."""
    checks = [
        replace(check, status=Status.FAILED)
        if check.name == negative_counts.NAME and check.status is Status.WARNING
        else check
        for check in checklist
    ]
    return Checklist(checklist.source, checks)


def check_size(path: Path, checklist: Checklist) -> bool:
    """Returns whether a file is small enough for a board; another fails the check `file`."""
    try:
        size = path.stat().st_size
    except OSError:
        return True  # The reader gives a better message about the path.
    most = LARGEST[PREDICTIONS]
    if size > most:
        checklist.failed(
            "file",
            f"{path.name} has {size:,} bytes; a submission has at most {most:,}.",
            "write one row an image and no more, as Parquet.",
            fatal=True,
        )
    return size <= most


def labels_share(predictions: Predictions) -> float:
    """Returns the share of images whose 25 predictions are the labels, in the set with the most.

    Counts within a thousandth of their range count as equal: labels with noise are still labels.
    So does whatever is predicted where a label is unknown.
    """
    benchmark, values = predictions.benchmark, predictions.values
    truth = benchmark.labels[predictions.gms]
    n_continuous = values.continuous.shape[1]
    near = np.abs(values.continuous - truth[:, :n_continuous]) <= 1e-3 * benchmark.span
    rest = np.concatenate([values.discrete, values.losses >= 0.5], axis=1)
    right = np.concatenate([near, rest == truth[:, n_continuous:]], axis=1)
    equal = np.asarray((right | ~benchmark.known[predictions.gms]).all(axis=1))
    return max(
        float(equal[predictions.sets == number].mean())
        for number in np.flatnonzero(np.bincount(predictions.sets)).tolist()
    )
