"""Parsing several images of a GM together (Table 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmbench.applications.studies import METRICS
from gmbench.errors import BenchmarkError
from gmbench.evaluation.evaluate import evaluate
from gmbench.predictions.columns import Values
from gmbench.predictions.predictions import Predictions

TABLE_8 = (1, 10, 100, 500)
"""Numbers of images of a GM in the paper's Table 8."""


@dataclass(frozen=True)
class ManyImages:
    """Scores of predictions pooled over several images of a GM.

    Attributes:
        benchmark: Name of the benchmark.
        source: Source of the predictions.
        draws: How often images were drawn.
        scores: Mean and standard deviation of each metric over the draws, by number of images.
        left_out: Requested numbers of images that not every test GM has.
    """

    benchmark: str
    source: str
    draws: int
    scores: Mapping[int, Mapping[str, tuple[float, float]]]
    left_out: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data."""
        return asdict(self)


def many_images(
    predictions: Predictions,
    counts: Sequence[int] = TABLE_8,
    *,
    draws: int = 10,
    seed: int = 0,
) -> ManyImages:
    """Scores the mean of the counts and the majority of the classes of several images (Table 8).

    Args:
        predictions: Predictions for single images.
        counts: Numbers of images of a GM; those that not every GM has are left out.
        draws: How often that many images of each GM are drawn, without replacement.
        seed: Seed of the draws.

    Raises:
        BenchmarkError: For none of `counts` does every GM have that many images, or `draws` is
            below 1.
    """
    groups = _rows_of_gms(predictions)
    smallest = min(len(rows) for rows in groups)
    usable = [n for n in dict.fromkeys(counts) if 1 <= n <= smallest]
    if not usable or draws < 1:
        raise BenchmarkError(
            f"Every GM has {smallest:,} predicted images at the least. Give --images from 1 to "
            f"{smallest}, and --draws from 1 on."
        )
    scores = {}
    for count in usable:
        generator = np.random.default_rng([seed, count])
        found: dict[str, list[float]] = {metric: [] for metric in METRICS}
        # There is only one way to draw all images of all GMs.
        alike = count == max(len(rows) for rows in groups)
        for _ in range(1 if alike else draws):
            drawn = [generator.choice(rows, count, replace=False) for rows in groups]
            summary = evaluate(_together(predictions, drawn), partial=True, replicates=0).summary
            for metric, values in found.items():
                mean = summary[metric].mean
                values.append(np.nan if mean is None else mean)
        scores[count] = {m: (float(np.mean(v)), float(np.std(v))) for m, v in found.items()}
    left_out = tuple(n for n in dict.fromkeys(counts) if n not in usable)
    return ManyImages(predictions.benchmark.name, predictions.source, draws, scores, left_out)


def _together(predictions: Predictions, drawn: Sequence[NDArray[np.int64]]) -> Predictions:
    """Returns a prediction for each draw of rows: mean of the counts, majority of the classes.

    It takes the place of the prediction for the image of the first row drawn.
    """
    values = predictions.values
    discrete = [[np.bincount(column).argmax() for column in values.discrete[r].T] for r in drawn]
    losses = []
    for rows in drawn:
        votes = (values.losses[rows] >= 0.5).mean(axis=0)
        # A tie goes to the surer half.
        losses.append(np.where(votes == 0.5, values.losses[rows].mean(axis=0), votes))
    one_each = predictions.take(np.array([rows[0] for rows in drawn]))
    return replace(
        one_each,
        values=Values(
            continuous=np.stack([values.continuous[rows].mean(axis=0) for rows in drawn]),
            discrete=np.array(discrete, dtype=np.int8),
            losses=np.stack(losses),
        ),
    )


def each_with_others(predictions: Predictions, count: int, *, seed: int = 0) -> Predictions:
    """Pools the prediction for each image with those for other images of its GM.

    Comparing the result with `predictions` by `gmbench.compare` tests the benefit of more images on
    the same GMs.

    Args:
        predictions: Predictions for single images.
        count: Number of images to pool: each image and `count - 1` others, drawn without
            replacement.
        seed: Seed of the draws.

    Returns:
        A prediction for each image of `predictions`.

    Raises:
        BenchmarkError: A GM has fewer images, or `count` is below 1.
    """
    groups = _rows_of_gms(predictions)
    smallest = min(len(rows) for rows in groups)
    if not 1 <= count <= smallest:
        raise BenchmarkError(f"A GM has {smallest:,} predicted images: {count:,} are too many.")
    generator = np.random.default_rng([seed, count])
    drawn: list[NDArray[np.int64]] = []
    for rows in groups:
        # Each row has random keys; the image itself always comes first.
        keys = generator.random((len(rows), len(rows)))
        np.fill_diagonal(keys, -1)
        drawn.extend(rows[np.argsort(keys, axis=1)[:, :count]])
    back = np.argsort([rows[0] for rows in drawn])
    return _together(predictions, [drawn[place] for place in back])


def _rows_of_gms(predictions: Predictions) -> list[NDArray[np.int64]]:
    """Returns the rows of each GM in each set, in the order of the predictions."""
    keys = np.stack([predictions.sets, predictions.gms], axis=1)
    _, first, group = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    return [np.flatnonzero(group.ravel() == g) for g in np.argsort(first)]
