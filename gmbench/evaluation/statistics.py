"""Sums over images from which every metric follows.

The images of one GM share one truth, so a metric needs no image again once some sums over each
GM's images are known: of the errors, of the predictions and their squares, of the losses' scores,
and of how often each class was predicted. A bootstrap replicate is then a handful of sums, not
12,000 rows: that is what makes 2000 replicates of all metrics take a second.

Predictions, scores and image errors are summed as what they lie above a *centre*, the GM's own
median: squares of large numbers would cancel, and a constant prediction stays exactly constant.

`GMSums` holds the sums with any number of leading axes; the metrics are written once and serve
one evaluation, 2000 replicates or a set without each of its GMs alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gmbench.benchmark.benchmark import Benchmark
from gmbench.evaluation.log_loss import log_loss
from gmbench.schema import DISCRETE, N_CONTINUOUS, N_DISCRETE, N_LOSSES

Array = NDArray[np.float64]

DECIMALS = 9
"""GM means that agree to so many decimals are equal: ties of ranks, and at the threshold of one
half. What lies below is rounding."""

COUNTS = slice(0, N_CONTINUOUS)
IMAGE_ERROR = N_CONTINUOUS
SCORES = slice(N_CONTINUOUS + 1, N_CONTINUOUS + 1 + N_LOSSES)
"""Where the centres of counts, of the image's mean error and of losses' scores stand."""

FLOOR_LOG_LOSS = N_CONTINUOUS
"""Where the base rates' log-loss stands among what labels alone reach; the counts come first."""


@dataclass(frozen=True)
class Columns:
    """Where each sum stands along the last axis.

    Attributes:
        error: Absolute error of each continuous parameter (normalised units); 9.
        prediction: Prediction of each continuous parameter less its centre; 9.
        square: Its square; 9.
        image_square: Square of the image's mean absolute error less its centre; 1.
        score: Score of each loss less its centre; 10.
        log_loss: Log-loss of the image, mean over the losses (nats); 1.
        heads: For each discrete parameter and then each loss, one indicator a class.
        width: Number of sums.
    """

    error: slice
    prediction: slice
    square: slice
    image_square: int
    score: slice
    log_loss: int
    heads: tuple[slice, ...]
    width: int

    @classmethod
    def of(cls, n_classes: Sequence[int]) -> Columns:
        """Returns where each sum stands, given the number of classes of each head."""
        n, m = N_CONTINUOUS, N_LOSSES
        ends = 3 * n + m + 2 + np.cumsum(n_classes)
        return cls(
            error=slice(0, n),
            prediction=slice(n, 2 * n),
            square=slice(2 * n, 3 * n),
            image_square=3 * n,
            score=slice(3 * n + 1, 3 * n + 1 + m),
            log_loss=3 * n + 1 + m,
            heads=tuple(slice(int(e - w), int(e)) for e, w in zip(ends, n_classes, strict=True)),
            width=int(ends[-1]),
        )


def layout(benchmark: Benchmark) -> Columns:
    """Returns where each sum of a benchmark's images stands."""
    return Columns.of([len(benchmark.classes[p.name]) for p in DISCRETE] + [2] * N_LOSSES)


@dataclass(frozen=True)
class GMSums:
    """Sums over the images of each GM; `...` stands for any leading axes, such as replicates.

    Attributes:
        totals: Shape (..., G, width).
        counts: Number of images, shape (..., G).
        truth: Normalised continuous labels, shape (..., G, 9).
        classes: Class indices of the 16 heads, shape (..., G, 16).
        centre: What the terms are less, shape (..., G, 20).
        floor: What labels alone reach, shape (..., G, 10); see `Truth`.
        columns: Where each sum stands.
    """

    totals: Array
    counts: Array
    truth: Array
    classes: NDArray[np.int64]
    centre: Array
    floor: Array
    columns: Columns

    def take(self, gms: NDArray[np.int64], totals: Array | None = None) -> GMSums:
        """Returns the GMs of an array of places, whose axes take the place of the GM axis.

        Args:
            gms: Places of GMs, shape (..., chosen); these sums have no leading axis.
            totals: Sums to put in place of their own, shape (..., chosen, width).
        """
        return GMSums(
            totals=self.totals[gms] if totals is None else totals,
            counts=self.counts[gms],
            truth=self.truth[gms],
            classes=self.classes[gms],
            centre=self.centre[gms],
            floor=self.floor[gms],
            columns=self.columns,
        )

    def one_gm_each(self) -> GMSums:
        """Returns the same sums with every GM on its own: the GM axis becomes a leading one."""
        return GMSums(
            totals=self.totals[..., None, :],
            counts=self.counts[..., None],
            truth=self.truth[..., None, :],
            classes=self.classes[..., None, :],
            centre=self.centre[..., None, :],
            floor=self.floor[..., None, :],
            columns=self.columns,
        )

    @cached_property
    def n_images(self) -> Array:
        """Number of all images, shape (...)."""
        return np.asarray(self.counts.sum(axis=-1))

    @cached_property
    def errors(self) -> Array:
        """Sums over all images of each continuous parameter's absolute error, shape (..., 9)."""
        return np.asarray(self.totals[..., self.columns.error].sum(axis=-2))

    @cached_property
    def means(self) -> Array:
        """Mean prediction of each continuous parameter of each GM, shape (..., G, 9)."""
        above = self.totals[..., self.columns.prediction] / self.counts[..., None]
        return np.asarray(self.centre[..., COUNTS] + above)

    @cached_property
    def within(self) -> Array:
        """Sum over a GM's images of (prediction - the GM's mean prediction)^2, (..., G, 9)."""
        above = self.totals[..., self.columns.prediction]
        squares = self.totals[..., self.columns.square] - above**2 / self.counts[..., None]
        return np.asarray(np.maximum(squares, 0.0))

    @cached_property
    def mean_scores(self) -> Array:
        """Mean score of each loss of each GM, shape (..., G, 10)."""
        above = self.totals[..., self.columns.score] / self.counts[..., None]
        return np.asarray(self.centre[..., SCORES] + above)

    @cached_property
    def confusions(self) -> tuple[Array, ...]:
        """Counts (true class, predicted class) of each head, shape (..., classes, classes)."""
        counts = []
        for head, place in enumerate(self.columns.heads):
            predicted = self.totals[..., place]
            true = self.classes[..., head, None] == np.arange(predicted.shape[-1])
            confusion = true.astype(np.float64).swapaxes(-1, -2) @ predicted
            # In memory the classes come first: a sum over few classes is a sum of long arrays.
            by_class = np.ascontiguousarray(np.moveaxis(confusion, (-2, -1), (0, 1)))
            counts.append(np.moveaxis(by_class, (0, 1), (-2, -1)))
        return tuple(counts)

    @cached_property
    def by_gm(self) -> GMSums:
        """The GM level: all images of a GM speak together, as one image that counts once.

        It predicts their mean of each count and of each loss's score, and of each class the one
        that most of them predict; of equally frequent ones the first.
        """
        columns = self.columns
        means = self.means
        scores = np.round(self.mean_scores, DECIMALS)
        totals = np.zeros_like(self.totals)
        totals[..., columns.error] = np.abs(means - self.truth)
        losses = self.classes[..., N_DISCRETE:]
        totals[..., columns.log_loss] = log_loss(self.mean_scores, losses).mean(axis=-1)
        for head, place in enumerate(columns.heads):
            if head < N_DISCRETE:
                chosen = self.totals[..., place].argmax(axis=-1)
            else:
                chosen = (scores[..., head - N_DISCRETE] >= 0.5).astype(np.int64)
            np.put_along_axis(totals[..., place], chosen[..., None], 1.0, axis=-1)
        centre = self.centre.copy()
        centre[..., COUNTS] = means
        centre[..., IMAGE_ERROR] = totals[..., columns.error].mean(axis=-1)
        centre[..., SCORES] = self.mean_scores
        return replace(self, totals=totals, counts=np.ones_like(self.counts), centre=centre)
