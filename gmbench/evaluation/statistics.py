"""Sums over images from which every metric follows.

The images of one GM share one truth, so a metric needs no image again once some sums over each
GM's images are known: of the errors, of the predictions and their squares, and of how often each
class was predicted. A bootstrap replicate is then a handful of sums, not 12,000 rows: that is
what makes 2000 replicates of all metrics take a second.

`GMSums` holds the sums with any number of leading axes; the metrics are written once and serve
one evaluation, 2000 replicates or 100,000 permutations alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gmbench.benchmark.benchmark import Benchmark
from gmbench.predictions.predictions import Predictions
from gmbench.schema import DISCRETE, N_CONTINUOUS, N_LOSSES

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Columns:
    """Where each sum stands along the last axis.

    Attributes:
        error: Absolute error of each continuous parameter (normalised units); 9.
        prediction: Prediction of each continuous parameter; 9.
        square: Its square; 9.
        image_square: Square of the image's mean absolute error; 1.
        heads: For each discrete parameter and then each loss, one indicator a class.
        width: Number of sums.
    """

    error: slice
    prediction: slice
    square: slice
    image_square: int
    heads: tuple[slice, ...]
    width: int

    @classmethod
    def of(cls, n_classes: Sequence[int]) -> Columns:
        """Returns where each sum stands, given the number of classes of each head."""
        n = N_CONTINUOUS
        ends = 3 * n + 1 + np.cumsum(n_classes)
        heads = tuple(slice(int(e - w), int(e)) for e, w in zip(ends, n_classes, strict=True))
        return cls(slice(0, n), slice(n, 2 * n), slice(2 * n, 3 * n), 3 * n, heads, int(ends[-1]))


def layout(benchmark: Benchmark) -> Columns:
    """Returns where each sum of a benchmark's images stands."""
    return Columns.of([len(benchmark.classes[p.name]) for p in DISCRETE] + [2] * N_LOSSES)


@dataclass(frozen=True)
class SetTable:
    """One set's images as rows of sums-to-be.

    Attributes:
        name: Name of the set.
        gms: Names of its GMs that have a row, in the benchmark's order; G of them.
        truth: Normalised continuous labels, shape (G, 9).
        classes: Class index of each discrete parameter and loss, shape (G, 16).
        rows: Per GM, its images' terms, each of shape (images, width).
        columns: Where each term stands.
    """

    name: str
    gms: tuple[str, ...]
    truth: Array
    classes: NDArray[np.int64]
    rows: tuple[Array, ...]
    columns: Columns

    @classmethod
    def of(
        cls,
        name: str,
        gms: Sequence[str],
        labels: tuple[Array, NDArray[np.int64]],
        gm_of: NDArray[np.int64],
        predicted: tuple[Array, NDArray[np.int64]],
        columns: Columns,
    ) -> SetTable:
        """Returns the table of one set.

        Args:
            name: Name of the set.
            gms: Names of its G GMs.
            labels: Normalised continuous labels, shape (G, 9), and class indices, shape (G, 16).
            gm_of: The GM of each image, from 0 to G - 1, shape (images,); each GM has one.
            predicted: What is predicted of each image, likewise: (images, 9) and (images, 16).
            columns: Where each term goes.
        """
        truth, classes = labels
        terms = image_terms(*predicted, truth[gm_of], columns)
        ends = np.cumsum(np.bincount(gm_of, minlength=len(gms)))
        rows = np.split(terms[np.argsort(gm_of, kind="stable")], ends[:-1])
        return cls(name, tuple(gms), truth, classes, tuple(rows), columns)

    def only(self, rows: Sequence[int]) -> SetTable:
        """Returns the set with some of its GMs alone, given by their rows; at least one."""
        return SetTable(
            name=self.name,
            gms=tuple(self.gms[row] for row in rows),
            truth=self.truth[list(rows)],
            classes=self.classes[list(rows)],
            rows=tuple(self.rows[row] for row in rows),
            columns=self.columns,
        )

    @property
    def image_errors(self) -> list[Array]:
        """Per GM the mean absolute error of each image, in normalised units."""
        return [rows[:, self.columns.error].mean(axis=1) for rows in self.rows]

    @property
    def points(self) -> tuple[Array, Array]:
        """Prediction and truth of every (image, continuous parameter), each of shape (points,)."""
        predicted = [rows[:, self.columns.prediction].ravel() for rows in self.rows]
        truth = [np.tile(y, len(rows)) for y, rows in zip(self.truth, self.rows, strict=True)]
        return np.concatenate(predicted), np.concatenate(truth)

    @cached_property
    def sums(self) -> GMSums:
        """The sums over the images as they are, without any leading axis."""
        return GMSums(
            totals=np.stack([row.sum(axis=0) for row in self.rows]),
            counts=np.array([len(row) for row in self.rows], dtype=np.float64),
            truth=self.truth,
            classes=self.classes,
            columns=self.columns,
        )

    @cached_property
    def leave_one_out(self) -> GMSums:
        """The sums without one GM, for each GM in turn: a leading axis of length G."""
        n_gms = len(self.gms)
        others = np.array([[j for j in range(n_gms) if j != i] for i in range(n_gms)], dtype=int)
        sums = self.sums
        return GMSums(
            totals=sums.totals[others],
            counts=sums.counts[others],
            truth=sums.truth[others],
            classes=sums.classes[others],
            columns=sums.columns,
        )


@dataclass(frozen=True)
class GMSums:
    """Sums over the images of each GM; `...` stands for any leading axes, such as replicates.

    Attributes:
        totals: Shape (..., G, width).
        counts: Number of images, shape (..., G).
        truth: Normalised continuous labels, shape (..., G, 9).
        classes: Class indices of the 16 heads, shape (..., G, 16).
        columns: Where each sum stands.
    """

    totals: Array
    counts: Array
    truth: Array
    classes: NDArray[np.int64]
    columns: Columns

    def one_gm_each(self) -> GMSums:
        """Returns the same sums with every GM on its own: the GM axis becomes a leading one."""
        return GMSums(
            totals=self.totals[..., None, :],
            counts=self.counts[..., None],
            truth=self.truth[..., None, :],
            classes=self.classes[..., None, :],
            columns=self.columns,
        )

    @cached_property
    def over_gms(self) -> Array:
        """Sums over all images of what does not belong to a head, shape (..., 28)."""
        return np.asarray(self.totals[..., : self.columns.heads[0].start].sum(axis=-2))

    @cached_property
    def with_truth(self) -> tuple[Array, Array, Array]:
        """Sums over all images of y, y * y and y * p of each continuous parameter: (..., 9)."""
        weighted = self.counts[..., None] * self.truth
        predicted = self.totals[..., self.columns.prediction]
        return (
            weighted.sum(axis=-2),
            (weighted * self.truth).sum(axis=-2),
            (self.truth * predicted).sum(axis=-2),
        )

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


def set_tables(predictions: Predictions) -> list[SetTable]:
    """Returns one table for each set that has predictions, in the benchmark's order."""
    benchmark, values = predictions.benchmark, predictions.values
    columns = layout(benchmark)
    truth = benchmark.normalise(benchmark.labels[:, :N_CONTINUOUS])
    classes = benchmark.labels[:, N_CONTINUOUS:].astype(np.int64)
    predicted = benchmark.normalise(values.continuous)
    chosen = np.concatenate([values.discrete, values.losses >= 0.5], axis=1).astype(np.int64)
    tables = []
    for number, name in enumerate(benchmark.sets):
        in_set = predictions.sets == number
        if not in_set.any():
            continue
        gms = predictions.gms[in_set]
        # GMs in the order of their first images, which is that of the set.
        members, first, gm_of = np.unique(gms, return_index=True, return_inverse=True)
        order = np.argsort(first)
        members = members[order]
        tables.append(
            SetTable.of(
                name,
                [benchmark.gms[row].name for row in members.tolist()],
                (truth[members], classes[members]),
                np.argsort(order)[gm_of],
                (predicted[in_set], chosen[in_set]),
                columns,
            )
        )
    return tables


def image_terms(
    predicted: Array, chosen: NDArray[np.int64], truth: Array, columns: Columns
) -> Array:
    """Returns each image's terms of the sums, shape (images, width).

    Args:
        predicted: Normalised predictions, shape (images, 9).
        chosen: Predicted classes, shape (images, 16).
        truth: Normalised continuous labels of each image, shape (images, 9), or of all, (9,).
        columns: Where each term goes.
    """
    terms = np.zeros((len(predicted), columns.width))
    error = np.abs(predicted - truth)
    terms[:, columns.error] = error
    terms[:, columns.prediction] = predicted
    terms[:, columns.square] = predicted**2
    terms[:, columns.image_square] = error.mean(axis=1) ** 2
    rows = np.arange(len(predicted))
    for head, place in enumerate(columns.heads):
        terms[rows, place.start + chosen[:, head]] = 1.0
    return terms
