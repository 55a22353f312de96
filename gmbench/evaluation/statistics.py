"""Sums over images from which the metrics are computed.

All images of a GM share one truth, so once a few sums over each GM's images are known (of the
errors, of the predictions and their squares, of the losses' scores, and of how often each class
was predicted), a metric does not need the images again. A bootstrap replicate is then a handful of
sums instead of 12,000 rows, which is why 2000 replicates of all metrics take a second.

Predictions, scores and image errors are summed relative to a *centre*, the GM's own median:
squares of large numbers would cancel, and a constant prediction stays exactly constant.

`GMSums` holds the sums with any number of leading axes; each metric is written once and serves a
single evaluation, 2000 replicates, or a set without each of its GMs. What is known about the GMs
before any prediction is kept separately, in `Facts`, as the same replicates serve all methods.

Arrays with leading axes are in Fortran order: all replicates of a number are contiguous in memory,
so that an operation on them is a single sweep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmbench.benchmark.benchmark import Benchmark
from gmbench.evaluation.log_loss import log_loss_of_known
from gmbench.evaluation.moments import Moments
from gmbench.evaluation.ranks import DECIMALS, ranks_of_known
from gmbench.schema import DISCRETE, N_CONTINUOUS, N_DISCRETE, N_LOSSES

Array = NDArray[np.float64]

COUNTS = slice(0, N_CONTINUOUS)
IMAGE_ERROR = N_CONTINUOUS
SCORES = slice(N_CONTINUOUS + 1, N_CONTINUOUS + 1 + N_LOSSES)
"""Positions of the centres of the counts, of the image's mean error and of the losses' scores."""

FLOOR_LOG_LOSS = N_CONTINUOUS
"""Position of the base rates' log-loss among what labels alone reach; the counts come first."""


@dataclass(frozen=True)
class Columns:
    """Position of each sum along the last axis.

    Attributes:
        error: Absolute error of each continuous parameter (normalised units); 9. An unknown label
            adds 0, here and in `log_loss`.
        prediction: Prediction of each continuous parameter minus its centre; 9.
        square: Its square; 9.
        image_square: Square of the image's mean absolute error minus its centre; 1.
        score: Score of each loss minus its centre; 10.
        log_loss: Log-loss of the image (nats), sum over the losses divided by their number; 1.
        heads: One indicator per class of each discrete parameter and then of each loss.
        width: Number of sums.
        groups: Neighbouring heads with the same number of classes, discrete parameters and losses
            separately: all heads of a group are processed at once.
    """

    error: slice
    prediction: slice
    square: slice
    image_square: int
    score: slice
    log_loss: int
    heads: tuple[slice, ...]
    width: int
    groups: tuple[range, ...]

    @classmethod
    def of(cls, n_classes: Sequence[int]) -> Columns:
        """Returns the position of each sum, given the number of classes of each head."""
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
            groups=_groups(n_classes),
        )


def _groups(n_classes: Sequence[int]) -> tuple[range, ...]:
    starts = [
        head
        for head in range(len(n_classes))
        if head in (0, N_DISCRETE) or n_classes[head] != n_classes[head - 1]
    ]
    return tuple(range(a, b) for a, b in pairwise([*starts, len(n_classes)]))


def layout(benchmark: Benchmark) -> Columns:
    """Returns the position of each sum over a benchmark's images."""
    return Columns.of([len(benchmark.classes[p.name]) for p in DISCRETE] + [2] * N_LOSSES)


@dataclass(frozen=True, eq=False)
class Facts:
    """What is known about GMs before any prediction; `...` stands for any leading axes.

    Attributes:
        counts: Number of images, shape (..., G).
        truth: Normalised continuous labels, shape (..., G, 9).
        classes: Class indices of the 16 heads, shape (..., G, 16); -1 where unknown.
        floor: What labels alone reach, shape (..., G, 10); see `Truth`.
        known: 1 where a continuous label is known, 0 where not, shape (..., G, 9).
    """

    counts: Array
    truth: Array
    classes: NDArray[np.int64]
    floor: Array
    known: Array

    def take(self, gms: NDArray[np.int64]) -> Facts:
        """Returns the GMs at an array of indices, whose axes (..., chosen) replace the GM axis."""
        return Facts(
            counts=_chosen(self.counts, gms),
            truth=_chosen(self.truth, gms),
            classes=_chosen(self.classes, gms),
            floor=_chosen(self.floor, gms),
            known=_chosen(self.known, gms),
        )

    def one_gm_each(self) -> Facts:
        """Returns each GM on its own: the GM axis becomes a leading one."""
        return Facts(
            counts=self.counts[..., None],
            truth=self.truth[..., None, :],
            classes=self.classes[..., None, :],
            floor=self.floor[..., None, :],
            known=self.known[..., None, :],
        )

    @cached_property
    def key(self) -> bytes:
        """A key that is equal where all of these facts are."""
        facts = (self.counts, self.truth, self.classes, self.floor, self.known)
        return b"".join(one.tobytes() for one in facts)

    @cached_property
    def n_images(self) -> Array:
        """Total number of images, shape (...)."""
        return np.asarray(self.counts.sum(axis=-1))

    @cached_property
    def weights(self) -> Array:
        """Number of images for which each continuous label is known, shape (..., G, 9)."""
        return np.asarray(self.counts[..., None] * self.known)

    def mean_of_known(self, values: Array) -> Array:
        """Returns the mean over known counts of values that are 0 elsewhere, shape (..., G)."""
        return np.asarray(values.sum(axis=-1) / self.known.sum(axis=-1))

    @cached_property
    def n_known(self) -> Array:
        """Total number of images for which each continuous label is known, shape (..., 9)."""
        return np.asarray(self.weights.sum(axis=-2))

    @cached_property
    def truth_ranks(self) -> Array:
        """Ranks of the GMs by each continuous label, shape (..., G, 9); see `ranks_of_known`."""
        return ranks_of_known(self.truth, self.known)


@dataclass(frozen=True, eq=False)
class GMSums:
    """Sums over the images of each GM; `...` stands for any leading axes, such as replicates.

    Attributes:
        totals: Shape (..., G, width).
        centre: What is subtracted from the terms, shape (..., G, 20).
        facts: What is known about the GMs.
        columns: Position of each sum.
    """

    totals: Array
    centre: Array
    facts: Facts
    columns: Columns

    def take(self, gms: NDArray[np.int64]) -> GMSums:
        """Returns the GMs at an array of indices, whose axes replace the GM axis.

        Args:
            gms: Indices of GMs, shape (..., chosen); these sums have no leading axis.
        """
        return self.drawn(gms, _chosen(self.totals, gms), self.facts.take(gms))

    def drawn(self, gms: NDArray[np.int64], totals: Array, facts: Facts) -> GMSums:
        """Returns the same with sums over other images.

        Args:
            gms: Indices of GMs, shape (..., chosen); these sums have no leading axis.
            totals: Sums over those GMs' images, shape (..., chosen, width).
            facts: What is known about them.
        """
        return GMSums(totals, _chosen(self.centre, gms), facts, self.columns)

    def one_gm_each(self) -> GMSums:
        """Returns the same sums with each GM on its own: the GM axis becomes a leading one."""
        return GMSums(
            totals=self.totals[..., None, :],
            centre=self.centre[..., None, :],
            facts=self.facts.one_gm_each(),
            columns=self.columns,
        )

    @property
    def counts(self) -> Array:
        """Number of images of each GM, shape (..., G)."""
        return self.facts.counts

    @property
    def truth(self) -> Array:
        """Normalised continuous labels, shape (..., G, 9)."""
        return self.facts.truth

    @property
    def classes(self) -> NDArray[np.int64]:
        """Class indices of the 16 heads, shape (..., G, 16)."""
        return self.facts.classes

    @property
    def floor(self) -> Array:
        """What labels alone reach, shape (..., G, 10)."""
        return self.facts.floor

    @property
    def n_images(self) -> Array:
        """Total number of images, shape (...)."""
        return self.facts.n_images

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
        """Sum over a GM's images of (prediction - the GM's mean prediction)^2, (..., G, 9).

        0 where the truth is unknown.
        """
        above = self.totals[..., self.columns.prediction]
        squares = self.totals[..., self.columns.square] - above**2 / self.counts[..., None]
        return np.asarray(np.maximum(squares, 0.0) * self.facts.known)

    @cached_property
    def moments(self) -> Moments:
        """Second moments of each continuous parameter, shape (..., 9)."""
        return Moments.of(self.facts.weights, self.truth, self.means, self.within, pooled=False)

    @cached_property
    def pooled_moments(self) -> Moments:
        """Second moments of all nine parameters together, shape (...)."""
        return Moments.of(self.facts.weights, self.truth, self.means, self.within, pooled=True)

    @cached_property
    def mean_scores(self) -> Array:
        """Mean score of each loss of each GM, shape (..., G, 10)."""
        above = self.totals[..., self.columns.score] / self.counts[..., None]
        return np.asarray(self.centre[..., SCORES] + above)

    @cached_property
    def confusion_groups(self) -> tuple[Array, ...]:
        """Confusion matrices of `Columns.groups`, each (..., heads, classes, classes)."""
        made = []
        for heads in self.columns.groups:
            first, last = (self.columns.heads[head] for head in (heads[0], heads[-1]))
            n_classes = first.stop - first.start
            predicted = self.totals[..., first.start : last.stop]
            predicted = predicted.reshape(*predicted.shape[:-1], len(heads), n_classes)
            classes = self.classes[..., heads[0] : heads[-1] + 1]
            shape = (*predicted.shape[:-3], len(heads), n_classes, n_classes)
            counts = np.empty(shape, order="F")
            for true in range(n_classes):
                is_true = (classes == true).astype(np.float64)
                for chosen in range(n_classes):
                    np.sum(is_true * predicted[..., chosen], axis=-2, out=counts[..., true, chosen])
            made.append(counts)
        return tuple(made)

    @cached_property
    def confusions(self) -> tuple[Array, ...]:
        """Counts (true class, predicted class) of each head, shape (..., classes, classes)."""
        groups = self.confusion_groups
        return tuple(of[..., head, :, :] for of in groups for head in range(of.shape[-3]))

    @cached_property
    def by_gm(self) -> GMSums:
        """The GM level: all images of a GM are combined into one image that counts once.

        It predicts their mean of each count and of each loss's score, and for each discrete
        parameter the class that most of them predict, or the first of equally frequent ones.
        """
        columns = self.columns
        means = self.means
        says_yes = np.round(self.mean_scores, DECIMALS) >= 0.5
        totals = np.zeros(self.totals.shape, order="F")
        totals[..., columns.error] = np.abs(means - self.truth) * self.facts.known
        losses = self.classes[..., N_DISCRETE:]
        totals[..., columns.log_loss] = log_loss_of_known(self.mean_scores, losses)
        for head, place in enumerate(columns.heads):
            if head < N_DISCRETE:
                chosen = _first_largest(self.totals[..., place])
            else:
                chosen = says_yes[..., head - N_DISCRETE].astype(np.int64)
            for number in range(place.stop - place.start):
                totals[..., place.start + number] = chosen == number
        centre = np.empty(self.centre.shape, order="F")
        centre[..., COUNTS] = means
        centre[..., IMAGE_ERROR] = self.facts.mean_of_known(totals[..., columns.error])
        centre[..., SCORES] = self.mean_scores
        facts = replace(self.facts, counts=np.ones_like(self.counts))
        return GMSums(totals, centre, facts, columns)


def _first_largest(values: Array) -> NDArray[np.int64]:
    """Returns `values.argmax(axis=-1)`, for a short last axis and long other axes."""
    largest = values[..., 0].copy()
    place = np.zeros_like(largest, dtype=np.int64)
    for number in range(1, values.shape[-1]):
        larger = values[..., number] > largest
        place[larger] = number
        np.maximum(largest, values[..., number], out=largest)
    return place


def _chosen(values: NDArray[Any], gms: NDArray[np.int64]) -> NDArray[Any]:
    """Returns `values[gms]` in Fortran order: the leading axis of the indices is contiguous."""
    return np.take(values.T, gms.T, axis=-1).T
